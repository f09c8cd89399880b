using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>An open directory: the start of every lookup. Names given to its methods are looked up in it; the last component is never followed when it is a symbolic link.</summary>
/// <remarks>
/// Methods that take a path of several components trust the ones between: use <see cref="Resolve"/>, or open step by step, where a
/// hostile tree is walked. <c>Try…</c> methods leave the judgement of an error to the caller; the others throw <see cref="KernelException"/>.
/// </remarks>
[SkipLocalsInit]
public sealed unsafe partial class DirectoryFd : Fd
{
    private const int SymlinkNoFollow = 0x100;
    private const int EmptyPath = 0x1000;

    /// <summary>Takes ownership of an open directory.</summary>
    public DirectoryFd(int fd) : base(fd) { }

    /// <summary>Opens a directory of the host by its path, following symbolic links.</summary>
    public static DirectoryFd Open(string path)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var buffer = new PathBuffer(path, scratch);
        fixed (byte* p = buffer)
        {
            int flags = Kernel.OpenFile.Native(OpenFlags.ReadOnly | OpenFlags.Directory | OpenFlags.CloseOnExec);
            nint fd = Syscall.CallRestarting(SyscallNumber.Openat, Kernel.OpenFile.CurrentDirectory, (nint)p, flags);
            return new DirectoryFd((int)Syscall.Check(fd, $"open {path}"));
        }
    }

    /// <summary>Opens the directory that a descriptor of any kind leads to: a path handle, the root of a detached mount.</summary>
    public static DirectoryFd Open(Fd directory)
    {
        byte* here = stackalloc byte[2] { (byte)'.', 0 };
        int flags = Kernel.OpenFile.Native(OpenFlags.ReadOnly | OpenFlags.Directory | OpenFlags.CloseOnExec);
        return new DirectoryFd((int)Syscall.Check(Syscall.CallRestarting(SyscallNumber.Openat, directory.Number, (nint)here, flags), "open a directory"));
    }

    /// <summary>Another descriptor of the same directory.</summary>
    public DirectoryFd DuplicateDirectory() => new(Duplicate().Release());

    /// <summary>Opens a directory in this one. Fails with <c>ENOTDIR</c> at a symbolic link.</summary>
    public DirectoryFd OpenDirectory(FilePath name)
    {
        TryOpenDirectory(name, out var directory).Check("open directory", name);
        return directory!;
    }

    public KernelResult TryOpenDirectory(FilePath name, out DirectoryFd? directory, bool pathOnly = false)
    {
        var access = pathOnly ? OpenFlags.PathOnly : OpenFlags.ReadOnly;
        var result = TryOpen(name, access | OpenFlags.Directory | OpenFlags.NoFollow | OpenFlags.CloseOnExec, 0);
        directory = result.Succeeded ? new DirectoryFd((int)result.Value) : null;
        return result;
    }

    /// <summary>Opens or creates a file (flags: <see cref="OpenFlags"/>); close-on-exec and no-follow are added.</summary>
    public Fd OpenFile(FilePath name, OpenFlags flags, uint mode = 0)
    {
        TryOpenFile(name, flags, mode, out var file).Check("open", name);
        return file!;
    }

    public KernelResult TryOpenFile(FilePath name, OpenFlags flags, uint mode, out Fd? file)
    {
        var result = TryOpen(name, flags | OpenFlags.NoFollow | OpenFlags.CloseOnExec | OpenFlags.NoControllingTerminal, mode);
        file = result.Succeeded ? new Fd((int)result.Value) : null;
        return result;
    }

    /// <summary>Opens a regular file for reading, and nothing else: not even for a moment is a device or a fifo opened that has taken its name.</summary>
    /// <returns><c>EINVAL</c> for a file of another type.</returns>
    public KernelResult TryOpenRegular(FilePath name, out Fd? file, out FileStatus status)
    {
        file = null;
        status = default;
        var found = TryOpenFile(name, OpenFlags.PathOnly, 0, out var handle);
        if (!found.Succeeded) return found;
        using (handle)
        {
            status = StatusOf(handle!);
            if (status.Type != FileType.Regular) return -(int)Errno.EINVAL;
            var opened = TryReopen(handle!, OpenFlags.ReadOnly | OpenFlags.NonBlocking, out file);
            return opened;
        }
    }

    /// <summary>Opens what a path handle stands for: its entry in <c>/proc</c> leads to nothing else.</summary>
    public static KernelResult TryReopen(Fd handle, OpenFlags flags, out Fd? file)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var buffer = new PathBuffer($"/proc/self/fd/{handle.Number}", scratch);
        fixed (byte* p = buffer)
        {
            KernelResult result = Syscall.CallRestarting(SyscallNumber.Openat, Kernel.OpenFile.CurrentDirectory, (nint)p, Kernel.OpenFile.Native(flags | OpenFlags.CloseOnExec));
            file = result.Succeeded ? new Fd((int)result.Value) : null;
            return result;
        }
    }

    /// <summary>Opens a path with this directory as the root: neither <c>..</c> nor an absolute or relative symbolic link leads out of it.</summary>
    /// <exception cref="KernelException">Also <c>ENOSYS</c>: openat2 needs Linux 5.6.</exception>
    public Fd Resolve(FilePath path, OpenFlags flags, uint mode = 0, ResolveFlags resolve = ResolveFlags.InRoot | ResolveFlags.NoMagicLinks)
    {
        TryResolve(path, flags, mode, resolve, out var file).Check("open", path);
        return file!;
    }

    public KernelResult TryResolve(FilePath path, OpenFlags flags, uint mode, ResolveFlags resolve, out Fd? file)
    {
        var result = TryOpen2(path, flags, mode, resolve);
        file = result.Succeeded ? new Fd((int)result.Value) : null;
        return result;
    }

    /// <summary>Opens a directory by a path of any depth with this one as the root (see <see cref="Resolve"/>).</summary>
    public DirectoryFd ResolveDirectory(FilePath path, ResolveFlags resolve = ResolveFlags.InRoot | ResolveFlags.NoMagicLinks)
    {
        TryResolveDirectory(path, resolve, out var directory).Check("open directory", path);
        return directory!;
    }

    public KernelResult TryResolveDirectory(FilePath path, ResolveFlags resolve, out DirectoryFd? directory)
    {
        var result = TryOpen2(path, OpenFlags.ReadOnly | OpenFlags.Directory, 0, resolve);
        directory = result.Succeeded ? new DirectoryFd((int)result.Value) : null;
        return result;
    }

    private KernelResult TryOpen(FilePath name, OpenFlags flags, uint mode)
    {
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var buffer = new PathBuffer(name, scratch);
        fixed (byte* p = buffer) return Syscall.CallRestarting(SyscallNumber.Openat, Number, (nint)p, Kernel.OpenFile.Native(flags), (nint)mode);
    }

    private KernelResult TryOpen2(FilePath path, OpenFlags flags, uint mode, ResolveFlags resolve)
    {
        var how = new OpenHow { Flags = (ulong)(uint)Kernel.OpenFile.Native(flags | OpenFlags.CloseOnExec), Mode = mode, Resolve = (ulong)resolve };
        Span<byte> scratch = stackalloc byte[PathBuffer.Scratch];
        using var buffer = new PathBuffer(path, scratch);
        fixed (byte* p = buffer)
        {
            nint result;
            // EAGAIN: something was renamed or mounted while ".." was being checked (openat2(2)).
            do result = Syscall.CallRestarting(SyscallNumber.Openat2, Number, (nint)p, (nint)(&how), sizeof(OpenHow));
            while (result == -(int)Errno.EAGAIN);
            return result;
        }
    }

    /// <summary><c>struct open_how</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }
}
