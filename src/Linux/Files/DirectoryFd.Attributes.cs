using System.Buffers;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

// Reading and setting what the kernel keeps about a name in the directory, or about the directory itself.
public sealed unsafe partial class DirectoryFd
{
    private static bool lacksFchmodat2;

    public FileStatus Status(FilePath name)
    {
        TryStatus(name, out var status).Check("stat", name);
        return status;
    }

    public KernelResult TryStatus(FilePath name, out FileStatus status)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var buffer = new PathBuffer(name, scratch);
        RawStatus raw = default;
        fixed (byte* p = buffer)
        {
            nint result = Syscall.Call(SyscallNumber.Statx, Number, (nint)p, SymlinkNoFollow, (nint)RawStatus.Basic, (nint)(&raw));
            status = FileStatus.From(raw);
            return result;
        }
    }

    /// <summary>Status of an open file or directory itself.</summary>
    public static FileStatus StatusOf(Fd file)
    {
        RawStatus raw = default;
        byte empty = 0;
        Syscall.Check(Syscall.Call(SyscallNumber.Statx, file.Number, (nint)(&empty), EmptyPath, (nint)RawStatus.Basic, (nint)(&raw)), "stat");
        return FileStatus.From(raw);
    }

    public FileStatus Status() => StatusOf(this);

    public bool Exists(FilePath name)
    {
        var result = TryStatus(name, out _);
        if (result.Succeeded) return true;
        if (result.Errno is Errno.ENOENT or Errno.ENOTDIR) return false;
        result.Check("stat", name);
        return false;
    }

    public void ChangeOwner(FilePath name, uint owner, uint group)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var buffer = new PathBuffer(name, scratch);
        fixed (byte* p = buffer)
            new KernelResult(Syscall.Call(SyscallNumber.Fchownat, Number, (nint)p, (nint)owner, (nint)group, SymlinkNoFollow)).Check("chown", name);
    }

    /// <summary>Sets the twelve permission bits. A symbolic link has none: <c>EOPNOTSUPP</c>.</summary>
    public void ChangeMode(FilePath name, uint permissions)
    {
        KernelResult result = -(int)Errno.ENOSYS;
        if (!lacksFchmodat2)
        {
            Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
            using var buffer = new PathBuffer(name, scratch);
            fixed (byte* p = buffer) result = Syscall.Call(SyscallNumber.Fchmodat2, Number, (nint)p, (nint)permissions, SymlinkNoFollow);
        }
        if (result.Errno == Errno.ENOSYS) result = ChangeModeByHandle(name, permissions);
        result.Check("chmod", name);
    }

    /// <summary>Before Linux 6.6: a path handle names the file itself, and its entry in <c>/proc</c> leads to nothing else.</summary>
    private KernelResult ChangeModeByHandle(FilePath name, uint permissions)
    {
        lacksFchmodat2 = true;
        var opened = TryOpenFile(name, OpenFlags.PathOnly, 0, out var handle);
        if (!opened.Succeeded) return opened;
        using (handle)
        {
            if (StatusOf(handle!).Type == FileType.SymbolicLink) return -(int)Errno.EOPNOTSUPP;
            Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
            using var buffer = new PathBuffer($"/proc/self/fd/{handle!.Number}", scratch);
            fixed (byte* p = buffer) return Syscall.Call(SyscallNumber.Fchmodat, Kernel.OpenFile.CurrentDirectory, (nint)p, (nint)permissions);
        }
    }

    public void SetTimes(FilePath name, FileTime accessed, FileTime modified) => TrySetTimes(name, accessed, modified).Check("set times of", name);

    public KernelResult TrySetTimes(FilePath name, FileTime accessed, FileTime modified)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var buffer = new PathBuffer(name, scratch);
        long* times = stackalloc long[4] { accessed.Seconds, accessed.Nanoseconds, modified.Seconds, modified.Nanoseconds };
        fixed (byte* p = buffer) return Syscall.Call(SyscallNumber.Utimensat, Number, (nint)p, (nint)times, SymlinkNoFollow);
    }

    /// <summary>The target of a symbolic link, as its raw bytes.</summary>
    public byte[] ReadLink(FilePath name)
    {
        TryReadLink(name, out byte[] target).Check("readlink", name);
        return target;
    }

    public KernelResult TryReadLink(FilePath name, out byte[] target)
    {
        const int PathMax = 4096;
        byte[] rented = ArrayPool<byte>.Shared.Rent(PathMax);
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var buffer = new PathBuffer(name, scratch);
        try
        {
            fixed (byte* p = buffer, t = rented)
            {
                nint length = Syscall.Call(SyscallNumber.Readlinkat, Number, (nint)p, (nint)t, PathMax);
                target = length >= 0 ? rented[..(int)length] : [];
                return length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
