using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Queries;
using Gantry.Daemon.Images.References;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Images.Operations;

/// <summary>Rows of <c>GET /images/json</c>, newest first (golden 018; reference 4.5, 4.6).</summary>
internal sealed class ImageList(ImageStore store, Func<IImageUsage> usage)
{
    public static readonly IReadOnlySet<string> FilterKeys = new HashSet<string>(StringComparer.Ordinal) { "before", "since", "dangling", "label", "reference", "until" };

    private static readonly Version VirtualSizeEnds = new(1, 44), EmptyListsBegin = new(1, 43), ContainerCountsBegin = new(1, 51), FilterEnds = new(1, 41);

    /// <exception cref="EngineException">400, 404, 500 for filters.</exception>
    public List<ImageSummary> Run(ImageListRequest request, Version client)
    {
        var snapshot = store.Current;
        var filters = request.Filters;
        bool? dangling = ImageFilters.Dangling(filters);
        var (after, before) = Range(filters);
        IReadOnlyList<string> references = client < FilterEnds && request.Reference.Length > 0 ? [.. filters["reference"], request.Reference] : filters["reference"];
        var shared = request.SharedSize ? SharedLayers(snapshot) : null;
        var rows = new List<(DateTimeOffset? Created, ImageSummary Row)>();
        foreach (var image in snapshot.Images)
        {
            if (dangling == true && snapshot.HasChildren(image)) continue;
            if (before is { } end && !(image.Created < end)) continue;
            if (after is { } start && !(image.Created > start)) continue;
            if (!filters.MatchesLabels("label", image.Config.Labels)) continue;
            var names = image.Names.Where(n => MatchesReference(references, n)).ToList();
            if (names.Count == 0)
            {
                bool isIntermediate = !request.All && snapshot.HasChildren(image);
                if (isIntermediate || dangling == false || references.Count > 0) continue;
            }
            else if (dangling == true && names.Exists(n => n.Tag is not null))
            {
                continue;
            }
            rows.Add((image.Created, Row(image, names, client, shared)));
        }
        return [.. rows.OrderByDescending(r => r.Created).ThenBy(r => r.Row.Id, StringComparer.Ordinal).Select(r => r.Row)];
    }

    /// <summary>Rows of <c>GET /system/df</c>: intermediate images are not among them, and a list of no digests is null (golden 130).</summary>
    public List<ImageSummary> Usages()
    {
        var rows = Run(new ImageListRequest(false, Filters.Parse(null, FilterKeys), SharedSize: true), ContainerCountsBegin);
        foreach (var row in rows)
        {
            if (row.RepoDigests is { Count: 0 }) row.RepoDigests = null;
        }
        return rows;
    }

    /// <summary>The moments between which images were made: of several the narrowest.</summary>
    private (DateTimeOffset? After, DateTimeOffset? Before) Range(Filters filters)
    {
        DateTimeOffset? after = null, before = null;
        var now = DateTimeOffset.UtcNow;
        foreach (string text in filters["until"]) before = Earlier(before, Timestamps.Parse(text, now));
        foreach (string name in filters["before"]) before = Earlier(before, store.Resolve(name).Created);
        foreach (string name in filters["since"])
        {
            if (store.Resolve(name).Created is { } created && !(created < after)) after = created;
        }
        return (after, before);
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => one is null || other < one ? other ?? one : one;

    private static bool MatchesReference(IReadOnlyList<string> patterns, ImageReference name) =>
        patterns.Count == 0 || patterns.Any(p => Glob.IsMatch(p, name.Familiar) || Glob.IsMatch(p, name.FamiliarName));

    /// <summary>Layers that more than one image has.</summary>
    private static HashSet<Content.Digest> SharedLayers(ImageSnapshot snapshot)
    {
        var seen = new HashSet<Content.Digest>();
        return [.. snapshot.Images.SelectMany(i => i.Layers).Where(chain => !seen.Add(chain))];
    }

    private ImageSummary Row(Image image, List<ImageReference> names, Version client, HashSet<Content.Digest>? shared)
    {
        List<string> tags = [.. names.Where(n => n.Tag is not null).Select(n => n.Familiar)];
        List<string>? digests = [.. names.Where(n => n.Digest is not null).Select(n => n.Familiar)];
        if (client < EmptyListsBegin)
        {
            if (tags.Count + digests.Count == 0) (tags, digests) = (["<none>:<none>"], ["<none>@<none>"]);
            else if (digests.Count == 0) digests = null;
        }
        return new ImageSummary
        {
            Id = image.Id,
            ParentId = image.Parent ?? "",
            RepoTags = tags,
            RepoDigests = digests,
            Created = image.Created?.ToUnixTimeSeconds() ?? 0,
            Labels = image.Config.Labels,
            Size = image.Size,
            VirtualSize = client < VirtualSizeEnds ? image.Size : null,
            SharedSize = shared is null ? -1 : image.Layers.Where(shared.Contains).Sum(c => store.Layers.Find(c)?.Size ?? 0),
            Containers = client < ContainerCountsBegin ? -1 : usage().UsersOf(image.Id).Count,
        };
    }
}
