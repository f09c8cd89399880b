using Gantry.Daemon.Images.Compression;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Streams;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;

namespace Gantry.Daemon.Images.Tar;

/// <summary>How an archive is written into a tree that exists.</summary>
internal sealed record TreeExtractionForm
{
    /// <summary>Refuse to put a file in a directory's place, or a directory in a file's.</summary>
    public bool KeepKinds { get; init; }

    /// <summary>Who is to own everything; null for the owners that the archive names.</summary>
    public (uint User, uint Group)? Owner { get; init; }

    /// <summary>The user namespace whose processes see the tree; null for this process's own. Its root is who makes what is written.</summary>
    public IdMapping? Ids { get; init; }

    public required UnpackLimits Limits { get; init; }
}

/// <summary>Writes an archive into a directory that others may be changing at the same time. Nothing outside the directory can be reached.</summary>
/// <remarks>
/// Directories on the way are opened step by step (<see cref="PathCursor"/>): a link among them is resolved with the directory as its root, as
/// in dockerd 28. What is written is always created, never opened: a name that is taken is removed first, except that directories are merged.
/// </remarks>
/// <param name="target">The directory to write into.</param>
/// <param name="targetPath">Names it in errors.</param>
internal sealed class TreeExtraction(DirectoryFd target, string targetPath, TreeExtractionForm form) : IDisposable
{
    private const uint NewFileMode = 0x180, NewDirectoryMode = 0x1c0;

    private readonly PathCursor cursor = new(target), linkCursor = new(target);
    private readonly Dictionary<string, FileTime> laterTimes = new(StringComparer.Ordinal);
    private byte[] clean = new byte[256], cleanLink = new byte[256];

    /// <summary>Reads an archive, compressed or not, to its end.</summary>
    /// <exception cref="InvalidArchiveException">It is damaged, too large, or asks for what it must not have.</exception>
    /// <exception cref="KernelException">The file system refused.</exception>
    public void Run(ByteSource blob, CancellationToken cancellation)
    {
        if (form.Ids is { } ids) FileOwner.Assume(ids.RootUser, ids.RootGroup, () => Extract(blob, cancellation));
        else Extract(blob, cancellation);
    }

    private void Extract(ByteSource blob, CancellationToken cancellation)
    {
        using var counted = new CountingSource(blob);
        using var archive = Decompression.Open(counted, out _);
        using var expanded = new CountingSource(archive) { Passed = length => form.Limits.CheckSize("archive", length, counted.Length) };
        var reader = new TarReader(expanded);
        for (long entries = 1; reader.MoveNext(); entries++)
        {
            cancellation.ThrowIfCancellationRequested();
            form.Limits.CheckEntries("archive", entries);
            if (reader.Entry.Type != TarEntryType.GnuVolume) Add(reader);
        }
        foreach (var (path, modified) in laterTimes) SetTime(path, modified);
    }

    private void Add(TarReader reader)
    {
        var entry = reader.Entry;
        if (!EntryPath.TryClean(entry.Name, ref clean, out int length)) throw new InvalidArchiveException($"invalid entry name \"{entry.DisplayName}\"");
        var path = clean.AsSpan(0, length);
        EntryPath.CheckLength(path);
        if (path.IsEmpty) return;   // the directory itself, which exists
        var directory = cursor.Enter(EntryPath.Directory(path, out var name), create: true);
        MakeRoom(directory, name, path, entry);
        switch (entry.Type)
        {
            case var _ when entry.IsRegular:
                using (var file = directory.OpenFile(name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, NewFileMode))
                {
                    EntryContent.Write(reader, file);
                    Describe(file, entry);
                    OpenFileAttributes.SetTimes(file, entry.Modified, entry.Modified);
                }
                break;
            case TarEntryType.Directory:
                var made = directory.TryMakeDirectory(name, NewDirectoryMode);
                if (made.Errno != Errno.EEXIST) made.Check("mkdir", path);
                using (var opened = directory.OpenDirectory(name)) Describe(opened, entry);
                laterTimes[System.Text.Encoding.Latin1.GetString(path)] = entry.Modified;
                break;
            case TarEntryType.HardLink:
                Link(directory, name, entry);
                break;
            case TarEntryType.SymbolicLink:
                directory.MakeSymbolicLink(name, entry.LinkName);
                Describe(directory, name, entry);
                break;
            default:
                directory.MakeNode(name, NodeType(entry), NewFileMode, entry.Device);
                Describe(directory, name, entry);
                break;
        }
    }

