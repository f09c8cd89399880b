namespace Gantry.Linux.Kernel;

/// <summary>Flags of openat(2), those that the two architectures share in value or that differ between them.</summary>
[Flags]
public enum OpenFlags
{
    ReadOnly = 0,
    WriteOnly = 1,
    ReadWrite = 2,
    Create = 0x40,
    Exclusive = 0x80,
    NoControllingTerminal = 0x100,
    Truncate = 0x200,
    Append = 0x400,
    NonBlocking = 0x800,
    CloseOnExec = 0x80000,
    PathOnly = 0x200000,
    /// <summary>Not in this enum's value for the kernel as is: arm64 swaps these two bits; <see cref="OpenFile"/> translates.</summary>
    Directory = 0x10000,
    NoFollow = 0x20000,
}

/// <summary>Opens files by path, close-on-exec always.</summary>
public static unsafe class OpenFile
{
    public const int CurrentDirectory = -100;

    /// <summary>The kernel's number for flags: O_DIRECTORY and O_NOFOLLOW have values of their own on arm64.</summary>
    public static int Native(OpenFlags flags)
    {
        int native = (int)(flags & ~(OpenFlags.Directory | OpenFlags.NoFollow));
        bool arm = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64;
        if (flags.HasFlag(OpenFlags.Directory)) native |= arm ? 0x4000 : 0x10000;
        if (flags.HasFlag(OpenFlags.NoFollow)) native |= arm ? 0x8000 : 0x20000;
        return native;
    }

    public static Fd ReadOnly(string path) => Open(path, OpenFlags.ReadOnly);

    /// <summary>Opens or creates a file.</summary>
    /// <param name="mode">Permission bits of a new file.</param>
    /// <exception cref="KernelException">Step <c>open PATH</c>.</exception>
    public static Fd Open(string path, OpenFlags flags, int mode = 0)
    {
        nint result = TryOpen(path, flags, mode);
        return new Fd((int)(result >= 0 ? result : Syscall.Check(result, $"open {path}")));
    }

    /// <summary>A descriptor, or a negative errno.</summary>
    public static nint TryOpen(string path, OpenFlags flags, int mode = 0)
    {
        using var name = new CString(path, stackalloc byte[512]);
        fixed (byte* p = name)
            return Syscall.CallRestarting(SyscallNumber.Openat, CurrentDirectory, (nint)p, Native(flags | OpenFlags.CloseOnExec), mode);
    }

    /// <summary>Opens a path below a directory as if that were the root: neither links nor <c>..</c> lead out of it (openat2(2), Linux 5.6).</summary>
    /// <returns>A descriptor, or a negative errno.</returns>
    public static nint TryOpenInRoot(Fd root, string path, OpenFlags flags, int mode = 0)
    {
        const ulong inRoot = 0x10, noMagicLinks = 0x02;
        string relative = path.TrimStart('/');
        using var name = new CString(relative.Length == 0 ? "." : relative, stackalloc byte[512]);
        ulong* how = stackalloc ulong[3];
        how[0] = (ulong)Native(flags | OpenFlags.CloseOnExec);
        how[1] = (ulong)mode;
        how[2] = inRoot | noMagicLinks;
        fixed (byte* p = name) return Syscall.CallRestarting(SyscallNumber.Openat2, root.Number, (nint)p, (nint)how, 3 * sizeof(ulong));
    }
}
