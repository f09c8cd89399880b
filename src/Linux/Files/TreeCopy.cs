using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>Copies a tree with everything that belongs to it: owners, modes, times, extended attributes, hard links, nodes and holes.</summary>
public static class TreeCopy
{
    private const uint PrivateDirectory = 0x1c0;

    /// <summary>Directories below each other: no path that a system call takes has more.</summary>
    public const int MaxDepth = 2048;

    /// <summary>Copies what is in one directory into another, and gives that one the attributes of the first. Other file systems mounted inside are left out.</summary>
    /// <param name="keepOverlayMarks">The tree is a layer of an overlay: the marks of opaque directories are copied too.</param>
    public static void Copy(DirectoryFd source, DirectoryFd target, CancellationToken cancellation = default, bool keepOverlayMarks = false)
    {
        using var entries = new EntryCopy(keepOverlayMarks);
        CopyContent(source, target, entries, source.Status().FileSystem, 0, cancellation);
        entries.CopyAttributes(source, target, source.Status());
    }

    private static void CopyContent(DirectoryFd source, DirectoryFd target, EntryCopy entries, DeviceNumber fileSystem, int depth, CancellationToken cancellation)
    {
        if (depth > MaxDepth) throw new KernelException("copy a tree of more than 2048 levels", Errno.ENAMETOOLONG);
        using var reader = new DirectoryReader(source);
        while (reader.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            byte[] name = reader.Name.ToArray();
            var found = source.TryStatus(name, out var status);
            if (found.Errno == Errno.ENOENT) continue;   // it has gone meanwhile
            found.Check("stat", name);
            if (status.FileSystem != fileSystem) continue;
            if (status.Type != FileType.Directory)
            {
                entries.TryCopy(source, target, name, status);
                continue;
            }
            var opened = source.TryOpenDirectory(name, out var from);
            if (opened.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP) continue;
            opened.Check("open directory", name);
            using (from)
            using (var to = target.EnsureDirectory(name, PrivateDirectory))
            {
                CopyContent(from!, to, entries, fileSystem, depth + 1, cancellation);
                entries.CopyAttributes(from!, to, status);
            }
        }
    }
}
