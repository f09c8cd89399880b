using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;

namespace Gantry.Daemon.Images.Archives;

/// <summary>What stands in an archive of images under one path.</summary>
internal abstract record ArchiveItem;

/// <summary>Anything that cannot be a layer.</summary>
internal sealed record DocumentItem(SpooledDocument Document) : ArchiveItem;

/// <summary>What may be a layer, being unpacked.</summary>
internal sealed record UnpackedItem(PendingLayer Pending, Task Writing) : ArchiveItem;

/// <summary>A layer that the store has already, so that the archive's copy was only verified.</summary>
internal sealed record KnownItem(LayerLease Lease) : ArchiveItem;

/// <summary>All items of an archive by path. Disposing it removes what was not put to use.</summary>
internal sealed class ArchiveContents(DocumentSpool spool) : IDisposable
{
    private const int MaxLinks = 10;

    private readonly Dictionary<string, ArchiveItem> items = new(StringComparer.Ordinal);
    private readonly List<ArchiveItem> all = [];
    private readonly Dictionary<string, string> links = new(StringComparer.Ordinal);

    public DocumentSpool Spool => spool;

    /// <summary>Of two entries with one path the later one counts.</summary>
    public void Add(string path, ArchiveItem item)
    {
        all.Add(item);
        items[path] = item;
    }

    public void AddLink(string path, string target) => links[path] = target;

    /// <summary>Completes when no thread writes files any more; fails when one of them has failed.</summary>
    public Task WhenWritten() => Task.WhenAll(all.OfType<UnpackedItem>().Select(i => i.Writing));

    public ArchiveItem? Find(string path)
    {
        for (int i = 0; i < MaxLinks; i++)
        {
            if (items.TryGetValue(path, out var item)) return item;
            if (!links.TryGetValue(path, out string? target)) return null;
            path = target;
        }
        return null;
    }

    /// <summary>A document's bytes; null when there is none under the path.</summary>
    /// <exception cref="InvalidArchiveException">It is too large, or a layer.</exception>
    public byte[]? Read(string path) => Find(path) switch
    {
        null => null,
        DocumentItem document => spool.Read(document.Document, path),
        _ => throw new InvalidArchiveException($"invalid archive: {path} is no document"),
    };

    /// <remarks>To be called when <see cref="WhenWritten"/> has completed, in whatever way.</remarks>
    public void Dispose()
    {
        foreach (var item in all)
        {
            if (item is KnownItem known) known.Lease.Dispose();
            if (item is UnpackedItem unpacked) unpacked.Pending.Dispose();
        }
        spool.Dispose();
    }
}
