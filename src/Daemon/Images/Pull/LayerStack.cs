using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Transfers;
using Gantry.Daemon.Registries;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Images.Pull;

/// <summary>The layers of an image that is being pulled, bottom first: what is here is kept, what is not is downloaded. Disposing it gives everything free.</summary>
internal sealed class LayerStack(ImageStore store, LayerDownloads downloads, RemoteRepository repository, TransferProgress progress) : IAsyncDisposable
{
    private readonly List<Place> places = [];
    private readonly List<LayerLease> leases = [];

    /// <param name="Label">What a client shows its progress under.</param>
    /// <param name="Here">A layer with the same archive: in this place, or on top of others.</param>
    /// <param name="Download">Otherwise where it comes from.</param>
    private sealed record Place(string Label, Digest Diff, Digest Chain, LayerLease? Here, LayerDownloads.Download? Download, long Size);

    /// <summary>The installed layers.</summary>
    public IReadOnlyList<Layer> Layers => [.. leases.Select(l => l.Layer)];

    /// <summary>Gets all layers into their places.</summary>
    /// <param name="diffs">Digests of the archives, as the image's configuration has them.</param>
    /// <param name="blobs">The same layers as the registry has them.</param>
    public async Task FillAsync(IReadOnlyList<Digest> diffs, IReadOnlyList<OciDescriptor> blobs, CancellationToken cancellation)
    {
        var chains = ChainId.Of(diffs);
        for (int i = 0; i < diffs.Count; i++) Begin(diffs[i], chains[i], blobs[i]);
        await WaitAsync(cancellation).ConfigureAwait(false);
        if (places.Exists(p => p.Download is not null)) await store.Layers.SyncAsync(cancellation).ConfigureAwait(false);
        foreach (var place in places)
        {
            leases.Add(await InstallAsync(place, leases.Count > 0 ? leases[^1].Layer.Chain : null, cancellation).ConfigureAwait(false));
            if (place.Download is null) continue;
            progress.Complete(place.Label, "Extracting", place.Size);
            progress.Step(place.Label, "Pull complete");
        }
    }

    private void Begin(Digest diff, Digest chain, OciDescriptor blob)
    {
        var digest = Digest.Parse(blob.Digest);
        string label = digest.Hex[..12];
        var here = store.Layers.TryLease(chain) ?? (store.Layers.FindByDiff(diff) is { } twin ? store.Layers.TryLease(twin.Chain) : null);
        if (here is not null)
        {
            progress.Step(label, "Already exists");
            places.Add(new Place(label, diff, chain, here, null, 0));
            return;
        }
        progress.Step(label, "Pulling fs layer");
        var download = downloads.Join(repository, digest, blob.Size, step =>
        {
            if (step.Total > 0) progress.Report(label, step.Status, step.Current, step.Total);
            else progress.Step(label, step.Status);
        });
        places.Add(new Place(label, diff, chain, null, download, blob.Size));
    }

    /// <summary>Waits for all downloads; the first that fails is the answer, and the others are given up.</summary>
    private async Task WaitAsync(CancellationToken cancellation)
    {
        var running = places.Select(p => p.Download).OfType<LayerDownloads.Download>().Select(d => d.WaitAsync(cancellation)).ToList();
        while (running.Count > 0)
        {
            var ended = await Task.WhenAny(running).ConfigureAwait(false);
            running.Remove(ended);
            try
            {
                await ended.ConfigureAwait(false);
            }
            catch
            {
                foreach (var task in running) _ = task.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                throw;
            }
        }
    }

    private async Task<LayerLease> InstallAsync(Place place, Digest? parent, CancellationToken cancellation)
    {
        if (place.Download is { } download && download.Layer.Diff != place.Diff) throw EngineException.InvalidParameter("layers from manifest don't match image configuration");
        var installed = await store.ChangeAsync(
            () => Task.FromResult(store.Layers.TryLease(place.Chain) ?? (place.Download is { Installed: null } fresh ? fresh.Install(parent) : null)), cancellation).ConfigureAwait(false);
        if (installed is not null) return installed;
        // The same archive on top of other layers: its files are written a second time from the first, which somebody here holds.
        var source = place.Here?.Layer ?? place.Download!.Installed!;
        return await store.Layers.Unpacks.GetAsync(parent, place.Diff, _ => store.Layers.OpenArchive(source), cancellation).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var lease in leases) lease.Dispose();
        foreach (var place in places)
        {
            place.Here?.Dispose();
            if (place.Download is { } download) await download.DisposeAsync().ConfigureAwait(false);
        }
    }
}
