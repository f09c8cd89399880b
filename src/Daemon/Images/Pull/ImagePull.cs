using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Queries;
using Gantry.Daemon.Images.References;
using Gantry.Daemon.Images.Transfers;
using Gantry.Daemon.Registries;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Images.Pull;

/// <summary>Brings images in from a registry (golden 144–148, 152; reference 4.8).</summary>
/// <remarks>
/// 1 the tag's manifest, verified by its digest · 2 of an index, the manifest for the platform · 3 the configuration, which names the layers
/// as they are unpacked · 4 those that are not here, some at a time, each unpacked as it comes in · 5 one sync to disk · 6 the layers get
/// their places, bottom first, and the image with its names becomes visible in one transaction. A crash before the last step leaves nothing
/// but temporary directories, which the next start deletes.
/// </remarks>
internal sealed class ImagePull(ImageStore store, LayerBlobs blobs, ImageEvents events, RegistryAccess access, LayerDownloads downloads, RetryPolicy retries, UnpackLimits limits)
{
    /// <exception cref="EngineException">Before the first line: a status; afterwards the stream tells it.</exception>
    public async Task RunAsync(Job job, PullRequest request, CancellationToken cancellation)
    {
        try
        {
            var progress = new TransferProgress(job.Output, cancellation);
            await using (progress.ConfigureAwait(false)) await RunAsync(request, progress, cancellation).ConfigureAwait(false);
        }
        catch (RegistryException e)
        {
            throw e.ToEngine(Describe(e, request.Name));
        }
    }

    /// <summary>What the registry's answer means for somebody who pulls.</summary>
    private static string Describe(RegistryException error, ImageReference name) => error.Code switch
    {
        "DENIED" => $"pull access denied for {name.FamiliarName}, repository does not exist or may require 'docker login': {error.Message}",
        "MANIFEST_UNKNOWN" => $"manifest for {name.Familiar} not found: {error.Message}",
        "NAME_UNKNOWN" => $"repository {name.FamiliarName} not found: {error.Message}",
        _ => error.Message,
    };

    private async Task RunAsync(PullRequest request, TransferProgress progress, CancellationToken cancellation)
    {
        var name = request.Name;
        bool isNew = await RegistryTransfer.RunAsync(access, name, request.Credentials, reads: true, repository => name is { Tag: null, Digest: null }
            ? PullAllAsync(repository, request, progress, cancellation)
            : PullAsync(repository, name, request.Platform, progress, cancellation), cancellation).ConfigureAwait(false);
        progress.Say($"Status: {(isNew ? "Downloaded newer image" : "Image is up to date")} for {name.Familiar}");
        var image = store.Current.ByName(name);
        if (image is not null && request.Platform is { } wanted && !Platforms.Matches(wanted, image.Os, image.Architecture, image.Variant))
        {
            progress.Say($"WARNING: image with reference {name.Familiar} was found but its platform ({Platforms.Format(image.Os, image.Architecture, image.Variant)}) " +
                $"does not match the specified platform ({Platforms.Format(wanted.Os, wanted.Architecture, wanted.Variant)})");
        }
        events.PublishTransfer("pull", name, image);
    }

    private async Task<bool> PullAllAsync(RemoteRepository repository, PullRequest request, TransferProgress progress, CancellationToken cancellation)
    {
        bool isNew = false;
        foreach (string tag in await repository.ListTagsAsync(cancellation).ConfigureAwait(false))
            isNew |= await PullAsync(repository, request.Name.WithTag(tag), request.Platform, progress, cancellation).ConfigureAwait(false);
        return isNew;
    }

    /// <returns>Whether the name stands for another image now, or for one at last.</returns>
    private async Task<bool> PullAsync(RemoteRepository repository, ImageReference name, OciPlatform? platform, TransferProgress progress, CancellationToken cancellation)
    {
        var root = await ManifestReader.ReadAsync(repository, name, cancellation).ConfigureAwait(false);
        if (!root.IsIndex) _ = ManifestReader.ReadImage(root);   // what cannot be an image is refused before a word is said
        progress.Say($"Pulling from {repository.Path}", name.Digest is null ? name.Tag : name.Familiar);
        var manifest = await ManifestReader.SelectAsync(repository, name, root, platform ?? Platforms.Host, cancellation).ConfigureAwait(false);
        var image = ManifestReader.ReadImage(manifest);

        var key = name.Key();
        var names = new List<ImageReference> { key };
        var byDigest = key with { Tag = null, Digest = root.Digest.ToString() };
        if (byDigest != key) names.Add(byDigest);
        string? before = store.Current.ByName(key)?.Id;
        string id = ManifestReader.Parse(image.Config.Digest).ToString();
        if (!await TryNameAsync(id, names, cancellation).ConfigureAwait(false))
            await DownloadAsync(repository, key.Domain, image, names, progress, cancellation).ConfigureAwait(false);
        progress.Say($"Digest: {root.Digest}");
        return before != id;
    }

    /// <summary>An image that is here already only gets its names.</summary>
    private async Task<bool> TryNameAsync(string id, List<ImageReference> names, CancellationToken cancellation)
    {
        try
        {
            if (store.Current.ById(id) is null) return false;
            foreach (var name in names.Where(n => store.Current.ByName(n)?.Id != id)) await store.TagAsync(id, name, cancellation).ConfigureAwait(false);
            return store.Current.ById(id) is not null;
        }
        catch (EngineException e) when (e.Kind == ErrorKind.NotFound)
        {
            return false;   // it was deleted in this moment
        }
    }

    private async Task DownloadAsync(
        RemoteRepository repository, string domain, OciManifest manifest, List<ImageReference> names, TransferProgress progress, CancellationToken cancellation)
    {
        byte[] configuration = await ReadConfigurationAsync(repository, manifest.Config, cancellation).ConfigureAwait(false);
        var document = ImageDocuments.Parse(configuration);
        if (document.Os is not ("linux" or "" or null))
            throw EngineException.InvalidParameter($"image operating system \"{document.Os}\" cannot be used on this platform: operating system is not supported");
        var diffs = ImageDocuments.DiffIds(document);
        if (diffs.Count != manifest.Layers.Count) throw EngineException.InvalidParameter("layers from manifest don't match image configuration");

        var stack = new LayerStack(store, downloads, repository, progress);
        try
        {
            await stack.FillAsync(diffs, manifest.Layers, cancellation).ConfigureAwait(false);
            await store.AddAsync(configuration, null, stack.Layers, names, cancellation).ConfigureAwait(false);
        }
        finally
        {
            await stack.DisposeAsync().ConfigureAwait(false);
            await store.CollectAsync(CancellationToken.None).ConfigureAwait(false);
        }
        for (int i = 0; i < diffs.Count; i++) blobs.Add(diffs[i], new LayerBlob(domain, repository.Path, manifest.Layers[i]));
    }

    private async Task<byte[]> ReadConfigurationAsync(RemoteRepository repository, OciDescriptor config, CancellationToken cancellation)
    {
        var digest = ManifestReader.Parse(config.Digest);
        if (config.Size is < 0 || config.Size > limits.DocumentBytes)
            throw EngineException.System(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"the image configuration {digest} has {config.Size} bytes, more than {limits.DocumentBytes}, the limit"));
        byte[] content = new byte[config.Size];
        var stream = new BlobStream(repository, config.Digest, config.Size, retries, null);
        await using (stream.ConfigureAwait(false)) await stream.ReadExactlyAsync(content, cancellation).ConfigureAwait(false);
        return Digest.Of(content) == digest ? content : throw EngineException.System($"image config verification failed for digest {digest}");
    }
}
