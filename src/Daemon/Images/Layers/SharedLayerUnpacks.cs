using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Streams;

namespace Gantry.Daemon.Images.Layers;

/// <summary>Lets everyone who wants the same layer at the same time share one unpack of it.</summary>
/// <remarks>The work belongs to all who wait for it: it is cancelled when the last of them has gone, and a failure is told to each.</remarks>
internal sealed class SharedLayerUnpacks(LayerStore layers)
{
    private readonly Lock gate = new();
    private readonly Dictionary<Digest, Flight> flights = [];

    private sealed class Flight
    {
        public CancellationTokenSource Stop { get; } = new();

        public int Waiting { get; set; }

        public Task<LayerLease> Work { get; set; } = null!;
    }

    /// <summary>A lease on a layer that is in the store or, after this, will be.</summary>
    /// <param name="parent">What lies below; in the store already.</param>
    /// <param name="diff">What the uncompressed archive must hash to.</param>
    /// <param name="open">Opens the layer's blob, compressed or not. Called at most once, on a thread that may block.</param>
    /// <exception cref="InvalidArchiveException">The blob is damaged or hostile, or hashes to something else.</exception>
    public async Task<LayerLease> GetAsync(Digest? parent, Digest diff, Func<CancellationToken, ByteSource> open, CancellationToken cancellation)
    {
        var chain = ChainId.Of(parent, diff);
        Flight? flight;
        lock (gate)
        {
            if (layers.TryLease(chain) is { } lease) return lease;
            if (!flights.TryGetValue(chain, out flight) || flight.Stop.IsCancellationRequested || flight.Work.IsFaulted)
            {
                flights[chain] = flight = new Flight();
                var token = flight.Stop.Token;
                flight.Work = Task.Run(() => UnpackAsync(parent, diff, open, token), CancellationToken.None);
            }
            flight.Waiting++;
        }
        try
        {
            // The flight's own lease is given back when the last who waits has taken a lease of its own.
            var installed = await flight.Work.WaitAsync(cancellation).ConfigureAwait(false);
            return layers.TryLease(installed.Layer.Chain) ?? throw new InvalidOperationException("a leased layer is in the store");
        }
        finally
        {
            await LeaveAsync(chain, flight).ConfigureAwait(false);
        }
    }

    /// <summary>The last to go ends the work, if it still runs, and waits for its end.</summary>
    private async Task LeaveAsync(Digest chain, Flight flight)
    {
        lock (gate)
        {
            if (--flight.Waiting > 0) return;
            if (flights.GetValueOrDefault(chain) == flight) flights.Remove(chain);
        }
        await flight.Stop.CancelAsync().ConfigureAwait(false);
        try
        {
            using var lease = await flight.Work.ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Everyone who waited has had this error already, or has gone before it came.
        }
        flight.Stop.Dispose();
    }

    private async Task<LayerLease> UnpackAsync(Digest? parent, Digest diff, Func<CancellationToken, ByteSource> open, CancellationToken cancellation)
    {
        using var pending = layers.Begin();
        var reading = Task.Factory.StartNew(() =>
        {
            using var blob = open(cancellation);
            return pending.UnpackAsync(blob, cancellation);
        }, cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await (await reading.ConfigureAwait(false)).ConfigureAwait(false);
        if (pending.Diff != diff) throw new InvalidArchiveException($"layer verification failed for digest {diff}: the archive's is {pending.Diff}");
        await layers.SyncAsync(cancellation).ConfigureAwait(false);
        await layers.Changes.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return layers.Install(pending, parent);
        }
        finally
        {
            layers.Changes.Release();
        }
    }
}
