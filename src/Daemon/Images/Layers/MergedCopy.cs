using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Layers;

/// <summary>Copies what a stack of layers shows: the root of a container where overlay is not to be had.</summary>
internal static class MergedCopy
{
    /// <param name="layers">Directories, topmost first.</param>
    /// <param name="target">An empty directory.</param>
    public static void Copy(IReadOnlyList<string> layers, DirectoryFd target, CancellationToken cancellation)
    {
        using var merged = MergedDirectory.Root(layers.Select(DirectoryFd.Open));
        using var entries = new EntryCopy();
        CopyContent(merged, target, entries, 0, cancellation);
        if (merged.Top is { } top) entries.CopyAttributes(top, target, top.Status());
    }

    private static void CopyContent(MergedDirectory source, DirectoryFd target, EntryCopy entries, int depth, CancellationToken cancellation)
    {
        if (depth > TreeCopy.MaxDepth) throw new KernelException("copy a tree of more than 2048 levels", Errno.ENAMETOOLONG);
        foreach (byte[] name in source.Names())
        {
            cancellation.ThrowIfCancellationRequested();
            if (source.Find(name, out var directory) is not { } status) continue;
            if (directory is null)
            {
                if (source.HolderOf(name) is { } holder) entries.TryCopy(holder, target, name, status);
                continue;
            }
            using (directory)
            using (var to = target.EnsureDirectory(name, 0x1c0))
            {
                CopyContent(directory, to, entries, depth + 1, cancellation);
                entries.CopyAttributes(directory.Top!, to, status);
            }
        }
    }

    /// <summary>Makes a layer, in the plain form, of what a whole tree changes of the layers that it was copied from.</summary>
    /// <param name="tree">The tree.</param>
    /// <param name="layers">Directories of the layers, topmost first.</param>
    /// <param name="target">An empty directory.</param>
    public static void CopyChanges(DirectoryFd tree, IReadOnlyList<string> layers, DirectoryFd target, CancellationToken cancellation)
    {
        using var below = MergedDirectory.Root(layers.Select(DirectoryFd.Open));
        using var entries = new EntryCopy();
        var directories = new List<byte[]>();
        foreach (var change in LayerChanges.Of(tree, below, cancellation, whole: true))
        {
            cancellation.ThrowIfCancellationRequested();
            byte[] path = change.Bytes[1..];
            var parent = EntryPath.Directory(path, out var name);
            using var to = Open(target, parent);
            if (change.Kind == ChangeKind.Deleted)
            {
                Overlay.TryMakeWhiteout(to, name, plain: true).Check("hide", path);
                continue;
            }
            using var from = Open(tree, parent);
            if (!from.TryStatus(name, out var status).Succeeded) continue;
            if (status.Type != FileType.Directory) entries.TryCopy(from, to, name.ToArray(), status);
            else
            {
                to.MakeDirectory(name, 0x1c0);
                directories.Add(path);
            }
        }
        // Times come last: writing into a directory changes them.
        for (int i = directories.Count - 1; i >= 0; i--)
        {
            using DirectoryFd from = Open(tree, directories[i]), to = Open(target, directories[i]);
            entries.CopyAttributes(from, to, from.Status());
        }
        entries.CopyAttributes(tree, target, tree.Status());
    }

    private static DirectoryFd Open(DirectoryFd root, ReadOnlySpan<byte> path) =>
        path.IsEmpty ? root.DuplicateDirectory() : root.ResolveDirectory(path, ResolveFlags.Beneath | ResolveFlags.NoSymbolicLinks | ResolveFlags.NoMagicLinks);
}
