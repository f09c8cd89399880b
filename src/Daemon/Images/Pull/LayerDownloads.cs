using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Streams;
using Gantry.Daemon.Registries;

namespace Gantry.Daemon.Images.Pull;

/// <summary>How a layer's download goes on.</summary>
/// <param name="Status">In the words of the progress stream (reference 4.8).</param>
/// <param name="Total">0 for a step without numbers.</param>
internal readonly record struct LayerStep(string Status, long Current = 0, long Total = 0);

/// <summary>Downloads layers straight into their unpacked form, some at a time, and lets all who want the same blob share one download.</summary>
/// <remarks>
/// A layer's files do not depend on what lies below it, so each is hashed, decompressed and written while it comes in; nothing is stored
/// compressed, and nothing of a blob that turns out to be another is ever seen. The work belongs to all who wait for it: it is cancelled
/// when the last of them has gone, and a failure is told to each.
/// </remarks>
internal sealed class LayerDownloads(LayerStore store, int limit, RetryPolicy retries)
{
    private readonly LayerStore layers = store;
    /// <summary>Bytes that are not those of the digest are fetched once more: a proxy may have spoilt them.</summary>
    private const int Tries = 2;

    private readonly SemaphoreSlim slots = new(limit);
    private readonly Lock gate = new();
    private readonly Dictionary<Digest, Flight> flights = [];

    private sealed class Flight
    {
        private readonly List<Action<LayerStep>> watchers = [];
        private LayerStep? last;

        public CancellationTokenSource Stop { get; } = new();

        public int Holders { get; set; }

        public Task<PendingLayer> Work { get; set; } = null!;

        /// <summary>Keeps the layer, once one of the holders has installed it, until the last of them has gone.</summary>
        public LayerLease? Installed { get; set; }

        public void Step(LayerStep step)
        {
            lock (watchers)
            {
                last = step;
                foreach (var watcher in watchers) watcher(step);
            }
        }

        public void Watch(Action<LayerStep> watcher)
        {
            lock (watchers)
            {
                watchers.Add(watcher);
                if (last is { } step) watcher(step);
            }
        }

        public void Unwatch(Action<LayerStep> watcher)
        {
            lock (watchers) watchers.Remove(watcher);
        }
    }

    /// <summary>A downloaded layer. Until it is installed it belongs to all who hold it.</summary>
    public sealed class Download : IAsyncDisposable
    {
        private readonly LayerDownloads owner;
        private readonly Flight flight;
        private readonly Action<LayerStep> watcher;
        private bool left;

        private Download(LayerDownloads owner, Flight flight, Digest blob, Action<LayerStep> watcher)
        {
            this.owner = owner;
            this.flight = flight;
            this.watcher = watcher;
            Blob = blob;
        }

        public Digest Blob { get; }

        /// <summary>The unpacked layer, once <see cref="WaitAsync"/> has completed.</summary>
        public PendingLayer Layer => flight.Work.Result;

        /// <summary>The layer in the store, when one of the holders has installed it.</summary>
        public Layer? Installed => flight.Installed?.Layer;

        /// <summary>Gives the layer its place. <see cref="LayerStore.Changes"/> is held.</summary>
        public LayerLease Install(Digest? parent)
        {
            var lease = owner.layers.Install(Layer, parent);
            if (Layer.IsInstalled) flight.Installed = owner.layers.TryLease(lease.Layer.Chain);
            return lease;
        }

        /// <exception cref="RegistryException">The registry has not given it.</exception>
        /// <exception cref="InvalidArchiveException">It is another blob, or no layer.</exception>
        public Task WaitAsync(CancellationToken cancellation) => flight.Work.WaitAsync(cancellation);

        internal static Download Join(LayerDownloads owner, RemoteRepository repository, Digest blob, long size, Action<LayerStep> watcher)
        {
            lock (owner.gate)
            {
                if (!owner.flights.TryGetValue(blob, out var flight) || flight.Stop.IsCancellationRequested || flight.Work.IsFaulted)
                {
                    owner.flights[blob] = flight = new Flight();
                    flight.Watch(watcher);   // before its first step: whoever begins it is told them all
                    var (started, slot) = (flight, owner.slots.WaitAsync(flight.Stop.Token));   // asked for here, so that layers come in their order
                    if (!slot.IsCompleted) flight.Step(new LayerStep("Waiting"));
                    flight.Work = Task.Run(() => owner.RunAsync(started, slot, repository, blob, size), CancellationToken.None);
                }
                else
                {
                    flight.Watch(watcher);
                }
                flight.Holders++;
                return new Download(owner, flight, blob, watcher);
            }
        }

        /// <summary>The last to go ends the work, if it still runs, waits for its end, and removes what was not put to use.</summary>
        public async ValueTask DisposeAsync()
        {
            if (left) return;
            left = true;
            flight.Unwatch(watcher);
            lock (owner.gate)
            {
                if (--flight.Holders > 0) return;
                if (owner.flights.GetValueOrDefault(Blob) == flight) owner.flights.Remove(Blob);
            }
            await flight.Stop.CancelAsync().ConfigureAwait(false);
            flight.Installed?.Dispose();
            await ((Task)flight.Work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);   // everyone who waited has had the error
            if (flight.Work.IsCompletedSuccessfully) await Task.Run(flight.Work.Result.Dispose).ConfigureAwait(false);
            flight.Stop.Dispose();
        }
    }

    /// <summary>Takes part in the download of a blob, or begins it.</summary>
    /// <param name="watcher">Told each step, from any thread; must not block.</param>
    public Download Join(RemoteRepository repository, Digest blob, long size, Action<LayerStep> watcher) => Download.Join(this, repository, blob, size, watcher);

    private async Task<PendingLayer> RunAsync(Flight flight, Task slot, RemoteRepository repository, Digest blob, long size)
    {
        var cancellation = flight.Stop.Token;
        await slot.ConfigureAwait(false);
        try
        {
            for (int attempt = 1; ; attempt++)
            {
                try
                {
                    return await RunOnceAsync(flight, repository, blob, size, cancellation).ConfigureAwait(false);
                }
                catch (InvalidArchiveException e) when (e.IsWrongBlob && attempt < Tries)
                {
                    // From the beginning.
                }
            }
        }
        finally
        {
            slots.Release();
        }
    }

    private async Task<PendingLayer> RunOnceAsync(Flight flight, RemoteRepository repository, Digest blob, long size, CancellationToken cancellation)
    {
        var pending = layers.Begin(blob);
        try
        {
            var stream = new BlobStream(repository, blob.ToString(), size, retries, seconds => flight.Step(new LayerStep(seconds == 1 ? "Retrying in 1 second" : $"Retrying in {seconds} seconds")));
            await using (stream.ConfigureAwait(false))
            {
                await StreamPump.RunAsync(stream, pending.UnpackAsync, read =>
                {
                    flight.Step(new LayerStep("Downloading", read, size));
                    if (read == size) flight.Step(new LayerStep("Verifying Checksum"));
                }, cancellation).ConfigureAwait(false);
            }
            flight.Step(new LayerStep("Download complete"));
            return pending;
        }
        catch
        {
            await Task.Run(pending.Dispose, CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }
}
