using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.References;
using Gantry.Daemon.Images.Streams;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Images.Operations;

/// <summary>Makes an image of a configuration and one layer (v1.2.0's <c>image_set</c>, reference 2.4).</summary>
/// <remarks>
/// In v1.2.0 the caller chose the id and the metadata was kept as it came. Here an id is the digest of the configuration, so the caller
/// chooses a name instead, and the configuration's <c>rootfs</c> is made to fit: the parent's layers and the one that comes in.
/// </remarks>
internal sealed class ImageSet(ImageStore store, ImageEvents events)
{
    public async Task<Image> RunAsync(Job job, ImageSetRequest request, CancellationToken cancellation)
    {
        var name = ImageReference.ForTagging(request.Name, "");
        var document = Parse(request.Configuration);
        var parent = request.Parent.Length > 0 ? store.Resolve(request.Parent) : null;
        var stack = new List<LayerLease>();
        using var pending = store.Layers.Begin();
        try
        {
            foreach (var chain in parent?.Layers ?? [])
                stack.Add(store.Layers.TryLease(chain) ?? throw EngineException.NotFound($"No such image: {request.Parent}"));
            await StreamPump.RunAsync(job.Input, pending.UnpackAsync, null, cancellation).ConfigureAwait(false);
            if (pending.ArchiveSize > 0)
            {
                await store.Layers.SyncAsync(cancellation).ConfigureAwait(false);
                stack.Add(await store.ChangeAsync(() => Task.FromResult(store.Layers.Install(pending, parent?.TopLayer)), cancellation).ConfigureAwait(false));
            }
            document.RootFs = new ImageDocumentRootFs { DiffIds = [.. stack.Select(l => l.Layer.Diff.ToString())] };
            byte[] configuration = JsonSerializer.SerializeToUtf8Bytes(document, WireJson.TypeInfo<ImageDocument>());
            var added = await store.AddAsync(configuration, parent?.Id, [.. stack.Select(l => l.Layer)], name is null ? [] : [name], cancellation).ConfigureAwait(false);
            if (name is not null) events.Publish("tag", added.Image, name.Familiar);
            events.Publish("import", added.Image);
            return added.Image;
        }
        finally
        {
            foreach (var lease in stack) lease.Dispose();
            await store.CollectAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static ImageDocument Parse(string json)
    {
        try
        {
            return ImageDocuments.Deserialize<ImageDocument>(System.Text.Encoding.UTF8.GetBytes(json), "image configuration");
        }
        catch (InvalidArchiveException e)
        {
            throw EngineException.InvalidParameter(e.Message, e);
        }
    }
}
