using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Layers;

/// <summary>One directory as overlay shows it: the same directory of several layers, topmost first. Looks without mounting anything.</summary>
internal sealed class MergedDirectory : IDisposable
{
    private readonly List<DirectoryFd> directories;

    private MergedDirectory(List<DirectoryFd> directories) => this.directories = directories;

    /// <summary>The root of a stack of layers. Takes ownership of the descriptors.</summary>
    /// <param name="layers">Topmost first; none for an empty image.</param>
    public static MergedDirectory Root(IEnumerable<DirectoryFd> layers) => new([.. layers]);

    /// <summary>The directory whose attributes show; null for the root of an empty image.</summary>
    public DirectoryFd? Top => directories.Count > 0 ? directories[0] : null;

    /// <summary>What stands under a name; null for nothing. A directory is opened too, for its caller to dispose.</summary>
    public FileStatus? Find(FilePath name, out MergedDirectory? directory)
    {
        directory = null;
        FileStatus? shown = null;
        var below = new List<DirectoryFd>();
        foreach (var layer in directories)
        {
            var found = layer.TryStatus(name, out var status);
            if (found.Errno == Errno.ENOENT) continue;
            found.Check("stat", name);
            if (Overlay.IsWhiteout(layer, name, status)) break;
            if (status.Type != FileType.Directory)
            {
                shown ??= status;
                break;
            }
            shown ??= status;
            var opened = layer.OpenDirectory(name);
            below.Add(opened);
            if (Overlay.IsOpaque(opened)) break;
        }
        if (below.Count > 0) directory = new MergedDirectory(below);
        return shown;
    }

    /// <summary>All names that show, in no order.</summary>
    public IReadOnlyCollection<byte[]> Names()
    {
        var shown = new Dictionary<string, byte[]?>(StringComparer.Ordinal);
        foreach (var layer in directories)
        {
            using var reader = new DirectoryReader(layer);
            while (reader.MoveNext())
            {
                string key = System.Text.Encoding.Latin1.GetString(reader.Name);
                if (!shown.ContainsKey(key)) shown[key] = Overlay.IsWhiteout(layer, reader.Name, layer.Status(reader.Name)) ? null : reader.Name.ToArray();
            }
        }
        return [.. shown.Values.OfType<byte[]>()];
    }

    /// <summary>An extended attribute of what stands under a name; null when there is neither.</summary>
    public byte[]? Attribute(FilePath name, string attribute)
    {
        foreach (var layer in directories)
        {
            if (layer.TryStatus(name, out var status).Succeeded) return Overlay.IsWhiteout(layer, name, status) ? null : ExtendedAttributes.Get(layer, name, attribute);
        }
        return null;
    }

    /// <summary>The directory of the topmost layer that has this name; null when nothing shows under it.</summary>
    public DirectoryFd? HolderOf(FilePath name)
    {
        foreach (var layer in directories)
        {
            if (layer.TryStatus(name, out var status).Succeeded) return Overlay.IsWhiteout(layer, name, status) ? null : layer;
        }
        return null;
    }

    public void Dispose()
    {
        foreach (var directory in directories) directory.Dispose();
    }
}
