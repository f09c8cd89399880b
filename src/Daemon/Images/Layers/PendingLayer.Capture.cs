using Gantry.Daemon.Images.Streams;
using Gantry.Daemon.Images.Tar;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Layers;

// A layer of a directory that overlay has written: a container's.
public sealed partial class PendingLayer
{
    /// <summary>Makes the layer of a container's upper directory: its files are copied, or taken, and then read once for the digest and the archive's record.</summary>
    /// <param name="upper">The directory's path. It is in overlay's form already, the form in which layers are kept.</param>
    /// <param name="take">Move the files instead of copying them; when this fails they are put back. The directory is gone afterwards.</param>
    /// <param name="below">Directories of what lies below it, topmost first: the first tells whether the root itself has been changed.</param>
    /// <returns>False when the container has changed nothing at all: the layer's archive is empty.</returns>
    public bool Capture(string upper, bool take, IReadOnlyList<string> below, CancellationToken cancellation)
    {
        using var top = DirectoryFd.Open(below[0]);
        return plainMarks ? CaptureTree(upper, below, top, cancellation) : CaptureLayer(upper, take, top, cancellation);
    }

    /// <summary>Without overlay the directory is the container's whole root: what it has in common with the layers is left out.</summary>
    private bool CaptureTree(string tree, IReadOnlyList<string> below, DirectoryFd top, CancellationToken cancellation)
    {
        using var directory = store.OpenDirectory(Name);
        using (var from = DirectoryFd.Open(tree))
        using (var to = directory.EnsureDirectory(FilesName, 0x1c0))
            MergedCopy.CopyChanges(from, below, to, cancellation);
        return Describe(directory, top, cancellation);
    }

    private bool CaptureLayer(string upper, bool take, DirectoryFd below, CancellationToken cancellation)
    {
        using var directory = store.OpenDirectory(Name);
        using var source = DirectoryFd.Open(Path.GetDirectoryName(upper)!);
        string name = Path.GetFileName(upper);
        bool taken = take && TryTake(source, name, directory);
        try
        {
            if (!taken) Copy(source, name, directory, cancellation);
            return Describe(directory, below, cancellation);
        }
        catch
        {
            if (taken) directory.Rename(FilesName, source, name, RenameFlags.NoReplace);
            throw;
        }
    }

    private static bool TryTake(DirectoryFd source, string name, DirectoryFd directory)
    {
        var moved = source.TryRename(name, directory, FilesName, RenameFlags.NoReplace);
        if (moved.Errno == Errno.EXDEV) return false;
        moved.Check("rename", name);
        return true;
    }

    private static void Copy(DirectoryFd source, string name, DirectoryFd directory, CancellationToken cancellation)
    {
        using var from = source.OpenDirectory(name);
        using var to = directory.EnsureDirectory(FilesName, 0x1c0);
        TreeCopy.Copy(from, to, cancellation, keepOverlayMarks: true);
    }

    private bool Describe(DirectoryFd directory, DirectoryFd below, CancellationToken cancellation)
    {
        using var root = directory.OpenDirectory(FilesName);
        using var split = new TarSplitWriter(directory.CreateFileStream(SplitName));
        var form = new TreeTarForm { IsLayer = true, IncludeRoot = Overlay.IsOpaque(root) || !HaveSameAttributes(root, below), Record = split };
        using var archive = new TreeTarSource(root, form);
        using var hashed = new HashingSource(archive);
        while (hashed.Fill())
        {
            cancellation.ThrowIfCancellationRequested();
            hashed.Consume(hashed.Available.Length);
        }
        split.Complete();
        ArchiveSize = BlobSize = hashed.Length;
        Diff = Blob = hashed.Finish();
        Size = archive.Size;
        return ArchiveSize > TarWriter.End.Length;
    }

    private static bool HaveSameAttributes(DirectoryFd one, DirectoryFd other)
    {
        FileStatus left = one.Status(), right = other.Status();
        return (left.Owner, left.Group, left.Permissions) == (right.Owner, right.Group, right.Permissions) && Attributes(one).SequenceEqual(Attributes(other));

        static IEnumerable<string> Attributes(DirectoryFd directory) => ExtendedAttributes.List(directory)
            .Where(n => !n.StartsWith("trusted.overlay.", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(n => n + "=" + Convert.ToHexString(ExtendedAttributes.Get(directory, n) ?? []));
    }
}
