using Gantry.Linux.Kernel;
using Gantry.Linux.Networking;
using Gantry.Linux.Polling;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Networks.Firewall;

/// <summary>Sets the packet filter right again when another program has changed it: a service that flushed all rules, a dockerd that came up and drops what it does not forward.</summary>
internal sealed class FilterGuard : IAsyncDisposable
{
    /// <summary>Other programs change rules in many small steps: they are left to finish.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(100);

    private readonly PacketFilter filter;
    private readonly ILogger log;
    private readonly NftablesMonitor monitor;
    private readonly EventLoop loop;
    private readonly SemaphoreSlim changed = new(0);
    private readonly CancellationTokenSource stop = new();
    private readonly Task watching;

    private FilterGuard(PacketFilter filter, ILogger log, NftablesMonitor monitor)
    {
        this.filter = filter;
        this.log = log;
        this.monitor = monitor;
        loop = new EventLoop("packet filter");
        loop.Start();
        loop.Post(() => loop.Add(monitor.Signal, Readiness.Readable, _ =>
        {
            if (monitor.Read() && changed.CurrentCount == 0) changed.Release();
        }));
        watching = WatchAsync();
    }

    /// <summary>Null where the kernel does not tell of changes.</summary>
    public static async Task<FilterGuard?> StartAsync(HostNetwork host, PacketFilter filter, ILogger log)
    {
        try
        {
            return new FilterGuard(filter, log, await host.RunAsync(() => new NftablesMonitor()).ConfigureAwait(false));
        }
        catch (KernelException)
        {
            return null;
        }
    }

    private async Task WatchAsync()
    {
        try
        {
            while (true)
            {
                await changed.WaitAsync(stop.Token).ConfigureAwait(false);
                do await Task.Delay(Settle, stop.Token).ConfigureAwait(false);
                while (changed.Wait(0, CancellationToken.None));
                Restore();
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private void Restore()
    {
        try
        {
            if (filter.Restore()) NetworkLog.FilterRestored(log);
        }
        catch (NftablesException e)
        {
            NetworkLog.FilterLost(log, e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await watching.ConfigureAwait(false);
        loop.Dispose();
        monitor.Dispose();
        stop.Dispose();
        changed.Dispose();
    }
}
