using Gantry.Daemon.Engine;
using Gantry.Daemon.Images;
using Gantry.Daemon.Images.Content;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Builds;

/// <summary>Empties the build cache. It consists of images: those that this engine's builds have made, that have no name, from which nothing was made and that no container uses.</summary>
internal static class BuildPrune
{
    public static async Task<BuildPruneResponse> RunAsync(ImageService images, BuildPruneRequest request, CancellationToken cancellation)
    {
        var response = new BuildPruneResponse();
        var sizes = images.Store.Layers.List().ToDictionary(l => l.Chain.ToString(), l => l.Size, StringComparer.Ordinal);
        long kept = 0;
        // The newest are kept as far as there is room for them; the rest goes, and with it what then has nothing made of it.
        foreach (var image in images.Current.Images.Where(i => !images.Store.IsHeld(i.Id) && IsCache(images.Current, i, request)).OrderByDescending(i => i.Created).ToList())
        {
            cancellation.ThrowIfCancellationRequested();
            long own = image.TopLayer is { } top ? sizes.GetValueOrDefault(top.ToString()) : 0;
            if (request.KeepBytes > 0 && kept + own <= request.KeepBytes)
            {
                kept += own;
                continue;
            }
            foreach (var item in await DeleteAsync(images, image.Id, request, cancellation).ConfigureAwait(false))
            {
                if (item.Deleted is not { } id) continue;
                if (sizes.TryGetValue(id, out long size)) response.SpaceReclaimed += size;
                else (response.CachesDeleted ??= []).Add(id);
            }
        }
        return response;
    }

    /// <summary>The cache as <c>system df</c> lists it: an entry for each image that would go, with those that then would be alone.</summary>
    public static List<BuildCacheItem> List(ImageService images)
    {
        var snapshot = images.Current;
        var sizes = images.Store.Layers.List().ToDictionary(l => l.Chain, l => l.Size);
        return [.. snapshot.Images.Where(i => IsCache(snapshot, i)).OrderByDescending(i => i.Created).Select(image => new BuildCacheItem
        {
            ID = image.Id,
            Type = "regular",
            Description = StepOf(image),
            InUse = images.Store.IsHeld(image.Id) || images.Usage.UsersOf(image.Id).Count > 0,
            Size = OwnSize(snapshot, image, sizes),
            CreatedAt = WireTime.Format(image.Created),
        })];
    }

    /// <summary>Of the layers that go with an image: its own, and those of images below it that have nothing else on them.</summary>
    private static long OwnSize(ImageSnapshot snapshot, Image image, Dictionary<Digest, long> sizes)
    {
        var kept = image;
        while (kept?.Parent is { } id)
        {
            kept = snapshot.ById(id);
            if (kept is not null && (kept.Names.Count > 0 || !kept.IsBuilt || snapshot.ChildrenOf(kept).Count() > 1)) break;
        }
        return image.Layers.Skip(kept?.Layers.Count ?? 0).Sum(chain => sizes.GetValueOrDefault(chain));
    }

    private static string StepOf(Image image) => image.Document.History is [.., var last] ? last.CreatedBy ?? "" : "";

    private static bool IsCache(ImageSnapshot snapshot, Image image) => image.IsBuilt && image.Names.Count == 0 && !snapshot.HasChildren(image);

    private static bool IsCache(ImageSnapshot snapshot, Image image, BuildPruneRequest request)
    {
        if (!IsCache(snapshot, image)) return false;
        if (request.Until is { } until && (image.Created is not { } created || created > until)) return false;
        var filters = request.Filters;
        if (!filters.MatchesPrefix("id", image.Digest.Hex) && !filters.MatchesPrefix("id", image.Id)) return false;
        if (!filters.MatchesExactly("parent", image.Parent)) return false;
        return filters.MatchesExactly("type", "regular") && filters.MatchesPattern("description", StepOf(image));
    }

    /// <summary>What is in use, or has gone meanwhile, is left.</summary>
    private static async Task<List<ImageDeleteItem>> DeleteAsync(ImageService images, string id, BuildPruneRequest request, CancellationToken cancellation)
    {
        try
        {
            return await images.PruneAsync(id, i => IsCache(images.Current, i, request), cancellation).ConfigureAwait(false);
        }
        catch (EngineException e) when (e.Kind is ErrorKind.Conflict or ErrorKind.NotFound)
        {
            return [];
        }
    }
}