    private static FileType NodeType(TarEntry entry) => entry.Type switch
    {
        TarEntryType.CharacterDevice => FileType.CharacterDevice,
        TarEntryType.BlockDevice => FileType.BlockDevice,
        TarEntryType.Fifo => FileType.Fifo,
        _ => throw new InvalidArchiveException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"unhandled tar header type {(int)entry.Type}")),
    };

    /// <summary>Takes away what stands in an entry's place.</summary>
    private void MakeRoom(DirectoryFd directory, ReadOnlySpan<byte> name, ReadOnlySpan<byte> path, TarEntry entry)
    {
        var found = directory.TryStatus(name, out var status);
        if (found.Errno == Errno.ENOENT) return;
        found.Check("lstat", path);
        bool isDirectory = status.Type == FileType.Directory, wantsDirectory = entry.Type == TarEntryType.Directory;
        if (isDirectory && wantsDirectory) return;
        if (form.KeepKinds && isDirectory) throw new InvalidArchiveException($"cannot overwrite directory \"{FilePath.Printable(path)}\" with non-directory \"{targetPath}\"");
        if (form.KeepKinds && wantsDirectory) throw new InvalidArchiveException($"cannot overwrite non-directory \"{FilePath.Printable(path)}\" with directory \"{targetPath}\"");
        if (isDirectory) TreeRemoval.Remove(directory, name);
        else directory.TryRemoveFile(name).Check("unlinkat", path);
    }

    private (uint User, uint Group) OwnerOf(TarEntry entry)
    {
        var (user, group) = form.Owner ?? (entry.Owner, entry.Group);
        if (form.Ids is not { } ids) return (user, group);
        if (ids.UserOutside(user) is { } outerUser && ids.GroupOutside(group) is { } outerGroup) return (outerUser, outerGroup);
        throw new InvalidArchiveException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\"{entry.DisplayName}\" belongs to {user}:{group}, which does not exist in the container's user namespace"));
    }

    /// <summary>Everything that an entry says of a new file or directory, but its times.</summary>
    private void Describe(Fd file, TarEntry entry)
    {
        var (user, group) = OwnerOf(entry);
        OpenFileAttributes.ChangeOwner(file, user, group);
        foreach (var (name, value) in entry.Attributes)
        {
            if (!Overlay.IsPrivateAttribute(name)) CheckAttribute(ExtendedAttributes.TrySet(file, name, Outside(name, value)), name);
        }
        OpenFileAttributes.ChangeMode(file, entry.Permissions);
    }

    private void Describe(DirectoryFd directory, ReadOnlySpan<byte> name, TarEntry entry)
    {
        var (user, group) = OwnerOf(entry);
        directory.ChangeOwner(name, user, group);
        foreach (var (attribute, value) in entry.Attributes)
        {
            if (!Overlay.IsPrivateAttribute(attribute)) CheckAttribute(ExtendedAttributes.TrySet(directory, name, attribute, Outside(attribute, value)), attribute);
        }
        if (entry.Type != TarEntryType.SymbolicLink) directory.ChangeMode(name, entry.Permissions);
        directory.SetTimes(name, entry.Modified, entry.Modified);
    }

    private byte[] Outside(byte[] name, byte[] value) => form.Ids is { } ids && FileCapabilities.IsName(name) ? FileCapabilities.Outside(value, ids.RootUser) : value;

    private static void CheckAttribute(KernelResult result, ReadOnlySpan<byte> name)
    {
        // A file system without extended attributes, or without this kind of them, still holds the files.
        if (result.Errno != Errno.EOPNOTSUPP) result.Check("set attribute", name);
    }

    /// <summary>The first name is one of the archive's, and so below the directory that was asked for.</summary>
    private void Link(DirectoryFd directory, ReadOnlySpan<byte> name, TarEntry entry)
    {
        if (!EntryPath.TryClean(entry.LinkName, ref cleanLink, out int length) || length == 0)
            throw new InvalidArchiveException($"invalid hardlink target \"{FilePath.Printable(entry.LinkName)}\"");
        var first = cleanLink.AsSpan(0, length);
        var holder = linkCursor.Enter(EntryPath.Directory(first, out var firstName), create: false);
        directory.TryMakeHardLink(name, holder, firstName).Check("link", first);
    }

    /// <summary>Times of directories come last: writing into them changes them.</summary>
    private void SetTime(string key, FileTime modified)
    {
        byte[] path = System.Text.Encoding.Latin1.GetBytes(key);
        const ResolveFlags inside = ResolveFlags.Beneath | ResolveFlags.NoSymbolicLinks | ResolveFlags.NoMagicLinks;
        if (!target.TryResolveDirectory(path, inside, out var directory).Succeeded) return;   // it was replaced by a later entry
        using (directory) OpenFileAttributes.SetTimes(directory!, modified, modified);
    }

    public void Dispose()
    {
        cursor.Dispose();
        linkCursor.Dispose();
    }
}
