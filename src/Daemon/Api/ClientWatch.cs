using System.Net.Sockets;
using Gantry.Daemon.Engine;
using Gantry.Linux.Sockets;

namespace Gantry.Daemon.Api;

/// <summary>Stops a job whose client has gone away, and only then: a client that has just ended its direction after its request still waits for the answer.</summary>
/// <remarks>
/// On a Unix socket the kernel tells the two apart, so one that has half-closed is looked at again every second. On tcp it does not; there the answer has
/// one second to be ready (dockerd gives it none).
/// </remarks>
internal sealed class ClientWatch : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly ConnectionLife life;
    private readonly Socket socket;
    private readonly Job job;
    private readonly CancellationTokenRegistration registration;
    private readonly Lock gate = new();
    private Timer? timer;
    private bool disposed;

    public ClientWatch(ConnectionLife life, Socket socket, Job job)
    {
        this.life = life;
        this.socket = socket;
        this.job = job;
        registration = life.Gone.UnsafeRegister(static watch => ((ClientWatch)watch!).Ended(), this);
    }

    /// <summary>The job was stopped because its client has gone.</summary>
    public bool ClientGone { get; private set; }

    private void Ended()
    {
        if (life.IsTakenOver) return;
        if (Peer.HasHungUp(socket.SafeHandle))
        {
            Stop();
            return;
        }
        lock (gate)
        {
            if (!disposed) timer = new Timer(static watch => ((ClientWatch)watch!).LookAgain(), this, Interval, Interval);
        }
    }

    private void LookAgain()
    {
        if (life.IsTakenOver) return;
        if (socket.AddressFamily != AddressFamily.Unix || Peer.HasHungUp(socket.SafeHandle)) Stop();
    }

    private void Stop()
    {
        ClientGone = true;
        job.Stop();
    }

    public void Dispose()
    {
        registration.Dispose();
        lock (gate)
        {
            disposed = true;
            timer?.Dispose();
        }
    }
}
