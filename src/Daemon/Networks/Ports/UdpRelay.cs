using System.Net;
using System.Net.Sockets;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Networks.Ports;

/// <summary>Carries datagrams to a published port that no rule of the packet filter takes. Each sender has a socket of its own towards the container, until it is silent for a while.</summary>
internal sealed class UdpRelay : IAsyncDisposable
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(90);
    private const int LargestDatagram = 65535, MostSenders = 1024;

    private readonly HostNetwork host;
    private readonly IPEndPoint target;
    private readonly Socket socket;
    private readonly CancellationTokenSource stop = new();
    private readonly Dictionary<EndPoint, (Socket Socket, Task Task)> senders = [];
    private readonly Lock gate = new();
    private readonly Task receiving;

    public UdpRelay(HostNetwork host, Fd bound, IPEndPoint target)
    {
        this.host = host;
        this.target = target;
        socket = new Socket(new SafeSocketHandle(bound.Release(), ownsHandle: true));
        receiving = ReceiveAsync();
    }

    private async Task ReceiveAsync()
    {
        await Task.Yield();
        byte[] buffer = new byte[LargestDatagram];
        var any = new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, any, stop.Token).ConfigureAwait(false);
                if (await FindAsync(received.RemoteEndPoint).ConfigureAwait(false) is { } towards)
                    await towards.SendAsync(buffer.AsMemory(0, received.ReceivedBytes), stop.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException && !stop.IsCancellationRequested)
            {
                // An earlier answer could not be delivered, or the container has no such port: UDP says so with the next call. Or the sender's
                // socket was closed this moment: its next datagram gets another.
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task<Socket?> FindAsync(EndPoint sender)
    {
        lock (gate)
        {
            if (senders.TryGetValue(sender, out var known)) return known.Socket;
            if (senders.Count >= MostSenders) return null;
        }
        var made = await host.RunAsync(() => new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp)).ConfigureAwait(false);
        await made.ConnectAsync(target, stop.Token).ConfigureAwait(false);
        lock (gate) senders[sender] = (made, AnswerAsync(sender, made));
        return made;
    }

    private async Task AnswerAsync(EndPoint sender, Socket from)
    {
        await Task.Yield();
        byte[] buffer = new byte[LargestDatagram];
        try
        {
            while (true)
            {
                using var silence = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
                silence.CancelAfter(Silence);
                int length = await from.ReceiveAsync(buffer, silence.Token).ConfigureAwait(false);
                await socket.SendToAsync(buffer.AsMemory(0, length), SocketFlags.None, sender, stop.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Silent for long, refused by the container, or we end.
        }
        finally
        {
            lock (gate) senders.Remove(sender);
            from.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        socket.Dispose();
        await receiving.ConfigureAwait(false);
        Task[] rest;
        lock (gate) rest = [.. senders.Values.Select(s => s.Task)];
        await Task.WhenAll(rest).ConfigureAwait(false);
        stop.Dispose();
    }
}
