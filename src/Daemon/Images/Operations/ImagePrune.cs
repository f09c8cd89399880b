using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Queries;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Images.Operations;

/// <summary>Deletes images that nobody needs (golden 132): without a name, or by filter every one that no container uses.</summary>
internal sealed class ImagePrune(ImageStore store, ImageEvents events, ImageRemoval removal)
{
    public static readonly IReadOnlySet<string> FilterKeys = new HashSet<string>(StringComparer.Ordinal) { "dangling", "label", "label!", "until" };

    private int running;

    /// <exception cref="EngineException">409 <c>a prune operation is already running</c>; 400, 500 for filters.</exception>
    public async Task<ImagesPruneResponse> RunAsync(Filters filters, CancellationToken cancellation)
    {
        bool danglingOnly = ImageFilters.Dangling(filters) ?? true;
        if (filters["until"].Count > 1) throw EngineException.System("more than one until filter specified");
        DateTimeOffset? until = filters["until"] is [var text] ? Timestamps.Parse(text, DateTimeOffset.UtcNow) : null;
        if (Interlocked.Exchange(ref running, 1) != 0) throw EngineException.Conflict("a prune operation is already running");
        try
        {
            return await PruneAsync(filters, danglingOnly, until, cancellation).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Exchange(ref running, 0);
        }
    }

    private async Task<ImagesPruneResponse> PruneAsync(Filters filters, bool danglingOnly, DateTimeOffset? until, CancellationToken cancellation)
    {
        var sizes = store.Layers.List().ToDictionary(l => l.Chain.ToString(), l => l.Size, StringComparer.Ordinal);
        var snapshot = store.Current;
        var deleted = new List<ImageDeleteItem>();
        foreach (var image in snapshot.Images.OrderByDescending(i => i.Created).Where(i => IsWanted(snapshot, i, filters, danglingOnly, until)))
        {
            cancellation.ThrowIfCancellationRequested();
            IEnumerable<string> names = image.Names.Count > 0 ? image.Names.Select(n => n.ToString()) : [image.Id];
            foreach (string name in names) deleted.AddRange(await RemoveAsync(name, i => IsWanted(store.Current, i, filters, danglingOnly, until), cancellation).ConfigureAwait(false));
        }
        long reclaimed = deleted.Sum(d => d.Deleted is { } id ? sizes.GetValueOrDefault(id) : 0);
        events.PublishPruned(reclaimed);
        return new ImagesPruneResponse { ImagesDeleted = deleted.Count > 0 ? deleted : null, SpaceReclaimed = reclaimed };
    }

    private static bool IsWanted(ImageSnapshot snapshot, Image image, Filters filters, bool danglingOnly, DateTimeOffset? until)
    {
        bool hasChildren = snapshot.HasChildren(image);
        if (hasChildren && (danglingOnly || image.Names.Count == 0)) return false;
        if (until is { } limit && (image.Created is not { } created || created > limit)) return false;
        if (danglingOnly && image.Tags.Any()) return false;
        return ImageFilters.MatchesLabels(filters, image);
    }

    /// <summary>What is in use, or has gone meanwhile, is left.</summary>
    private async Task<List<ImageDeleteItem>> RemoveAsync(string name, Func<Image, bool> isWanted, CancellationToken cancellation)
    {
        try
        {
            return await removal.RunAsync(name, force: false, prune: true, cancellation, isWanted).ConfigureAwait(false);
        }
        catch (EngineException e) when (e.Kind is ErrorKind.Conflict or ErrorKind.NotFound)
        {
            return [];
        }
    }
}
