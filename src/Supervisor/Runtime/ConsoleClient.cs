using System.Net.Sockets;
using Gantry.Linux.Kernel;

namespace Gantry.Supervisor.Runtime;

/// <summary>The socket to which the caller wants a terminal's master to be sent.</summary>
internal static class ConsoleClient
{
    /// <exception cref="RuntimeException">Nobody listens there.</exception>
    public static Fd Connect(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = true };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e)
        {
            throw new RuntimeException($"connect to the console socket {path}: {e.Message}", e);
        }
        using var original = new Fd((int)socket.Handle, ownsHandle: false);
        return original.Duplicate(Drivers.Native.ProgramGate.Above);
    }
}
