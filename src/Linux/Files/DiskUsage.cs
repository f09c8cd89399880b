namespace Gantry.Linux.Files;

/// <summary>What a tree takes on disk, each inode counted once: what <c>du</c> says.</summary>
/// <param name="DiskBytes">Allocated bytes, directories included.</param>
/// <param name="ContentBytes">Sizes of regular files.</param>
/// <param name="Inodes">Files of every type.</param>
public readonly record struct DiskUsage(long DiskBytes, long ContentBytes, long Inodes)
{
    /// <summary>Walks a tree without leaving its file system.</summary>
    public static DiskUsage Of(DirectoryFd root, CancellationToken cancellation = default)
    {
        long disk = root.Status().DiskSize, content = 0, inodes = 1;
        var fileSystem = root.Status().FileSystem;
        var linked = new HashSet<ulong>();
        using var walk = new TreeWalk(root);
        while (walk.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            ref readonly var status = ref walk.Status;
            if (status.FileSystem != fileSystem) continue;
            if (status.Type != FileType.Directory && status.Links > 1 && !linked.Add(status.Inode)) continue;
            disk += status.DiskSize;
            if (status.Type == FileType.Regular) content += status.Size;
            inodes++;
        }
        return new DiskUsage(disk, content, inodes);
    }

    public static DiskUsage operator +(DiskUsage left, DiskUsage right) =>
        new(left.DiskBytes + right.DiskBytes, left.ContentBytes + right.ContentBytes, left.Inodes + right.Inodes);
}
