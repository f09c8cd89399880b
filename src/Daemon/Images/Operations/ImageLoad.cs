using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Archives;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Queries;
using Gantry.Daemon.Images.Streams;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Images.Operations;

/// <summary>Loads images from an archive: docker's own form or an OCI layout, plain or compressed (golden 153, 154).</summary>
internal sealed class ImageLoad(ImageStore store, ImageEvents events, UnpackLimits limits)
{
    /// <remarks>The answer's head goes out first: as with dockerd, errors come in the stream.</remarks>
    public async Task RunAsync(Job job, ImageLoadRequest request, CancellationToken cancellation)
    {
        job.Output.ContentType = "application/json";
        await job.Output.StartAsync(cancellation).ConfigureAwait(false);
        using var contents = new ArchiveContents(store.Content.BeginSpool(limits.DocumentBytes));
        try
        {
            await ReadAsync(job, contents, request.Quiet, cancellation).ConfigureAwait(false);
            var images = Describe(contents, request.Platform ?? Platforms.Host);
            await store.Layers.SyncAsync(cancellation).ConfigureAwait(false);
            await AddAllAsync(job.Output, contents, images, cancellation).ConfigureAwait(false);
        }
        finally
        {
            await SettleAsync(contents).ConfigureAwait(false);
            await store.CollectAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async Task ReadAsync(Job job, ArchiveContents contents, bool quiet, CancellationToken cancellation)
    {
        await using var progress = quiet ? null : new ProgressReporter(job.Output, cancellation);
        await StreamPump.RunAsync(job.Input, (source, token) =>
        {
            new ArchiveReader(store.Layers, contents, limits, progress).Run(source, token);
            return Task.CompletedTask;
        }, null, cancellation).ConfigureAwait(false);
        await contents.WhenWritten().ConfigureAwait(false);
    }

    /// <summary>Nothing may be deleted while threads still write it. Their errors have been told, or follow from one that has.</summary>
    private static async Task SettleAsync(ArchiveContents contents)
    {
        try
        {
            await contents.WhenWritten().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // See above.
        }
    }

    private static IReadOnlyList<ArchiveImage> Describe(ArchiveContents contents, OciPlatform platform)
    {
        if (contents.Read(DockerArchive.ManifestPath) is { } manifest) return DockerArchive.Read(contents, manifest);
        if (contents.Read(OciArchive.IndexPath) is { } index) return OciArchive.Read(contents, index, platform);
        throw new InvalidArchiveException("invalid archive: it contains neither a manifest.json nor an index.json");
    }

    private async Task AddAllAsync(JobOutput output, ArchiveContents contents, IReadOnlyList<ArchiveImage> images, CancellationToken cancellation)
    {
        var added = new List<(ArchiveImage Source, Image Image)>();
        foreach (var source in images)
        {
            var result = await AddAsync(contents, source, cancellation).ConfigureAwait(false);
            added.Add((source, result.Image));
            foreach (var (name, owner) in result.Displaced)
            {
                string text = $"The image {name.Familiar} already exists, renaming the old one with ID {owner.Id} to empty string\n";
                await ProgressLines.WriteStreamAsync(output, text, cancellation).ConfigureAwait(false);
            }
            foreach (var name in source.Names) await ProgressLines.WriteStreamAsync(output, $"Loaded image: {name.Familiar}\n", cancellation).ConfigureAwait(false);
            events.Publish("load", result.Image);
        }
        foreach (var (source, image) in added)
        {
            if (source.Parent is { } parent) await store.SetParentAsync(image.Id, parent.ToString(), cancellation).ConfigureAwait(false);
        }
        if (images.Any(i => i.Names.Count > 0)) return;
        foreach (var (_, image) in added) await ProgressLines.WriteStreamAsync(output, $"Loaded image ID: {image.Id}\n", cancellation).ConfigureAwait(false);
    }

    private async Task<AddedImage> AddAsync(ArchiveContents contents, ArchiveImage image, CancellationToken cancellation)
    {
        var document = ImageDocuments.Parse(image.Configuration);
        if (document.Os is not ("linux" or "" or null)) throw new InvalidArchiveException($"cannot load {document.Os} image on linux");
        var diffs = ImageDocuments.DiffIds(document);
        if (diffs.Count != image.LayerPaths.Count)
            throw new InvalidArchiveException($"invalid manifest, layers length mismatch: expected {diffs.Count}, got {image.LayerPaths.Count}");
        var stack = new List<LayerLease>();
        try
        {
            Digest? parent = null;
            for (int i = 0; i < diffs.Count; i++)
            {
                var layer = await InstallAsync(contents, image.LayerPaths[i], i, parent, diffs[i], cancellation).ConfigureAwait(false);
                stack.Add(layer);
                parent = layer.Layer.Chain;
            }
            return await store.AddAsync(image.Configuration, null, [.. stack.Select(l => l.Layer)], image.Names, cancellation).ConfigureAwait(false);
        }
        finally
        {
            foreach (var lease in stack) lease.Dispose();
        }
    }

    private async Task<LayerLease> InstallAsync(ArchiveContents contents, string path, int position, Digest? parent, Digest diff, CancellationToken cancellation)
    {
        var item = contents.Find(path);
        Digest actual = item switch
        {
            UnpackedItem unpacked => unpacked.Pending.Diff,
            KnownItem known => known.Lease.Layer.Diff,
            null => throw new InvalidArchiveException($"invalid archive: {path} is missing"),
            _ => throw new InvalidArchiveException($"invalid archive: {path} is no layer"),
        };
        if (actual != diff) throw new InvalidArchiveException($"invalid diffID for layer {position}: expected \"{diff}\", got \"{actual}\"");
        if (store.Layers.TryLease(ChainId.Of(parent, diff)) is { } existing) return existing;
        if (item is UnpackedItem { Pending.IsInstalled: false } fresh)
            return await store.ChangeAsync(() => Task.FromResult(store.Layers.Install(fresh.Pending, parent)), cancellation).ConfigureAwait(false);
        // The same archive on top of another layer: its files are written a second time from the first.
        var twin = item is KnownItem kept ? kept.Lease.Layer : store.Layers.FindByDiff(diff);
        using var lease = twin is null ? null : store.Layers.TryLease(twin.Chain);
        if (lease is null) throw new InvalidArchiveException($"layer {diff} was deleted while the archive was being loaded: load it again");
        return await store.Layers.Unpacks.GetAsync(parent, diff, _ => store.Layers.OpenArchive(lease.Layer), cancellation).ConfigureAwait(false);
    }
}
