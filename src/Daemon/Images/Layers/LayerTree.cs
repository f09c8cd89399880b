using Gantry.Daemon.Images.Tar;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Layers;

/// <summary>Writes the entries of a layer's archive into a directory, in the form that overlay stacks. Nothing outside the directory can be reached.</summary>
/// <remarks>
/// Names are cleaned and may not lead above the root; directories on the way are opened step by step (<see cref="PathCursor"/>); the last
/// component is always created, never opened; hard links may only lead to names inside. An entry whose name is taken is refused, as in
/// dockerd, except that directories may be listed again. Nothing is synced: the store does that once for a whole layer.
/// </remarks>
/// <param name="plainMarks">What the layer hides is marked in the plain form (<see cref="Overlay"/>).</param>
internal sealed class LayerTree(DirectoryFd root, bool plainMarks) : IDisposable
{
    /// <summary>Files that are written back early, so that the final sync finds less to do.</summary>
    private const int EarlyWriteback = 1 << 20;

    /// <summary>Modes until an entry's own mode is set: nobody else's business.</summary>
    private const uint NewFileMode = 0x180, NewDirectoryMode = 0x1c0;

    private readonly PathCursor cursor = new(root, plainMarks);
    private readonly PathCursor linkCursor = new(root);
    private readonly DirectoryTimes times = new();
    private byte[] clean = new byte[256];
    private byte[] cleanLink = new byte[256];
    private byte[] realPath = new byte[256];
    private int realLength;

    /// <summary>New names in a set-group directory get its group, not ours; until one is seen, root's files need no chown.</summary>
    private bool seenSetGroup;

    private static ReadOnlySpan<byte> WhiteoutPrefix => ".wh."u8;

    private static ReadOnlySpan<byte> MetadataPrefix => ".wh..wh."u8;

    private static ReadOnlySpan<byte> OpaqueMarker => ".wh..wh..opq"u8;

    /// <summary>Sum of the sizes of all files, hard links once, symbolic links by their targets: as dockerd counts a layer's size.</summary>
    public long Size { get; private set; }

    public long Entries { get; private set; }

    /// <summary>Where the last file with content was written: its path in the layer without symbolic links.</summary>
    public ReadOnlySpan<byte> RealPath => realPath.AsSpan(0, realLength);

    /// <summary>Creates what the entry describes. True when it is a file with content that <paramref name="file"/> now awaits.</summary>
    /// <exception cref="InvalidArchiveException">The entry asks for something that it must not have.</exception>
    /// <exception cref="KernelException">The file system refused.</exception>
    public bool Add(TarEntry entry, out Fd? file)
    {
        file = null;
        Entries++;
        Size += entry.Type == TarEntryType.SymbolicLink ? entry.LinkName.Length : entry.Size;
        if (!EntryPath.TryClean(entry.Name, ref clean, out int length)) throw new InvalidArchiveException($"invalid entry name \"{entry.DisplayName}\"");
        var path = clean.AsSpan(0, length);
        EntryPath.CheckLength(path);
        if (path.IsEmpty)
        {
            if (entry.Type != TarEntryType.Directory) throw new InvalidArchiveException($"invalid entry name \"{entry.DisplayName}\"");
            Describe(root, entry, default);
            return false;
        }
        var parentPath = EntryPath.Directory(path, out var name);
        if (IsMetadata(path, name)) return false;
        var parent = cursor.Enter(parentPath, create: true);
        SetRealPath(name);
        if (name.StartsWith(WhiteoutPrefix)) Hide(parent, name, entry);
        else if (entry.IsRegular) file = CreateFile(parent, name, entry);
        else if (entry.Type == TarEntryType.Directory) CreateDirectory(parent, name, entry);
        else if (entry.Type == TarEntryType.HardLink) Link(parent, name, entry);
        else if (entry.Type == TarEntryType.SymbolicLink) Create(parent, name, entry, parent.TryMakeSymbolicLink(name, entry.LinkName));
        else CreateNode(parent, name, entry);
        return file is not null;
    }

