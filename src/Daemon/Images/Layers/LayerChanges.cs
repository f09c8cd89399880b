using System.Text;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Layers;

public enum ChangeKind
{
    Modified = 0,
    Added = 1,
    Deleted = 2,
}

/// <param name="Key">The path, absolute as it is in the container, one character a byte.</param>
public readonly record struct LayerChange(string Key, ChangeKind Kind)
{
    public byte[] Bytes => Encoding.Latin1.GetBytes(Key);

    /// <summary>As text; what is no UTF-8 is replaced.</summary>
    public string Path => Encoding.UTF8.GetString(Bytes);
}

/// <summary>What an upper directory changes of the layers below it, in the order of the paths' bytes. The judgement is dockerd's (reference 4.1, <c>changes</c>).</summary>
/// <remarks>
/// A file counts as modified when its mode, owner, device, capabilities, size or time of modification differ; a directory's time does not
/// count. A directory in which something has changed is modified too. Of a deleted tree only the top is told.
/// </remarks>
internal static class LayerChanges
{
    /// <param name="upper">In the form of a layer, or a whole tree.</param>
    /// <param name="below">What the layers below show.</param>
    /// <param name="whole">The upper directory is a whole tree: what it lacks of the lower ones has been deleted.</param>
    public static List<LayerChange> Of(DirectoryFd upper, MergedDirectory below, CancellationToken cancellation, bool whole = false)
    {
        var changes = new List<LayerChange>();
        Compare(upper, below, "", changes, cancellation, whole);
        if (whole) AddDeleted(upper, below, "", changes, 0);
        return changes;
    }

    private static void Compare(DirectoryFd upper, MergedDirectory below, string path, List<LayerChange> changes, CancellationToken cancellation, bool whole)
    {
        EntryPath.CheckLength(Encoding.Latin1.GetBytes(path));
        foreach (byte[] name in Names(upper))
        {
            cancellation.ThrowIfCancellationRequested();
            if (!upper.TryStatus(name, out var status).Succeeded) continue;
            string child = path + "/" + Encoding.Latin1.GetString(name);
            var before = below.Find(name, out var belowChild);
            using (belowChild)
            {
                if (!whole && Overlay.IsWhiteout(upper, name, status))
                {
                    if (before is not null) changes.Add(new(child, ChangeKind.Deleted));
                    continue;
                }
                bool isNew = before is null, differs = before is { } old && Differ(upper, below, name, status, old);
                int at = changes.Count;
                if (isNew || differs) changes.Add(new(child, isNew ? ChangeKind.Added : ChangeKind.Modified));
                if (status.Type != FileType.Directory || !upper.TryOpenDirectory(name, out var directory).Succeeded) continue;
                using (directory) CompareContent(directory!, belowChild, child, changes, cancellation, whole);
                if (!isNew && !differs && changes.Count > at) changes.Insert(at, new(child, ChangeKind.Modified));
            }
        }
    }

    private static void CompareContent(DirectoryFd directory, MergedDirectory? below, string path, List<LayerChange> changes, CancellationToken cancellation, bool whole)
    {
        using var nothing = MergedDirectory.Root([]);
        int at = changes.Count;
        Compare(directory, below ?? nothing, path, changes, cancellation, whole);
        // It was deleted and made again: what the old one held and this one does not is gone.
        if (below is not null && (whole || Overlay.IsOpaque(directory))) AddDeleted(directory, below, path, changes, at);
    }

    private static void AddDeleted(DirectoryFd directory, MergedDirectory below, string path, List<LayerChange> changes, int from)
    {
        int before = changes.Count;
        foreach (byte[] name in below.Names().Where(n => directory.TryStatus(n, out _).Errno == Errno.ENOENT))
            changes.Add(new(path + "/" + Encoding.Latin1.GetString(name), ChangeKind.Deleted));
        if (changes.Count > before) changes.Sort(from, changes.Count - from, Comparer<LayerChange>.Create(static (a, b) => string.CompareOrdinal(a.Key, b.Key)));
    }

    private static List<byte[]> Names(DirectoryFd directory)
    {
        var names = new List<byte[]>();
        using var reader = new DirectoryReader(directory);
        while (reader.MoveNext()) names.Add(reader.Name.ToArray());
        names.Sort(static (a, b) => a.AsSpan().SequenceCompareTo(b));
        return names;
    }

    private static bool Differ(DirectoryFd upper, MergedDirectory below, byte[] name, in FileStatus now, in FileStatus before)
    {
        if ((now.Type, now.Permissions, now.Owner, now.Group, now.Device) != (before.Type, before.Permissions, before.Owner, before.Group, before.Device)) return true;
        if (now.Type != FileType.Directory && (now.Size != before.Size || now.Modified != before.Modified)) return true;
        const string capability = "security.capability";
        byte[] left = ExtendedAttributes.Get(upper, name, capability) ?? [], right = below.Attribute(name, capability) ?? [];
        return !left.AsSpan().SequenceEqual(right);
    }
}
