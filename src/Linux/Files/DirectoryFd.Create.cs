using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

// Making names in the directory.
public sealed unsafe partial class DirectoryFd
{
    public void MakeDirectory(FilePath name, uint mode) => TryMakeDirectory(name, mode).Check("mkdir", name);

    public KernelResult TryMakeDirectory(FilePath name, uint mode)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var buffer = new PathBuffer(name, scratch);
        fixed (byte* p = buffer) return Syscall.Call(SyscallNumber.Mkdirat, Number, (nint)p, (nint)mode);
    }

    /// <summary>Makes the directory unless it is there already, and opens it.</summary>
    public DirectoryFd EnsureDirectory(FilePath name, uint mode)
    {
        var made = TryMakeDirectory(name, mode);
        if (!made.Succeeded && made.Errno != Errno.EEXIST) made.Check("mkdir", name);
        return OpenDirectory(name);
    }

    /// <summary>Makes a device node, fifo or socket name.</summary>
    public void MakeNode(FilePath name, FileType type, uint permissions, DeviceNumber device = default) =>
        TryMakeNode(name, type, permissions, device).Check("mknod", name);

    public KernelResult TryMakeNode(FilePath name, FileType type, uint permissions, DeviceNumber device = default)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var buffer = new PathBuffer(name, scratch);
        fixed (byte* p = buffer) return Syscall.Call(SyscallNumber.Mknodat, Number, (nint)p, (nint)((uint)type | permissions), (nint)device.Encoded);
    }

    public void MakeSymbolicLink(FilePath name, FilePath target) => TryMakeSymbolicLink(name, target).Check("symlink", name);

    public KernelResult TryMakeSymbolicLink(FilePath name, FilePath target)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch], targetScratch = stackalloc byte[PathBuffer.Scratch];
        using var buffer = new PathBuffer(name, scratch);
        using var targetBuffer = new PathBuffer(target, targetScratch);
        fixed (byte* p = buffer, t = targetBuffer) return Syscall.Call(SyscallNumber.Symlinkat, (nint)t, Number, (nint)p);
    }

    /// <summary>Gives a file a second name. A symbolic link is not followed: it gets the second name itself.</summary>
    public void MakeHardLink(FilePath name, DirectoryFd targetDirectory, FilePath target) =>
        TryMakeHardLink(name, targetDirectory, target).Check("link", name);

    public KernelResult TryMakeHardLink(FilePath name, DirectoryFd targetDirectory, FilePath target)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch], targetScratch = stackalloc byte[PathBuffer.Scratch];
        using var buffer = new PathBuffer(name, scratch);
        using var targetBuffer = new PathBuffer(target, targetScratch);
        fixed (byte* p = buffer, t = targetBuffer)
            return Syscall.Call(SyscallNumber.Linkat, targetDirectory.Number, (nint)t, Number, (nint)p, 0);
    }
}
