using System.Security.Cryptography;
using System.Text;
using Gantry.Daemon.Images.Content;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Layers;

/// <summary>The unpacked layers: <c>layers/&lt;chain id&gt;/diff</c>, each unpacked once, and who needs them.</summary>
/// <remarks>
/// A layer is unpacked under a temporary name, synced, and renamed; only then does the database learn of it. It goes the other way round:
/// out of the database, then renamed to a temporary name, then deleted. So at any moment the layers that the database lists are whole,
/// and whatever else is in the directory may be deleted when the store is opened. References are counted in memory: images and
/// containers hold theirs as long as they live, running work holds leases. <see cref="Changes"/> is held while layers are installed or
/// taken out, so that none is found unneeded and then needed.
/// </remarks>
public sealed class LayerStore : IDisposable
{
    private const string TemporaryPrefix = "tmp-";

    private readonly string path;
    private readonly DirectoryFd store;
    private readonly UnpackLimits limits;
    private readonly bool plainMarks;
    private readonly Lock gate = new();
    private readonly Dictionary<Digest, Entry> entries = [];

    /// <param name="plainMarks">What layers hide is marked in the plain form (<see cref="Overlay"/>): the file system does not take overlay's.</param>
    public LayerStore(string dataRoot, UnpackLimits limits, bool plainMarks = false)
    {
        this.limits = limits;
        this.plainMarks = plainMarks;
        path = Path.Combine(dataRoot, "layers");
        using var root = DirectoryFd.Open(dataRoot);
        store = root.EnsureDirectory("layers", 0x1c0);
        Unpacks = new SharedLayerUnpacks(this);
    }

    private sealed class Entry(Layer layer)
    {
        public Layer Layer { get; } = layer;

        public int References { get; set; }
    }

    /// <summary>Held by whoever installs layers or takes them out, until the database agrees.</summary>
    public SemaphoreSlim Changes { get; } = new(1);

    /// <summary>Unpacks of layers whose chain id is known beforehand.</summary>
    internal SharedLayerUnpacks Unpacks { get; }

    /// <summary>Takes over what the database lists, and moves everything else, which a crash has left, out of the way.</summary>
    /// <param name="listed">What the database lists.</param>
    /// <param name="deleteLeftovers">Deletes what was moved; may take long, and may run while the store is used.</param>
    /// <returns>What the database lists and the disk lacks.</returns>
    public IReadOnlyList<Layer> Load(IEnumerable<Layer> listed, out Action deleteLeftovers)
    {
        foreach (var layer in listed) entries[layer.Chain] = new Entry(layer);
        var present = new HashSet<Digest>();
        var leftovers = new List<byte[]>();
        using (var reader = new DirectoryReader(store))
        {
            while (reader.MoveNext())
            {
                if (Digest.TryParseHex(Encoding.ASCII.GetString(reader.Name), out var chain) && entries.ContainsKey(chain)) present.Add(chain);
                else if (!reader.Name.SequenceEqual("empty"u8)) leftovers.Add(reader.Name.ToArray());
            }
        }
        deleteLeftovers = MoveAway(leftovers);
        var missing = entries.Values.Select(e => e.Layer).Where(l => !present.Contains(l.Chain)).ToList();
        foreach (var layer in missing) entries.Remove(layer.Chain);
        return missing;
    }

    public Layer? Find(Digest chain)
    {
        lock (gate) return entries.GetValueOrDefault(chain)?.Layer;
    }

    public IReadOnlyList<Layer> List()
    {
        lock (gate) return [.. entries.Values.Select(e => e.Layer)];
    }

    public int Count
    {
        get
        {
            lock (gate) return entries.Count;
        }
    }

    /// <summary>A layer with this archive, whatever lies below it.</summary>
    public Layer? FindByDiff(Digest diff)
    {
        lock (gate) return entries.Values.FirstOrDefault(e => e.Layer.Diff == diff)?.Layer;
    }

    /// <summary>Keeps a layer from being taken out; null when there is none.</summary>
    public LayerLease? TryLease(Digest chain)
    {
        lock (gate)
        {
            if (!entries.TryGetValue(chain, out var entry)) return null;
            entry.References++;
            return new LayerLease(this, entry.Layer);
        }
    }

    /// <summary>Counts one more need for each of the layers, or for none of them when one is not in the store.</summary>
    public bool TryAddReferences(IReadOnlyCollection<Digest> chains)
    {
        lock (gate)
        {
            if (!chains.All(entries.ContainsKey)) return false;
            foreach (var chain in chains) entries[chain].References++;
            return true;
        }
    }

    /// <exception cref="InvalidOperationException">One is not in the store.</exception>
    public void AddReferences(IReadOnlyCollection<Digest> chains)
    {
        if (!TryAddReferences(chains)) throw new InvalidOperationException("a layer that is needed is not in the store");
    }

