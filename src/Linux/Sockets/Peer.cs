using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Sockets;

/// <summary>What can be told of the other end of a socket.</summary>
public static unsafe class Peer
{
    private const short HangUp = 0x10, Error = 0x8;

    /// <summary>Whether the other end has yet to take bytes that were sent: by reading them on a Unix socket, by acknowledging them on TCP (SIOCOUTQ, unix(7) and tcp(7)).</summary>
    public static bool HasUnread(SafeHandle socket)
    {
        const int outQueue = 0x5411;
        bool held = false;
        try
        {
            socket.DangerousAddRef(ref held);
            int bytes = 0;
            return Syscall.Fast(SyscallNumber.Ioctl, (nint)socket.DangerousGetHandle(), outQueue, (nint)(&bytes)) >= 0 && bytes > 0;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            if (held) socket.DangerousRelease();
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Descriptor;
        public short Wanted;
        public short Found;
    }

    /// <summary>Whether both directions have ended (poll(2), POLLHUP). On a Unix socket this tells a peer that has closed its end from one that has only stopped sending.</summary>
    public static bool HasHungUp(SafeHandle socket)
    {
        bool held = false;
        try
        {
            socket.DangerousAddRef(ref held);
            var entry = new PollFd { Descriptor = (int)socket.DangerousGetHandle() };
            long* now = stackalloc long[2];   // a time limit of zero
            now[0] = now[1] = 0;
            return Syscall.Fast(SyscallNumber.Ppoll, (nint)(&entry), 1, (nint)now, 0, 0) > 0 && (entry.Found & (HangUp | Error)) != 0;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
        finally
        {
            if (held) socket.DangerousRelease();
        }
    }
}
