using System.Net.Sockets;
using Gantry.Daemon.Options;

namespace Gantry.Daemon.Api.Listening;

/// <summary>A socket that listens, from before the engine can serve it: the kernel queues who connects.</summary>
internal sealed record BoundSocket(HostAddress Address, Socket Socket) : IDisposable
{
    /// <summary>Whether TLS is spoken on it, when it is configured: on tcp, and on nothing that stays on this machine's file system.</summary>
    public bool IsNetwork => Socket.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6;

    /// <summary>Closes it; a Unix socket's file goes with it.</summary>
    public void Dispose() => Socket.Dispose();
}
