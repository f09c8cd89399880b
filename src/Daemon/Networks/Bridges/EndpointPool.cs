using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Networks.Bridges;

/// <summary>A few endpoints made ahead of need: making a namespace and its wire takes longer than all the rest of a container's network.</summary>
internal sealed class EndpointPool : IAsyncDisposable
{
    private readonly Func<Task<PreparedEndpoint>> make;
    private readonly int size;
    private readonly ILogger log;
    private readonly ConcurrentQueue<PreparedEndpoint> ready = new();
    private readonly SemaphoreSlim wanted = new(0);
    private readonly CancellationTokenSource stop = new();
    private readonly Task filling;

    public EndpointPool(Func<Task<PreparedEndpoint>> make, int size, ILogger log)
    {
        this.make = make;
        this.size = size;
        this.log = log;
        filling = FillAsync();
        wanted.Release();
    }

    /// <summary>One that is ready; when there is none, it is made now.</summary>
    public async ValueTask<PreparedEndpoint> TakeAsync()
    {
        bool found = ready.TryDequeue(out var endpoint);
        if (wanted.CurrentCount == 0) wanted.Release();
        return found ? endpoint! : await make().ConfigureAwait(false);
    }

    private async Task FillAsync()
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                await wanted.WaitAsync(stop.Token).ConfigureAwait(false);
                await TopUpAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task TopUpAsync()
    {
        try
        {
            while (ready.Count < size && !stop.IsCancellationRequested) ready.Enqueue(await make().ConfigureAwait(false));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Until it works again each is made when it is needed, and whoever needs it sees the error.
            NetworkLog.PoolNotFilled(log, e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await filling.ConfigureAwait(false);
        while (ready.TryDequeue(out var endpoint)) endpoint.Dispose();
        stop.Dispose();
        wanted.Dispose();
    }
}
