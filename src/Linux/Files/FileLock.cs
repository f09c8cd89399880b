using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>An exclusive lock on a whole file, held until it is disposed or the process ends in whatever way.</summary>
/// <remarks>
/// An open file description lock (fcntl(2), F_OFD_SETLK): unlike flock it does not get in the way of programs that only read the file with a lock of
/// their own, unlike a POSIX record lock it is not lost when another descriptor of the file is closed.
/// </remarks>
public sealed class FileLock : IDisposable
{
    private const int SetOfdLock = 37, GetOfdLock = 36;
    private const short WriteLock = 1, Unlocked = 2;
    private readonly Microsoft.Win32.SafeHandles.SafeFileHandle file;

    private FileLock(Microsoft.Win32.SafeHandles.SafeFileHandle file) => this.file = file;

    /// <summary><c>struct flock</c> of 64-bit Linux (fcntl.h).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Lock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Process;
    }

    /// <summary>The open file, for its content.</summary>
    public Microsoft.Win32.SafeHandles.SafeFileHandle File => file;

    /// <summary>Opens or creates a file and locks it; null when somebody else holds the lock.</summary>
    public static FileLock? TryAcquire(string path)
    {
        var file = System.IO.File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        var wanted = new Lock { Type = WriteLock };
        nint result = Control(file, SetOfdLock, ref wanted);
        if (result == 0) return new FileLock(file);
        file.Dispose();
        var errno = (Errno)(int)-result;
        return errno is Errno.EAGAIN or Errno.EACCES ? null : throw new KernelException($"lock {path}", errno);
    }

    /// <summary>Whether somebody holds the lock of a file; false when there is no such file.</summary>
    public static bool IsHeld(string path)
    {
        if (!System.IO.File.Exists(path)) return false;
        using var file = System.IO.File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        var found = new Lock { Type = WriteLock };
        Syscall.Check(Control(file, GetOfdLock, ref found), $"query the lock of {path}");
        return found.Type != Unlocked;
    }

    private static unsafe nint Control(Microsoft.Win32.SafeHandles.SafeFileHandle file, int operation, ref Lock argument)
    {
        fixed (Lock* pointer = &argument) return Syscall.Fast(SyscallNumber.Fcntl, file.DangerousGetHandle(), operation, (nint)pointer);
    }

    /// <summary>Lets go of the lock; the file stays.</summary>
    public void Dispose() => file.Dispose();
}
