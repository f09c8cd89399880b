using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Transfers;
using Gantry.Daemon.Registries;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Images.Push;

/// <summary>Sees to it that a repository has a layer, in the cheapest way: it is there, it is in another repository of the registry, or it is uploaded.</summary>
internal sealed class LayerPush(LayerStore layers, LayerBlobs blobs, int limit, RetryPolicy retries)
{
    /// <summary>As many other repositories are asked for a mount, and as many digests looked for, before the layer is uploaded.</summary>
    private const int MostCandidates = 4;

    private readonly SemaphoreSlim slots = new(limit);

    /// <param name="registry">The repository's domain in image names.</param>
    public async Task<OciDescriptor> RunAsync(RemoteRepository repository, string registry, Layer layer, TransferProgress progress, CancellationToken cancellation)
    {
        string label = layer.Diff.Hex[..12];
        if (!slots.Wait(0, CancellationToken.None))
        {
            progress.Step(label, "Waiting");
            await slots.WaitAsync(cancellation).ConfigureAwait(false);
        }
        try
        {
            var pushed = await FindAsync(repository, registry, layer, progress, cancellation).ConfigureAwait(false)
                ?? await MountAsync(repository, registry, layer, progress, cancellation).ConfigureAwait(false)
                ?? await UploadAsync(repository, layer, progress, cancellation).ConfigureAwait(false);
            blobs.Add(layer.Diff, new LayerBlob(registry, repository.Path, pushed));
            return pushed;
        }
        finally
        {
            slots.Release();
        }
    }

    /// <summary>Blobs that the layer is elsewhere may be here too.</summary>
    private async Task<OciDescriptor?> FindAsync(RemoteRepository repository, string registry, Layer layer, TransferProgress progress, CancellationToken cancellation)
    {
        var candidates = Pushable(layer).OrderByDescending(b => b.Registry == registry && b.Repository == repository.Path).DistinctBy(b => b.Blob.Digest).Take(MostCandidates);
        foreach (var candidate in candidates)
        {
            if (await repository.FindBlobAsync(candidate.Blob.Digest, cancellation).ConfigureAwait(false) is { } size && (size == candidate.Blob.Size || size == 0))
            {
                progress.Step(layer.Diff.Hex[..12], "Layer already exists");
                return candidate.Blob;
            }
            if (candidate.Registry == registry && candidate.Repository == repository.Path) blobs.Remove(layer.Diff, candidate);
        }
        return null;
    }

    private async Task<OciDescriptor?> MountAsync(RemoteRepository repository, string registry, Layer layer, TransferProgress progress, CancellationToken cancellation)
    {
        foreach (var candidate in Pushable(layer).Where(b => b.Registry == registry && b.Repository != repository.Path).Take(MostCandidates))
        {
            try
            {
                if (await repository.MountAsync(candidate.Blob.Digest, candidate.Repository, cancellation).ConfigureAwait(false) is not null) continue;
            }
            catch (RegistryException e) when (!e.IsUnreachable)
            {
                continue;   // we may push here and not read there
            }
            progress.Step(layer.Diff.Hex[..12], $"Mounted from {candidate.Repository}");
            return candidate.Blob;
        }
        return null;
    }

    /// <summary>The places of a layer whose form a manifest of schema 2 may name.</summary>
    private IEnumerable<LayerBlob> Pushable(Layer layer) =>
        from place in blobs.Find(layer.Diff)
        where place.Blob.MediaType is PushManifest.LayerType or "application/vnd.oci.image.layer.v1.tar+gzip"
        select place with { Blob = new OciDescriptor { MediaType = PushManifest.LayerType, Digest = place.Blob.Digest, Size = place.Blob.Size } };

    private async Task<OciDescriptor> UploadAsync(RemoteRepository repository, Layer layer, TransferProgress progress, CancellationToken cancellation)
    {
        string label = layer.Diff.Hex[..12];
        for (int failures = 1; ; failures++)
        {
            try
            {
                var pushed = await UploadOnceAsync(repository, layer, label, progress, cancellation).ConfigureAwait(false);
                progress.Step(label, "Pushed");
                return pushed;
            }
            catch (RegistryException e) when (e.MayPass && failures < retries.Attempts)
            {
                await retries.WaitAsync(failures, seconds => progress.Step(label, seconds == 1 ? "Retrying in 1 second" : $"Retrying in {seconds} seconds"), cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task<OciDescriptor> UploadOnceAsync(RemoteRepository repository, Layer layer, string label, TransferProgress progress, CancellationToken cancellation)
    {
        var upload = await repository.BeginUploadAsync(cancellation).ConfigureAwait(false);
        LayerContent? content = null;
        upload = await repository.SendAsync(
            upload, () => content = new LayerContent(layers, layer, done => progress.Report(label, "Pushing", done, layer.Size)), cancellation).ConfigureAwait(false);
        await repository.CompleteUploadAsync(upload, content!.Digest.ToString(), null, cancellation).ConfigureAwait(false);
        return new OciDescriptor { MediaType = PushManifest.LayerType, Digest = content.Digest.ToString(), Size = content.Size };
    }
}
