using System.Text;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Sockets;

/// <summary>Makes listening Unix sockets whose file outlives this process's descriptor (the runtime's own class removes it on dispose).</summary>
public static unsafe class UnixListener
{
    private const int Unix = 1, Stream = 1, CloseOnExec = 0x80000, PathSize = 108;

    /// <summary>Binds a path that is free, with access for its owner alone, and listens.</summary>
    /// <exception cref="KernelException">Step <c>bind PATH</c>: the path is taken, or longer than a socket's may be (107 bytes).</exception>
    public static Fd Bind(string path, int backlog)
    {
        int length = Encoding.UTF8.GetByteCount(path);
        if (length >= PathSize) throw new KernelException($"bind {path}", Errno.ENAMETOOLONG);
        var socket = new Fd((int)Syscall.Check(Syscall.Fast(SyscallNumber.Socket, Unix, Stream | CloseOnExec, 0), "socket"));
        try
        {
            byte* address = stackalloc byte[2 + PathSize];
            new Span<byte>(address, 2 + PathSize).Clear();
            *(ushort*)address = Unix;
            Encoding.UTF8.GetBytes(path, new Span<byte>(address + 2, PathSize));
            const int ownerOnly = 0x180;
            Syscall.Check(Syscall.Fast(SyscallNumber.Fchmod, socket.Number, ownerOnly), $"set the mode of {path}");   // before bind, the file gets it
            Syscall.Check(Syscall.Call(SyscallNumber.Bind, socket.Number, (nint)address, 2 + length + 1), $"bind {path}");
            Syscall.Check(Syscall.Fast(SyscallNumber.Listen, socket.Number, backlog), $"listen on {path}");
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
