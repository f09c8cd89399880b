using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>Copies files one by one with everything that belongs to them, and remembers what it has copied, so that further names of a file become hard links.</summary>
/// <param name="keepOverlayMarks">What is copied is a layer of an overlay: the marks of opaque directories are copied too.</param>
public sealed class EntryCopy(bool keepOverlayMarks = false) : IDisposable
{
    private const uint PrivateFile = 0x180;

    private readonly Dictionary<(DeviceNumber FileSystem, ulong Inode), (DirectoryFd Directory, byte[] Name)> linked = [];

    /// <summary>Copies a file of any type but a directory. False when the name has gone, or stands for something else by now.</summary>
    public bool TryCopy(DirectoryFd source, DirectoryFd target, byte[] name, in FileStatus status)
    {
        var key = (status.FileSystem, status.Inode);
        if (status.Links > 1 && linked.TryGetValue(key, out var first))
        {
            target.MakeHardLink(name, first.Directory, first.Name);
            return true;
        }
        if (!TryCopyContent(source, target, name, status)) return false;
        if (status.Links > 1) linked[key] = (target.DuplicateDirectory(), name);
        return true;
    }

    private bool TryCopyContent(DirectoryFd source, DirectoryFd target, byte[] name, in FileStatus status)
    {
        if (status.Type == FileType.Regular)
        {
            var opened = source.TryOpenRegular(name, out var from, out var current);
            if (opened.Errno is Errno.ENOENT or Errno.EINVAL) return false;
            opened.Check("open", name);
            using (from)
            {
                using var to = target.OpenFile(name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, PrivateFile);
                FileCopy.CopySparse(from!, to, current.Size);
                CopyAttributes(from!, to, current);
            }
            return true;
        }
        if (status.Type == FileType.SymbolicLink)
        {
            var read = source.TryReadLink(name, out byte[] link);
            if (read.Errno is Errno.ENOENT or Errno.EINVAL) return false;
            read.Check("readlink", name);
            target.MakeSymbolicLink(name, link);
        }
        else
        {
            target.MakeNode(name, status.Type, status.Permissions, status.Device);
        }
        target.ChangeOwner(name, status.Owner, status.Group);
        if (status.Type != FileType.SymbolicLink) target.ChangeMode(name, status.Permissions);
        CopyAttributesByName(source, target, name);
        target.SetTimes(name, status.Accessed, status.Modified);
        return true;
    }

    /// <summary>Gives an open file or directory the owner, mode, extended attributes and times of another.</summary>
    public void CopyAttributes(Fd source, Fd target, in FileStatus status)
    {
        OpenFileAttributes.ChangeOwner(target, status.Owner, status.Group);
        OpenFileAttributes.ChangeMode(target, status.Permissions);
        foreach (string name in ExtendedAttributes.List(source))
        {
            if (Takes(name) && ExtendedAttributes.Get(source, name) is { } value) ExtendedAttributes.Set(target, name, value);
        }
        OpenFileAttributes.SetTimes(target, status.Accessed, status.Modified);
    }

    private void CopyAttributesByName(DirectoryFd source, DirectoryFd target, byte[] name)
    {
        try
        {
            foreach (string attribute in ExtendedAttributes.List(source, name))
            {
                if (Takes(attribute) && ExtendedAttributes.Get(source, name, attribute) is { } value) ExtendedAttributes.TrySet(target, name, attribute, value).Check("set attribute", attribute);
            }
        }
        catch (KernelException e) when (e.Errno == Errno.ENOENT)
        {
            // The name has gone since it was copied.
        }
    }

    private bool Takes(string attribute)
    {
        bool isMark = attribute.StartsWith("trusted.overlay.", StringComparison.Ordinal) || attribute is "user.gantry.opaque" or "trusted.gantry.opaque";
        return !isMark || (keepOverlayMarks && attribute.EndsWith(".opaque", StringComparison.Ordinal));
    }

    public void Dispose()
    {
        foreach (var (directory, _) in linked.Values) directory.Dispose();
        linked.Clear();
    }
}
