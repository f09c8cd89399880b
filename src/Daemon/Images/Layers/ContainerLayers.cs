using System.Collections.Concurrent;
using Gantry.Daemon.Images.Content;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Images.Layers;

/// <summary>What a container's root is stacked from: an image's layers, and the layer that holds the empty mount points.</summary>
public sealed class ContainerLayers(LayerStore layers)
{
    private const string InitName = "init", BuildingName = "tmp-init";

    private readonly Lock gate = new();
    private readonly ConcurrentDictionary<Digest, bool> opaqueRoots = new();

    /// <summary>Directories with the layers' files, topmost first: overlay's <c>lowerdir</c>.</summary>
    /// <param name="chains">Chain ids, bottom first. They are leased, pinned or of an image.</param>
    public IReadOnlyList<string> Directories(IReadOnlyList<Digest> chains) => [.. Shown(chains).Select(c => Path.Combine(layers.PathOf(c), PendingLayer.FilesName))];

    /// <summary>
    /// Layers topmost first, down to one whose root is opaque: overlay does not look at that mark on the root of a layer, so what the
    /// archive has hidden is left out here.
    /// </summary>
    private IEnumerable<Digest> Shown(IReadOnlyList<Digest> chains)
    {
        for (int i = chains.Count - 1; i >= 0; i--)
        {
            yield return chains[i];
            if (i > 0 && opaqueRoots.GetOrAdd(chains[i], HasOpaqueRoot)) yield break;
        }
    }

    private bool HasOpaqueRoot(Digest chain)
    {
        using var directory = layers.Open(chain);
        using var root = directory.OpenDirectory(PendingLayer.FilesName);
        return Overlay.IsOpaque(root);
    }

    /// <summary>The read-only layer above an image's own, made when it is first asked for and kept with the image's topmost layer.</summary>
    /// <param name="chains">Chain ids, bottom first.</param>
    public string Init(IReadOnlyList<Digest> chains)
    {
        string home = chains.Count > 0 ? layers.PathOf(chains[^1]) : layers.EmptyPath;
        string path = Path.Combine(home, InitName);
        if (Directory.Exists(path)) return path;
        lock (gate)
        {
            if (Directory.Exists(path)) return path;
            using var directory = chains.Count > 0 ? layers.Open(chains[^1]) : layers.OpenEmpty();
            TreeRemoval.Remove(directory, BuildingName);   // of a start that was cut off
            directory.MakeDirectory(BuildingName, 0x1ed);
            using (var building = directory.OpenDirectory(BuildingName))
            using (var image = MergedDirectory.Root(Directories(chains).Select(DirectoryFd.Open)))
                InitLayer.Build(building, image);
            directory.Rename(BuildingName, directory, InitName, RenameFlags.NoReplace);
            FileData.Sync(directory);
        }
        return path;
    }
}