    public void DropReferences(IEnumerable<Digest> chains)
    {
        lock (gate)
        {
            foreach (var chain in chains)
            {
                if (entries.TryGetValue(chain, out var entry)) entry.References--;
            }
        }
    }

    /// <summary>Whether there is anything for <see cref="TakeUnreferenced"/>.</summary>
    public bool HasUnreferenced
    {
        get
        {
            lock (gate) return entries.Values.Any(e => e.References <= 0);
        }
    }

    /// <summary>Begins a new layer in a temporary directory.</summary>
    /// <param name="expected">What its blob must hash to; null takes any.</param>
    public PendingLayer Begin(Digest? expected = null) => new(store, TemporaryName(), limits, plainMarks) { Expected = expected };

    private static string TemporaryName() => TemporaryPrefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));

    /// <summary>Waits until everything that was unpacked is on disk. To be called before <see cref="Install"/>.</summary>
    public Task SyncAsync(CancellationToken cancellation) => Task.Run(() => FileData.SyncFileSystem(store), cancellation);

    /// <summary>Gives an unpacked and synced layer its place, or leaves it to be disposed when another has been faster. <see cref="Changes"/> is held.</summary>
    public LayerLease Install(PendingLayer pending, Digest? parent)
    {
        var chain = ChainId.Of(parent, pending.Diff);
        if (TryLease(chain) is { } existing) return existing;
        store.Rename(pending.Name, store, chain.Hex, RenameFlags.NoReplace);
        pending.MarkInstalled();
        FileData.Sync(store);
        var layer = new Layer(chain, parent, pending.Diff, pending.Size, pending.ArchiveSize);
        lock (gate) entries.Add(chain, new Entry(layer) { References = 1 });
        return new LayerLease(this, layer);
    }

    /// <summary>Takes layers out of the books that nobody needs. <see cref="Changes"/> is held; the database is to be told next, then <see cref="Delete"/>.</summary>
    public IReadOnlyList<Layer> TakeUnreferenced()
    {
        lock (gate)
        {
            var unreferenced = entries.Values.Where(e => e.References <= 0).Select(e => e.Layer).ToList();
            foreach (var layer in unreferenced) entries.Remove(layer.Chain);
            // Upper layers first: the order in which dockerd reports them.
            return [.. unreferenced.OrderByDescending(Depth)];

            int Depth(Layer layer)
            {
                int depth = 0;
                for (var below = layer; below?.Parent is { } parent; depth++)
                    below = entries.GetValueOrDefault(parent)?.Layer ?? unreferenced.Find(l => l.Chain == parent);
                return depth;
            }
        }
    }

    /// <summary>Puts back what was taken out when the database could not be told.</summary>
    public void Restore(IEnumerable<Layer> layers)
    {
        lock (gate)
        {
            foreach (var layer in layers) entries.TryAdd(layer.Chain, new Entry(layer));
        }
    }

    /// <summary>Moves layers out of their places at once, so that they can be unpacked anew. <see cref="Changes"/> is held. The result deletes their files.</summary>
    public Action Delete(IReadOnlyList<Layer> layers)
    {
        return MoveAway([.. layers.Select(l => Encoding.ASCII.GetBytes(l.Chain.Hex))]);
    }

    private Action MoveAway(IReadOnlyList<byte[]> names)
    {
        var moved = new List<string>();
        foreach (byte[] old in names)
        {
            string name = TemporaryName();
            if (store.TryRename(old, store, name, RenameFlags.NoReplace).Succeeded) moved.Add(name);
        }
        return () =>
        {
            foreach (string name in moved) TreeRemoval.Remove(store, name);
        };
    }

    /// <summary>The path of a layer's directory, in which <c>diff</c> holds its files.</summary>
    public string PathOf(Digest chain) => Path.Combine(path, chain.Hex);

    /// <summary>The place for what belongs to images without any layer.</summary>
    internal string EmptyPath => Path.Combine(path, "empty");

    /// <summary>A layer's own directory.</summary>
    internal DirectoryFd Open(Digest chain) => store.OpenDirectory(chain.Hex);

    internal DirectoryFd OpenEmpty() => store.EnsureDirectory("empty", 0x1c0);

    /// <summary>A layer's uncompressed archive, byte for byte as it came. Wrap it in a <see cref="Streams.HashingSource"/> to be sure.</summary>
    internal LayerTarSource OpenArchive(Layer layer)
    {
        using var directory = Open(layer.Chain);
        return new LayerTarSource(layer.Chain.ToString(), directory.OpenDirectory(PendingLayer.FilesName), directory.OpenFileStream(PendingLayer.SplitName));
    }

    public void Dispose()
    {
        store.Dispose();
        Changes.Dispose();
    }
}

/// <summary>Keeps one layer from being taken out until it is disposed.</summary>
public sealed class LayerLease(LayerStore store, Layer layer) : IDisposable
{
    private int released;

    public Layer Layer { get; } = layer;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref released, 1) == 0) store.DropReferences([Layer.Chain]);
    }
}
