using System.Globalization;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>Deletes a directory tree by descriptors alone: no symbolic link is followed and no mount point is entered, so nothing outside it can be touched.</summary>
public static class TreeRemoval
{
    /// <summary>A tree deeper than this is taken apart by moving its deep parts up, so that descriptors never run out.</summary>
    private const int MaxDepth = 64;

    /// <summary>Removes a file or a whole tree. A name that is not there is no error.</summary>
    /// <exception cref="KernelException"><c>EBUSY</c> or <c>EXDEV</c>: something is mounted in the tree, which is left with what could not be removed.</exception>
    public static void Remove(DirectoryFd parent, FilePath name)
    {
        var unlinked = parent.TryRemoveFile(name);
        if (unlinked.Succeeded || unlinked.Errno == Errno.ENOENT) return;
        if (unlinked.Errno is not (Errno.EISDIR or Errno.EPERM)) unlinked.Check("unlink", name);

        const ResolveFlags Inside = ResolveFlags.Beneath | ResolveFlags.NoSymbolicLinks | ResolveFlags.NoCrossDevice;
        var opened = parent.TryResolveDirectory(name, Inside, out var top);
        if (opened.Errno == Errno.ENOENT) return;
        opened.Check("open directory", name);
        using (top)
        {
            int moved = 0;
            RemoveContent(top!, top!, 0, ref moved);
        }
        var removed = parent.TryRemoveDirectory(name);
        if (removed.Errno != Errno.ENOENT) removed.Check("rmdir", name);
    }

    /// <summary>Empties a directory and keeps it.</summary>
    public static void RemoveContent(DirectoryFd directory)
    {
        int moved = 0;
        RemoveContent(directory, directory, 0, ref moved);
    }

    private static void RemoveContent(DirectoryFd directory, DirectoryFd top, int depth, ref int moved)
    {
        // Removing entries while listing may skip some on some file systems: go on until a whole pass finds nothing.
        for (bool found = true; found;)
        {
            found = false;
            using var reader = new DirectoryReader(directory);
            while (reader.MoveNext())
            {
                found = true;
                if (reader.Type is not (FileType.Directory or FileType.Unknown))
                {
                    directory.TryRemoveFile(reader.Name).Check("unlink", reader.Name);
                    continue;
                }
                byte[] name = reader.Name.ToArray();
                if (reader.Type == FileType.Unknown && directory.Status(name).Type != FileType.Directory) directory.RemoveFile(name);
                else RemoveDirectory(directory, name, top, depth, ref moved);
            }
        }
    }

    private static void RemoveDirectory(DirectoryFd parent, byte[] name, DirectoryFd top, int depth, ref int moved)
    {
        if (parent.TryRemoveDirectory(name).Succeeded) return;
        if (depth >= MaxDepth)
        {
            while (true)
            {
                string shallow = string.Create(CultureInfo.InvariantCulture, $".gantry-removed-{moved++}");
                var renamed = parent.TryRename(name, top, shallow, RenameFlags.NoReplace);
                if (renamed.Errno == Errno.EEXIST) continue;
                renamed.Check("rename", name);
                return;
            }
        }
        const ResolveFlags Inside = ResolveFlags.Beneath | ResolveFlags.NoSymbolicLinks | ResolveFlags.NoCrossDevice;
        parent.TryResolveDirectory(name, Inside, out var directory).Check("open directory", name);
        using (directory) RemoveContent(directory!, top, depth + 1, ref moved);
        parent.RemoveDirectory(name);
    }
}
