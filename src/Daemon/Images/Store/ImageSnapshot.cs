using System.Collections.Immutable;
using Gantry.Daemon.Images.References;

namespace Gantry.Daemon.Images;

/// <summary>All images and names at one moment. Readers keep one as long as they like; a change makes another.</summary>
public sealed class ImageSnapshot
{
    public static readonly ImageSnapshot Empty = new(
        ImmutableDictionary.Create<string, Image>(StringComparer.Ordinal),
        ImmutableSortedSet.Create<string>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, string>(StringComparer.Ordinal));

    private readonly ImmutableDictionary<string, Image> images;
    private readonly ImmutableSortedSet<string> ids;
    private readonly ImmutableDictionary<string, string> names;

    private ImageSnapshot(ImmutableDictionary<string, Image> images, ImmutableSortedSet<string> ids, ImmutableDictionary<string, string> names)
    {
        this.images = images;
        this.ids = ids;
        this.names = names;
    }

    public IEnumerable<Image> Images => images.Values;

    public int Count => images.Count;

    /// <summary>By its whole id, with <c>sha256:</c>.</summary>
    public Image? ById(string id) => images.GetValueOrDefault(id);

    public Image? ByName(ImageReference name) => names.TryGetValue(name.Key().ToString(), out string? id) ? images[id] : null;

    /// <summary>Finds what a user means: a whole id; else a name; else the beginning of exactly one id.</summary>
    public Image? Find(ImageQuery query)
    {
        if (query.Id is { } id) return ById(id.ToString());
        if (ByName(query.Name!) is { } named) return named;
        return query.IdPrefix is { } prefix ? ByPrefix(Content.Digest.Prefix + prefix) : null;
    }

    private Image? ByPrefix(string prefix)
    {
        int first = ids.IndexOf(prefix);
        if (first < 0) first = ~first;   // where it would stand: what begins with it follows
        bool Matches(int index) => index < ids.Count && ids[index].StartsWith(prefix, StringComparison.Ordinal);
        return Matches(first) && !Matches(first + 1) ? images[ids[first]] : null;
    }

    /// <summary>Images that were made from this one here.</summary>
    public IEnumerable<Image> ChildrenOf(Image image) => images.Values.Where(i => i.Parent == image.Id);

    public bool HasChildren(Image image) => ChildrenOf(image).Any();

    /// <summary>With an image added or replaced, its names being the ones in the record.</summary>
    internal ImageSnapshot With(Image image) =>
        new(images.SetItem(image.Id, image), ids.Add(image.Id), WithoutNamesOf(image.Id).SetItems(image.Names.Select(n => KeyValuePair.Create(n.Key().ToString(), image.Id))));

    internal ImageSnapshot Without(Image image) => new(images.Remove(image.Id), ids.Remove(image.Id), WithoutNamesOf(image.Id));

    private ImmutableDictionary<string, string> WithoutNamesOf(string id) =>
        images.TryGetValue(id, out var known) ? names.RemoveRange(known.Names.Select(n => n.Key().ToString()).Where(n => names[n] == id)) : names;
}
