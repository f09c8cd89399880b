using System.Net;
using System.Net.Sockets;

namespace Gantry.Integration.Harness;

/// <summary>Passes TCP connections on to a server, as many bytes a second towards the client as a test allows, and tells how many have passed.</summary>
internal sealed class SlowProxy : IAsyncDisposable
{
    private const int Piece = 16 << 10;

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly IPEndPoint server;
    private readonly Task accepting;
    private long passed, limit = long.MaxValue;

    public SlowProxy(string host)
    {
        server = IPEndPoint.Parse(host);
        listener.Start();
        accepting = AcceptAsync();
    }

    public string Host => listener.LocalEndpoint.ToString()!;

    /// <summary>Bytes a second of each connection; 0 is no limit.</summary>
    public int Rate { get; set; }

    /// <summary>So many bytes pass in all, and no more until it is raised; each connection may be a piece beyond.</summary>
    public long Limit
    {
        get => Interlocked.Read(ref limit);
        set => Interlocked.Exchange(ref limit, value);
    }

    /// <summary>Bytes that have gone to clients.</summary>
    public long Passed => Interlocked.Read(ref passed);

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = RelayAsync(await listener.AcceptTcpClientAsync(stop.Token));
        }
        catch (OperationCanceledException)
        {
            // The end of the test.
        }
    }

    private async Task RelayAsync(TcpClient client)
    {
        using var near = client;
        using var far = new TcpClient { ReceiveBufferSize = Piece };
        try
        {
            await far.ConnectAsync(server, stop.Token);
            var up = near.GetStream().CopyToAsync(far.GetStream(), stop.Token);
            await Task.WhenAny(up, DownAsync(far.GetStream(), near.GetStream()));
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // One side has gone: closing both tells the other.
        }
    }

    private async Task DownAsync(NetworkStream from, NetworkStream to)
    {
        byte[] buffer = new byte[Piece];
        for (int read; (read = await from.ReadAsync(buffer, stop.Token)) > 0;)
        {
            while (Passed >= Limit) await Task.Delay(5, stop.Token);
            await to.WriteAsync(buffer.AsMemory(0, read), stop.Token);
            Interlocked.Add(ref passed, read);
            if (Rate > 0) await Task.Delay(TimeSpan.FromSeconds((double)read / Rate), stop.Token);
        }
    }

    /// <summary>Waits until so many bytes have passed.</summary>
    public async Task WaitForAsync(long bytes)
    {
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (Passed < bytes) await Task.Delay(5, end.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await accepting;
        stop.Dispose();
    }
}
