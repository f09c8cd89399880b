namespace Gantry.Linux.Files;

/// <summary>How openat2(2) resolves a path.</summary>
[Flags]
public enum ResolveFlags : ulong
{
    None = 0,
    /// <summary>Stay on the file system of the start directory: <c>EXDEV</c> at a mount point.</summary>
    NoCrossDevice = 1,
    /// <summary>Refuse links such as <c>/proc/self/fd/3</c> that lead anywhere.</summary>
    NoMagicLinks = 2,
    /// <summary>Refuse every symbolic link: <c>ELOOP</c>.</summary>
    NoSymbolicLinks = 4,
    /// <summary>Refuse a path that leaves the start directory: <c>EXDEV</c>.</summary>
    Beneath = 8,
    /// <summary>Take the start directory as <c>/</c>: absolute links and <c>..</c> stay inside, as after chroot.</summary>
    InRoot = 16,
}
