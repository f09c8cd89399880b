using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Queries;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Builds;

/// <summary>Finds the image that an earlier build has made by the same step on the same image.</summary>
/// <remarks>
/// Steps are compared by the configuration of the container that made them: its command is the step's text, with checksums where files
/// are copied and with the build arguments that a command sees. Once a step is not found, nothing more is found up to the stage's end.
/// </remarks>
internal sealed class BuildCache(ImageStore store, string engineVersion, bool disabled, IReadOnlyList<string> from)
{
    private List<Image>? sources;
    private bool missed;

    /// <summary>A new stage begins.</summary>
    public void Reset()
    {
        missed = false;
        sources = from.Count == 0 ? null : [.. from.Select(Find).OfType<Image>()];
    }

    private Image? Find(string name)
    {
        try
        {
            return store.Resolve(name);
        }
        catch (EngineException)
        {
            return null;   // what is not here cannot help
        }
    }

    /// <param name="parent">The image that the step stands on; empty for none.</param>
    /// <param name="config">The step's container.</param>
    /// <param name="platform">What the image must be for; null for anything.</param>
    /// <returns>The image's id; null when the step must be done.</returns>
    public async Task<string?> ProbeAsync(string parent, ContainerConfig config, OciPlatform? platform, CancellationToken cancellation)
    {
        if (disabled || missed) return null;
        string? found = FindLocal(parent, config, platform);
        if (sources is not null) found = found is not null && sources.Exists(s => HasAncestor(s, found)) ? found : await FindInSourcesAsync(parent, config, cancellation).ConfigureAwait(false);
        missed = found is null;
        return found;
    }

    private string? FindLocal(string parent, ContainerConfig config, OciPlatform? platform) => store.Current.Images
        .Where(i => i.IsBuilt && (i.Parent ?? "") == parent && i.Document.ContainerConfig is { } made && ConfigComparison.AreEqual(made, config))
        .Where(i => platform is null || Platforms.Matches(platform, i.Os, i.Architecture, i.Variant))
        .MaxBy(i => i.Created)?.Id;

    private bool HasAncestor(Image image, string ancestor)
    {
        var snapshot = store.Current;
        for (string? at = image.Parent; at is not null; at = snapshot.ById(at)?.Parent)
        {
            if (at == ancestor) return true;
        }
        return false;
    }

    /// <summary>By the history of an image that came from elsewhere: the step's image is made from its layers.</summary>
    private async Task<string?> FindInSourcesAsync(string parentId, ContainerConfig config, CancellationToken cancellation)
    {
        var parent = parentId.Length > 0 ? store.Current.ById(parentId) : null;
        int done = parent?.Document.History?.Count ?? 0;
        foreach (var source in sources!)
        {
            if (!BeginsWith(source, parent) || source.Document.History![done].CreatedBy != string.Join(' ', config.Cmd ?? [])) continue;
            if (source.Document.History.Count == done + 1)
            {
                if (parent is not null) await store.SetParentAsync(source.Id, parent.Id, cancellation).ConfigureAwait(false);
                return source.Id;
            }
            string restored = await RestoreAsync(source, parent, config, done, cancellation).ConfigureAwait(false);
            sources = [source];   // from here on no other one fits
            return restored;
        }
        return null;
    }

    private static bool BeginsWith(Image source, Image? parent)
    {
        var history = source.Document.History ?? [];
        if (history.Count == 0) return false;
        var before = parent?.Document.History ?? [];
        if (parent is null || (before.Count == 0 && parent.Layers.Count == 0)) return true;
        return before.Count < history.Count && parent.Layers.Count <= source.Layers.Count
            && before.SequenceEqual(history.Take(before.Count)) && parent.Layers.SequenceEqual(source.Layers.Take(parent.Layers.Count));
    }

    private async Task<string> RestoreAsync(Image source, Image? parent, ContainerConfig config, int index, CancellationToken cancellation)
    {
        var step = source.Document.History![index];
        int layers = (parent?.Layers.Count ?? 0) + (step.EmptyLayer ? 0 : 1);
        var stack = new List<LayerLease>();
        try
        {
            foreach (var chain in source.Layers.Take(layers)) stack.Add(store.Layers.TryLease(chain) ?? throw EngineException.NotFound($"No such image: {source.Id}"));
            var document = new ImageDocument
            {
                Architecture = source.Architecture,
                Os = source.Os,
                OsFeatures = source.Document.OsFeatures,
                OsVersion = source.Document.OsVersion,
                Author = source.Document.Author,
                Config = config,
                Created = step.Created,
                DockerVersion = engineVersion,
                History = [.. parent?.Document.History ?? [], step],
                RootFs = new ImageDocumentRootFs { DiffIds = [.. stack.Select(l => l.Layer.Diff.ToString())] },
            };
            byte[] configuration = JsonSerializer.SerializeToUtf8Bytes(document, WireJson.TypeInfo<ImageDocument>());
            var added = await store.AddAsync(configuration, parent?.Id, [.. stack.Select(l => l.Layer)], [], cancellation).ConfigureAwait(false);
            return added.Image.Id;
        }
        finally
        {
            foreach (var lease in stack) lease.Dispose();
        }
    }
}
