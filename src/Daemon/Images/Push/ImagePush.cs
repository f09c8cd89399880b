using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Pull;
using Gantry.Daemon.Images.Queries;
using Gantry.Daemon.Images.References;
using Gantry.Daemon.Images.Transfers;
using Gantry.Daemon.Registries;
using Gantry.Protocol.Images;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Images.Push;

/// <param name="Name">With a tag; without one, all tags of the repository are meant.</param>
/// <param name="Platform">What the image must be for; null for any.</param>
internal sealed record PushRequest(ImageReference Name, OciPlatform? Platform, AuthConfig Credentials)
{
    /// <exception cref="EngineException">400: malformed, or a digest, which cannot be pushed to.</exception>
    public static PushRequest Parse(string image, string tag, OciPlatform? platform, AuthConfig credentials)
    {
        var name = ImageReference.Parse(image);
        if (tag.Length > 0) name = name.WithTag(tag);
        return name.Digest is null ? new PushRequest(name, platform, credentials) : throw EngineException.InvalidParameter("cannot push a digest reference");
    }
}

/// <summary>Sends images to a registry: layers that it lacks, the configuration, then the manifest, which makes them visible there (golden 142, 143, 149).</summary>
internal sealed class ImagePush(ImageStore store, LayerPush layerPush, ImageEvents events, RegistryAccess access)
{
    /// <exception cref="EngineException">400 and 404 before the stream; everything else is told in it.</exception>
    public async Task RunAsync(Job job, PushRequest request, CancellationToken cancellation)
    {
        CheckPlatform(request);
        try
        {
            var progress = new TransferProgress(job.Output, cancellation);
            await using (progress.ConfigureAwait(false))
            {
                progress.Say($"The push refers to repository [{request.Name.Name}]");
                var images = Select(request.Name);
                await RegistryTransfer.RunAsync(access, request.Name, request.Credentials, reads: false, async repository =>
                {
                    foreach (var (tag, image) in images) await PushAsync(repository, tag, image, progress, cancellation).ConfigureAwait(false);
                    return true;
                }, cancellation).ConfigureAwait(false);
            }
        }
        catch (RegistryException e)
        {
            throw e.ToEngine(e.IsUnreachable ? e.Message : e.Reason);
        }
        finally
        {
            await store.CollectAsync(CancellationToken.None).ConfigureAwait(false);
        }
        events.PublishTransfer("push", request.Name, request.Name.Tag is null ? null : store.Current.ByName(request.Name));
    }

    private void CheckPlatform(PushRequest request)
    {
        if (request.Platform is not { } wanted || store.Current.ByName(request.Name) is not { } image || Platforms.Matches(wanted, image.Os, image.Architecture, image.Variant)) return;
        throw EngineException.NotFound(
            $"image with reference {request.Name.WithDefaultTag().Familiar} was found but its platform ({Platforms.Format(image.Os, image.Architecture, image.Variant)}) " +
            $"does not match the specified platform ({Platforms.Format(wanted.Os, wanted.Architecture, wanted.Variant)})");
    }

    private List<(ImageReference Tag, Image Image)> Select(ImageReference name)
    {
        var tags = store.Current.Images.SelectMany(i => i.Tags.Where(t => t.Name == name.Name).Select(t => (Tag: t, Image: i))).OrderBy(t => t.Tag).ToList();
        if (tags.Count == 0) throw EngineException.NotFound($"An image does not exist locally with the tag: {name.FamiliarName}");
        if (name.Tag is null) return tags;
        var chosen = tags.Where(t => t.Tag.Tag == name.Tag).ToList();
        return chosen.Count > 0 ? chosen : throw EngineException.NotFound($"tag does not exist: {name.Familiar}");
    }

    private async Task PushAsync(RemoteRepository repository, ImageReference tag, Image image, TransferProgress progress, CancellationToken cancellation)
    {
        var leases = new List<LayerLease>();
        try
        {
            foreach (var chain in image.Layers) leases.Add(store.Layers.TryLease(chain) ?? throw EngineException.NotFound($"No such image: {image.Id}"));
            var layers = leases.Select(l => l.Layer).ToList();
            foreach (var layer in Enumerable.Reverse(layers)) progress.Step(layer.Diff.Hex[..12], "Preparing");
            var blobs = await PushLayersAsync(repository, tag.Domain, layers, progress, cancellation).ConfigureAwait(false);
            var config = await PushConfigurationAsync(repository, image, cancellation).ConfigureAwait(false);

            byte[] manifest = PushManifest.Write(config, layers.Select(l => blobs[l.Diff]));
            var digest = Digest.Of(manifest);
            await repository.WriteManifestAsync(tag.Tag!, manifest, ManifestReader.DockerManifest, cancellation).ConfigureAwait(false);
            progress.Say(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{tag.Tag}: digest: {digest} size: {manifest.Length}"));
            await RememberAsync(image, tag with { Tag = null, Digest = digest.ToString() }, cancellation).ConfigureAwait(false);
            progress.Result(new PushResult { Tag = tag.Tag!, Digest = digest.ToString(), Size = manifest.Length });
        }
        finally
        {
            foreach (var lease in leases) lease.Dispose();
        }
    }

    /// <summary>Each layer once, however often the image has it. The first failure ends the others.</summary>
    private async Task<Dictionary<Digest, OciDescriptor>> PushLayersAsync(
        RemoteRepository repository, string registry, List<Layer> layers, TransferProgress progress, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var pushes = Enumerable.Reverse(layers).DistinctBy(l => l.Diff).Select(l => (l.Diff, Push: PushLayerAsync(l))).ToList();
        await Task.WhenAll(pushes.Select(p => (Task)p.Push)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var failed = pushes.Select(p => p.Push).Where(p => p.IsFaulted).ToList();
        if (failed.Count > 0) await failed[0].ConfigureAwait(false);
        var blobs = new Dictionary<Digest, OciDescriptor>();
        foreach (var (diff, push) in pushes) blobs[diff] = await push.ConfigureAwait(false);
        return blobs;

        async Task<OciDescriptor> PushLayerAsync(Layer layer)
        {
            try
            {
                return await layerPush.RunAsync(repository, registry, layer, progress, stop.Token).ConfigureAwait(false);
            }
            catch
            {
                await stop.CancelAsync().ConfigureAwait(false);
                throw;
            }
        }
    }

    private async Task<OciDescriptor> PushConfigurationAsync(RemoteRepository repository, Image image, CancellationToken cancellation)
    {
        byte[] content = store.Content.Read(image.Digest);
        var config = new OciDescriptor { MediaType = PushManifest.ConfigType, Digest = image.Id, Size = content.Length };
        if (await repository.FindBlobAsync(config.Digest, cancellation).ConfigureAwait(false) is not null) return config;
        var upload = await repository.BeginUploadAsync(cancellation).ConfigureAwait(false);
        await repository.CompleteUploadAsync(upload, config.Digest, content, cancellation).ConfigureAwait(false);
        return config;
    }

    /// <summary>The image can be asked for by this digest from now on.</summary>
    private async Task RememberAsync(Image image, ImageReference name, CancellationToken cancellation)
    {
        try
        {
            if (store.Current.ByName(name)?.Id != image.Id) await store.TagAsync(image.Id, name, cancellation).ConfigureAwait(false);
        }
        catch (EngineException e) when (e.Kind == ErrorKind.NotFound)
        {
            // It was deleted while it was on its way: the registry has it all the same.
        }
    }
}
