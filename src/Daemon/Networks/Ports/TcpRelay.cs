using System.Net;
using System.Net.Sockets;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Networks.Ports;

/// <summary>Carries the connections to a published port that no rule of the packet filter takes: from this host over IPv6, or where there is no filter.</summary>
internal sealed class TcpRelay : IAsyncDisposable
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(10);

    private readonly HostNetwork host;
    private readonly IPEndPoint target;
    private readonly Socket listener;
    private readonly CancellationTokenSource stop = new();
    private readonly HashSet<Task> connections = [];
    private readonly Lock gate = new();
    private readonly Task accepting;

    public TcpRelay(HostNetwork host, Fd listener, IPEndPoint target)
    {
        this.host = host;
        this.target = target;
        this.listener = new Socket(new SafeSocketHandle(listener.Release(), ownsHandle: true));
        accepting = AcceptAsync();
    }

    private async Task AcceptAsync()
    {
        await Task.Yield();
        while (!stop.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await listener.AcceptAsync(stop.Token).ConfigureAwait(false);
            }
            catch (SocketException) when (!stop.IsCancellationRequested)
            {
                continue;   // that client is gone already
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
            Start(client);
        }
    }

    private void Start(Socket client)
    {
        var task = ServeAsync(client);
        lock (gate) connections.Add(task);
        _ = task.ContinueWith(done =>
        {
            lock (gate) connections.Remove(done);
        }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task ServeAsync(Socket client)
    {
        await Task.Yield();
        using (client)
        {
            try
            {
                using var server = await host.RunAsync(() => new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp)).ConfigureAwait(false);
                using (var limit = CancellationTokenSource.CreateLinkedTokenSource(stop.Token))
                {
                    limit.CancelAfter(ConnectLimit);
                    await server.ConnectAsync(target, limit.Token).ConfigureAwait(false);
                }
                client.NoDelay = server.NoDelay = true;
                using var over = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
                await Task.WhenAll(CopyAsync(client, server, over), CopyAsync(server, client, over)).ConfigureAwait(false);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // One side is gone, or we are: closing both says so.
                client.LingerState = new LingerOption(true, 0);
            }
        }
    }

    /// <summary>Copies one direction, and passes its end on: the other may go on for long.</summary>
    /// <param name="over">Cancelled when this direction fails: the other might wait for ever.</param>
    private static async Task CopyAsync(Socket from, Socket to, CancellationTokenSource over)
    {
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(32768);
        try
        {
            while (true)
            {
                int read = await from.ReceiveAsync(buffer, over.Token).ConfigureAwait(false);
                if (read == 0) break;
                for (int sent = 0; sent < read;) sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), over.Token).ConfigureAwait(false);
            }
            to.Shutdown(SocketShutdown.Send);
        }
        catch
        {
            await over.CancelAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        listener.Dispose();
        await accepting.ConfigureAwait(false);
        Task[] rest;
        lock (gate) rest = [.. connections];
        await Task.WhenAll(rest).ConfigureAwait(false);
        stop.Dispose();
    }
}
