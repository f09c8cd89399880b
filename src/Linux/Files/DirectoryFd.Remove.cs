using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

// Taking names away and moving them.
public sealed unsafe partial class DirectoryFd
{
    private const int RemoveDirectoryFlag = 0x200;

    public void RemoveFile(FilePath name) => TryRemove(name, 0).Check("unlink", name);

    public void RemoveDirectory(FilePath name) => TryRemove(name, RemoveDirectoryFlag).Check("rmdir", name);

    public KernelResult TryRemoveFile(FilePath name) => TryRemove(name, 0);

    public KernelResult TryRemoveDirectory(FilePath name) => TryRemove(name, RemoveDirectoryFlag);

    private KernelResult TryRemove(FilePath name, int flags)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var buffer = new PathBuffer(name, scratch);
        fixed (byte* p = buffer) return Syscall.Call(SyscallNumber.Unlinkat, Number, (nint)p, flags);
    }

    /// <summary>Moves a name to another directory of the same file system; an existing target is replaced unless the flags say otherwise.</summary>
    public void Rename(FilePath name, DirectoryFd target, FilePath newName, RenameFlags flags = RenameFlags.None) =>
        TryRename(name, target, newName, flags).Check("rename", name);

    public KernelResult TryRename(FilePath name, DirectoryFd target, FilePath newName, RenameFlags flags = RenameFlags.None)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch], newScratch = stackalloc byte[PathBuffer.Scratch];
        using var buffer = new PathBuffer(name, scratch);
        using var newBuffer = new PathBuffer(newName, newScratch);
        fixed (byte* p = buffer, n = newBuffer) return Syscall.Call(SyscallNumber.Renameat2, Number, (nint)p, target.Number, (nint)n, (nint)(uint)flags);
    }
}

/// <summary>Flags of renameat2(2).</summary>
[Flags]
public enum RenameFlags : uint
{
    None = 0,
    /// <summary>Fail with <c>EEXIST</c> instead of replacing.</summary>
    NoReplace = 1,
    /// <summary>Both names exist and change places.</summary>
    Exchange = 2,
    /// <summary>Leave an overlay whiteout behind.</summary>
    Whiteout = 4,
}