    /// <summary>Finishes a file: everything that its entry says of it.</summary>
    public void Close(Fd file, TarEntry entry)
    {
        if ((entry.Owner | entry.Group) != 0 || seenSetGroup) OpenFileAttributes.ChangeOwner(file, entry.Owner, entry.Group);
        foreach (var (name, value) in entry.Attributes)
        {
            if (!Overlay.IsPrivateAttribute(name)) CheckAttribute(ExtendedAttributes.TrySet(file, name, value), name);
        }
        OpenFileAttributes.ChangeMode(file, entry.Permissions);
        OpenFileAttributes.SetTimes(file, entry.Modified, entry.Modified);
        if (entry.StoredSize >= EarlyWriteback) FileData.StartWriteback(file, 0, 0);
    }

    /// <summary>Sets the times of directories, which the writing of their content has changed.</summary>
    public void Complete() => times.Apply(root);

    /// <summary>aufs kept its own books in such names, and old layers still carry them; only the opaque marker means something (OCI image spec, "Whiteouts").</summary>
    private static bool IsMetadata(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name) =>
        (path.StartsWith(MetadataPrefix) || path.IndexOf("/.wh..wh."u8) >= 0) && !name.SequenceEqual(OpaqueMarker);

    private void Hide(DirectoryFd parent, ReadOnlySpan<byte> marker, TarEntry entry)
    {
        if (marker.SequenceEqual(OpaqueMarker))
        {
            Overlay.SetOpaque(parent, plainMarks);
            return;
        }
        var name = marker[WhiteoutPrefix.Length..];
        if (name.IsEmpty || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8)) throw new InvalidArchiveException($"invalid whiteout entry \"{entry.DisplayName}\"");
        var made = Overlay.TryMakeWhiteout(parent, name, plainMarks);
        if (made.Errno != Errno.EEXIST)
        {
            made.Check("mknod", name);
            return;
        }
        // The layer has a new object of that name: the deletion is meant for the layers below, and only of a directory would they show through.
        if (parent.TryOpenDirectory(name, out var directory).Succeeded)
        {
            using (directory) Overlay.SetOpaque(directory!, plainMarks);
        }
    }

    private Fd CreateFile(DirectoryFd parent, ReadOnlySpan<byte> name, TarEntry entry)
    {
        const OpenFlags NewFile = OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive;
        var opened = parent.TryOpenFile(name, NewFile, NewFileMode, out var file);
        if (opened.Errno == Errno.EEXIST)
        {
            ReplaceWhiteout(parent, name, entry);
            opened = parent.TryOpenFile(name, NewFile, NewFileMode, out file);
        }
        opened.Check("create", RealPath);
        return file!;
    }

    private void CreateDirectory(DirectoryFd parent, ReadOnlySpan<byte> name, TarEntry entry)
    {
        bool opaque = false;
        var made = parent.TryMakeDirectory(name, NewDirectoryMode);
        if (made.Errno == Errno.EEXIST && parent.Status(name).Type != FileType.Directory)
        {
            ReplaceWhiteout(parent, name, entry);
            made = parent.TryMakeDirectory(name, NewDirectoryMode);
            opaque = true;
        }
        if (made.Errno != Errno.EEXIST) made.Check("mkdir", RealPath);
        using var directory = parent.OpenDirectory(name);
        if (opaque) Overlay.SetOpaque(directory, plainMarks);
        Describe(directory, entry, RealPath);
    }

    private void Describe(DirectoryFd directory, TarEntry entry, ReadOnlySpan<byte> path)
    {
        if ((entry.Permissions & ModeBits.SetGroup) != 0) seenSetGroup = true;
        OpenFileAttributes.ChangeOwner(directory, entry.Owner, entry.Group);
        foreach (var (name, value) in entry.Attributes)
        {
            if (!Overlay.IsPrivateAttribute(name)) CheckAttribute(ExtendedAttributes.TrySet(directory, name, value), name);
        }
        OpenFileAttributes.ChangeMode(directory, entry.Permissions);
        times.Set(path, entry.Modified);
    }

    private void CreateNode(DirectoryFd parent, ReadOnlySpan<byte> name, TarEntry entry)
    {
        var type = entry.Type switch
        {
            TarEntryType.CharacterDevice => FileType.CharacterDevice,
            TarEntryType.BlockDevice => FileType.BlockDevice,
            TarEntryType.Fifo => FileType.Fifo,
            _ => throw new InvalidArchiveException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"unhandled tar header type {(int)entry.Type}")),
        };
        Create(parent, name, entry, parent.TryMakeNode(name, type, NewFileMode, entry.Device));
    }

    /// <summary>Everything about a new symbolic link, device or fifo, which cannot be opened.</summary>
    private void Create(DirectoryFd parent, ReadOnlySpan<byte> name, TarEntry entry, KernelResult made)
    {
        if (made.Errno == Errno.EEXIST)
        {
            ReplaceWhiteout(parent, name, entry);
            if (entry.Type == TarEntryType.SymbolicLink) made = parent.TryMakeSymbolicLink(name, entry.LinkName);
            else { CreateNode(parent, name, entry); return; }
        }
        made.Check("create", RealPath);
        if ((entry.Owner | entry.Group) != 0 || seenSetGroup) parent.ChangeOwner(name, entry.Owner, entry.Group);
        foreach (var (attribute, value) in entry.Attributes)
        {
            if (!Overlay.IsPrivateAttribute(attribute)) CheckAttribute(ExtendedAttributes.TrySet(parent, name, attribute, value), attribute);
        }
        if (entry.Type != TarEntryType.SymbolicLink) parent.ChangeMode(name, entry.Permissions);
        parent.SetTimes(name, entry.Modified, entry.Modified);
    }

    /// <summary>The second name has the first one's attributes: nothing in the entry changes them.</summary>
    private void Link(DirectoryFd parent, ReadOnlySpan<byte> name, TarEntry entry)
    {
        if (!EntryPath.TryClean(entry.LinkName, ref cleanLink, out int length) || length == 0)
            throw new InvalidArchiveException($"invalid hardlink target \"{FilePath.Printable(entry.LinkName)}\"");
        var path = cleanLink.AsSpan(0, length);
        var targetParentPath = EntryPath.Directory(path, out var target);
        KernelResult made;
        try
        {
            var targetParent = linkCursor.Enter(targetParentPath, create: false);
            made = parent.TryMakeHardLink(name, targetParent, target);
            if (made.Errno == Errno.EEXIST)
            {
                ReplaceWhiteout(parent, name, entry);
                made = parent.TryMakeHardLink(name, targetParent, target);
            }
        }
        catch (KernelException e)
        {
            made = -(int)e.Errno;
        }
        if (!made.Succeeded) throw new KernelException($"linkat {FilePath.Printable(path)} {FilePath.Printable(RealPath)}", made.Errno);
    }

    /// <summary>Makes room for an entry whose name is taken by a whiteout of the same layer; anything else that is in its way stays.</summary>
    private static void ReplaceWhiteout(DirectoryFd parent, ReadOnlySpan<byte> name, TarEntry entry)
    {
        if (!Overlay.IsWhiteout(parent, name, parent.Status(name))) throw new InvalidArchiveException($"duplicates of file paths not supported: {entry.DisplayName}");
        parent.RemoveFile(name);
    }

    private static void CheckAttribute(KernelResult result, ReadOnlySpan<byte> name)
    {
        // A file system without extended attributes, or without this kind of them, still holds the files.
        if (result.Errno != Errno.EOPNOTSUPP) result.Check("set attribute", name);
    }

    private void SetRealPath(ReadOnlySpan<byte> name)
    {
        var directory = cursor.RealPath;
        int size = directory.Length + 1 + name.Length;
        if (realPath.Length < size) realPath = new byte[size * 2];
        directory.CopyTo(realPath);
        realLength = directory.Length;
        if (realLength > 0) realPath[realLength++] = (byte)'/';
        name.CopyTo(realPath.AsSpan(realLength));
        realLength += name.Length;
    }

    public void Dispose()
    {
        cursor.Dispose();
        linkCursor.Dispose();
    }
}
