using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Queries;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Images.Operations;

/// <summary>Makes an image of what a container has changed (golden 078, 079).</summary>
internal sealed class ImageCommit(ImageStore store, ContainerLayers containerLayers, ImageEvents events, string engineVersion)
{
    public async Task<Image> RunAsync(ImageCommitRequest request, CancellationToken cancellation)
    {
        var parent = request.ParentId is { } id ? store.Current.ById(id) : null;
        if (parent is null && request is { IsBuildStep: true, ParentId: { } gone }) throw EngineException.NotFound($"No such image: {gone}");
        var chains = store.PinnedLayers(request.ContainerId) ?? parent?.Layers ?? [];
        var stack = new List<LayerLease>();
        using var pending = store.Layers.Begin();
        try
        {
            foreach (var chain in chains) stack.Add(store.Layers.TryLease(chain) ?? throw EngineException.System($"the layers of container {request.ContainerId} are not in the store"));
            bool hasLayer = false;
            if (request.Upper is { } upper)
            {
                hasLayer = await CaptureAsync(pending, upper, request, Below(request, [.. chains]), cancellation).ConfigureAwait(false);
                if (hasLayer) stack.Add(await InstallAsync(pending, stack, cancellation).ConfigureAwait(false));
            }
            byte[] configuration = JsonSerializer.SerializeToUtf8Bytes(Describe(request, parent, stack, hasLayer), WireJson.TypeInfo<ImageDocument>());
            var added = await store.AddAsync(configuration, parent?.Id, [.. stack.Select(l => l.Layer)], request.Names, cancellation, built: request.IsBuildStep).ConfigureAwait(false);
            events.Publish("create", added.Image);
            foreach (var name in request.Names) events.Publish("tag", added.Image, name.Familiar);
            return added.Image;
        }
        finally
        {
            foreach (var lease in stack) lease.Dispose();
            await store.CollectAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>The image's layers, and above them what the container had between them and its own files.</summary>
    private IReadOnlyList<string> Below(ImageCommitRequest request, IReadOnlyList<Digest> chains)
    {
        var layers = containerLayers.Directories(chains);
        return layers.Count > 0 && layers[0] == request.Below ? layers : [request.Below, .. layers];
    }

    private static Task<bool> CaptureAsync(PendingLayer pending, string upper, ImageCommitRequest request, IReadOnlyList<string> below, CancellationToken cancellation) =>
        Task.Factory.StartNew(() => pending.Capture(upper, request.Take, below, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private async Task<LayerLease> InstallAsync(PendingLayer pending, List<LayerLease> stack, CancellationToken cancellation)
    {
        await store.Layers.SyncAsync(cancellation).ConfigureAwait(false);
        return await store.ChangeAsync(() => Task.FromResult(store.Layers.Install(pending, stack.Count > 0 ? stack[^1].Layer.Chain : null)), cancellation).ConfigureAwait(false);
    }

    private ImageDocument Describe(ImageCommitRequest request, Image? parent, List<LayerLease> stack, bool hasLayer)
    {
        var platform = request.Platform ?? Platforms.Host;
        string now = WireTime.Format(DateTimeOffset.UtcNow);
        var step = new ImageDocumentHistory
        {
            Created = now,
            CreatedBy = Nullable(request.CreatedBy ?? string.Join(' ', request.ContainerConfig.Cmd ?? [])),
            Author = Nullable(request.Author),
            Comment = Nullable(request.Comment),
            EmptyLayer = !hasLayer,
        };
        // Of layers whose image has gone nothing is known any more but that they are there.
        var before = parent?.Document.History ?? [.. stack.Take(stack.Count - (hasLayer ? 1 : 0)).Select(_ => new ImageDocumentHistory())];
        return new ImageDocument
        {
            Architecture = parent?.Architecture ?? platform.Architecture,
            Variant = parent is null ? platform.Variant : parent.Variant,
            Os = parent?.Os ?? platform.Os,
            OsFeatures = parent?.Document.OsFeatures,
            OsVersion = parent?.Document.OsVersion,
            Author = Nullable(request.Author),
            Comment = Nullable(request.Comment),
            Config = request.Config,
            Container = Nullable(request.ContainerId),
            ContainerConfig = request.ContainerConfig,
            Created = now,
            DockerVersion = engineVersion,
            History = [.. before, step],
            RootFs = new ImageDocumentRootFs { DiffIds = [.. stack.Select(l => l.Layer.Diff.ToString())] },
        };
    }

    private static string? Nullable(string text) => text.Length > 0 ? text : null;
}
