using System.Runtime.InteropServices;

namespace Gantry.Linux.Kernel;

/// <summary>Owns one file descriptor of any kind and closes it exactly once.</summary>
public class Fd : SafeHandle
{
    public Fd() : base(-1, ownsHandle: true) { }

    public Fd(int fd, bool ownsHandle = true) : base(-1, ownsHandle) => SetHandle(fd);

    public override bool IsInvalid => handle < 0;

    /// <summary>The number, for a system call made while this object is certainly alive.</summary>
    public int Number => IsClosed ? throw new ObjectDisposedException(GetType().Name) : (int)handle;

    /// <summary>Gives the descriptor away: the caller closes it from now on.</summary>
    public int Release()
    {
        int fd = Number;
        SetHandleAsInvalid();
        return fd;
    }

    /// <summary>Another descriptor of the same open file, closed on exec.</summary>
    public Fd Duplicate(int atLeast = 0)
    {
        const int DupCloseOnExec = 1030;
        return new Fd((int)Syscall.Check(Syscall.Fast(SyscallNumber.Fcntl, Number, DupCloseOnExec, atLeast), "fcntl F_DUPFD_CLOEXEC"));
    }

    protected override bool ReleaseHandle()
    {
        Syscall.Call(SyscallNumber.Close, handle);
        return true;
    }
}
