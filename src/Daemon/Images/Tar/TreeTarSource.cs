using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Streams;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;

namespace Gantry.Daemon.Images.Tar;

/// <summary>How a tree becomes an archive.</summary>
internal sealed record TreeTarForm
{
    /// <summary>What the root is called in the archive: nothing, <c>.</c>, <c>/</c> or a name. What it holds follows behind a slash.</summary>
    public byte[] Prefix { get; init; } = [];

    /// <summary>An entry for the root itself comes first.</summary>
    public bool IncludeRoot { get; init; }

    /// <summary>Enter what is mounted in the tree. Otherwise a mount point is an entry without content.</summary>
    public bool CrossFileSystems { get; init; }

    /// <summary>The tree is one layer in overlay's form: what it hides is written as a layer's archive says that (OCI image spec, "Whiteouts").</summary>
    public bool IsLayer { get; init; }

    /// <summary>The user namespace whose processes see the tree; null for this process's own.</summary>
    public IdMapping? Ids { get; init; }

    /// <summary>Told of the archive as it is made.</summary>
    public TarSplitWriter? Record { get; init; }
}

/// <summary>A tree's archive, made while it is read. What disappears meanwhile is left out; a file keeps the length that its entry has told.</summary>
/// <remarks>
/// Nothing is ever opened but regular files and directories, and no link is followed: a process that exchanges names while its files are
/// being read can neither lead the reading elsewhere nor have a device or a pipe opened.
/// </remarks>
internal sealed class TreeTarSource(DirectoryFd root, TreeTarForm form) : ByteSource
{
    private readonly byte[]? only;
    private readonly byte[] block = new byte[BlockPipe.BlockSize];
    private readonly TarEncoder encoder = new();
    private readonly TarEntry entry = new();
    private readonly Dictionary<(DeviceNumber FileSystem, ulong Inode), byte[]> linked = [];
    private TreeWalk? walk;
    private ReadOnlyMemory<byte> raw;
    private Fd? file;
    private long fileOffset, fileSize;
    private byte[]? opaque;
    private FileStatus opaqueDirectory;
    private int stage;

    /// <summary>An archive of one name alone, which is no directory.</summary>
    /// <param name="directory">The directory that holds it; it stays its owner's.</param>
    /// <param name="form">Its prefix is the entry's name.</param>
    public TreeTarSource(DirectoryFd directory, byte[] name, TreeTarForm form) : this(directory, form) => only = name;

    /// <summary>Sum of the sizes of all files, hard links once, symbolic links by their targets: as a layer's size is counted.</summary>
    public long Size { get; private set; }

    /// <remarks>Blocks come full, except the last.</remarks>
    protected override bool Next(out ReadOnlyMemory<byte> next)
    {
        int filled = 0;
        while (filled < block.Length)
        {
            if (!raw.IsEmpty)
            {
                int count = Math.Min(raw.Length, block.Length - filled);
                raw.Span[..count].CopyTo(block.AsSpan(filled));
                raw = raw[count..];
                filled += count;
            }
            else if (file is not null) filled += ReadFile(block.AsSpan(filled));
            else if (!Advance()) break;
        }
        next = block.AsMemory(0, filled);
        return filled > 0;
    }

    /// <summary>Prepares the next header. False when everything has been said.</summary>
    private bool Advance()
    {
        switch (stage)
        {
            case 0:
                if (only is not null)
                {
                    stage = 2;
                    if (root.TryStatus(only, out var status).Succeeded) Describe(root, only, default, status);
                    return true;
                }
                stage = 1;
                walk = new TreeWalk(root, form.CrossFileSystems, sorted: true);
                if (form.IncludeRoot) DescribeRoot();
                return true;
            case 1:
                if (opaque is not null) DescribeOpaque();
                else if (walk!.MoveNext()) Describe(walk.Directory, walk.Name, walk.Path, walk.Status);
                else stage = 2;
                return true;
            case 2:
                stage = 3;
                Emit(TarWriter.End);
                return true;
            default:
                return false;
        }
    }

    private void DescribeRoot()
    {
        var status = root.Status();
        entry.Reset();
        Fill(status, form.Prefix.AsSpan().EndsWith("/"u8) ? form.Prefix : [.. form.Prefix.Length == 0 ? "."u8 : form.Prefix, (byte)'/']);
        entry.Type = TarEntryType.Directory;
        AddAttributes(name => ExtendedAttributes.Get(root, name), ExtendedAttributes.List(root));
        Emit(encoder.Encode(entry));
        if (form.IsLayer) NoteOpaque(root, [], status);
    }

    /// <param name="path">From the root; empty for the only entry.</param>
    private void Describe(DirectoryFd directory, byte[] name, ReadOnlySpan<byte> path, in FileStatus status)
    {
        EntryPath.CheckLength(path);
        if (form.IsLayer && Overlay.IsWhiteout(directory, name, status))
        {
            DescribeWhiteout(status, Marked(path));
            return;
        }
        if (status.Type == FileType.Socket) return;   // no archive can hold one
        entry.Reset();
        if (status.Type == FileType.Regular)
        {
            if (TryLink(status, path)) return;
            OpenRegular(directory, name, path);
            return;
        }
        if (!TryDescribeOther(directory, name, status, path)) return;
        Emit(encoder.Encode(entry));
    }

    /// <summary>A further name of a file that has been written is a link to its first.</summary>
    private bool TryLink(in FileStatus status, ReadOnlySpan<byte> path)
    {
        if (status.Links < 2 || !linked.TryGetValue((status.FileSystem, status.Inode), out byte[]? first)) return false;
        Fill(status, Named(path, directory: false));
        entry.Type = TarEntryType.HardLink;
        entry.LinkName = first;
        Emit(encoder.Encode(entry));
        return true;
    }

    private void OpenRegular(DirectoryFd directory, byte[] entryName, ReadOnlySpan<byte> path)
    {
        var opened = directory.TryOpenRegular(entryName, out file, out var status);
        if (opened.Errno is Errno.ENOENT or Errno.ELOOP or Errno.EINVAL) return;   // it has gone, or become something else
        opened.Check("open", path);
        byte[] name = Named(path, directory: false);
        if (status.Links > 1) linked.TryAdd((status.FileSystem, status.Inode), name);
        Fill(status, name);
        entry.Type = TarEntryType.Regular;
        entry.Size = entry.StoredSize = status.Size;
        Size += status.Size;
        var opening = file!;
        AddAttributes(attribute => ExtendedAttributes.Get(opening, attribute), ExtendedAttributes.List(opening));
        Emit(encoder.Encode(entry));
        fileOffset = 0;
        fileSize = status.Size;
        if (fileSize > 0)
        {
            form.Record?.File(path, 0, fileSize);
            return;
        }
        file!.Dispose();
        file = null;
    }

    /// <summary>Directories, symbolic links, devices and fifos. False when it has gone.</summary>
    private bool TryDescribeOther(DirectoryFd directory, byte[] name, in FileStatus status, ReadOnlySpan<byte> path)
    {
        bool isDirectory = status.Type == FileType.Directory;
        Fill(status, Named(path, isDirectory));
        switch (status.Type)
        {
            case FileType.Directory: entry.Type = TarEntryType.Directory; break;
            case FileType.Fifo: entry.Type = TarEntryType.Fifo; break;
            case FileType.CharacterDevice: entry.Type = TarEntryType.CharacterDevice; entry.Device = status.Device; break;
            case FileType.BlockDevice: entry.Type = TarEntryType.BlockDevice; entry.Device = status.Device; break;
            case FileType.SymbolicLink:
                entry.Type = TarEntryType.SymbolicLink;
                var read = directory.TryReadLink(name, out byte[] target);
                if (read.Errno is Errno.ENOENT or Errno.EINVAL) return false;
                read.Check("readlink", path);
                entry.LinkName = target;
                Size += target.Length;
                break;
            default:
                return false;
        }
        try
        {
            AddAttributes(attribute => ExtendedAttributes.Get(directory, name, attribute), ExtendedAttributes.List(directory, name));
        }
        catch (KernelException e) when (e.Errno == Errno.ENOENT)
        {
            return false;
        }
        if (form.IsLayer && isDirectory && directory.TryOpenDirectory(name, out var opened).Succeeded)
        {
            using (opened) NoteOpaque(opened!, path, status);
        }
        return true;
    }

    private void NoteOpaque(DirectoryFd directory, ReadOnlySpan<byte> path, in FileStatus status)
    {
        if (!Overlay.IsOpaque(directory)) return;
        opaque = path.IsEmpty ? ".wh..wh..opq"u8.ToArray() : [.. path, .. "/.wh..wh..opq"u8];
        opaqueDirectory = status;
    }

    private void DescribeOpaque()
    {
        DescribeWhiteout(opaqueDirectory, opaque!);
        opaque = null;
    }

    private void DescribeWhiteout(in FileStatus status, byte[] marker)
    {
        entry.Reset();
        entry.Type = TarEntryType.Regular;
        entry.Name = Named(marker, directory: false);
        entry.Permissions = 0x180;
        entry.Modified = status.Modified;
        Emit(encoder.Encode(entry));
    }

    /// <summary><c>dir/name</c> → <c>dir/.wh.name</c>.</summary>
    private static byte[] Marked(ReadOnlySpan<byte> path)
    {
        int name = path.LastIndexOf((byte)'/') + 1;
        return [.. path[..name], .. ".wh."u8, .. path[name..]];
    }

    private byte[] Named(ReadOnlySpan<byte> path, bool directory)
    {
        ReadOnlySpan<byte> slash = "/"u8, none = default;
        bool separated = form.Prefix.Length > 0 && !path.IsEmpty && !form.Prefix.AsSpan().EndsWith(slash);
        return [.. form.Prefix, .. separated ? slash : none, .. path, .. directory ? slash : none];
    }

    private void Fill(in FileStatus status, byte[] name)
    {
        entry.Name = name;
        entry.Permissions = status.Permissions;
        entry.Owner = form.Ids?.UserInside(status.Owner) ?? status.Owner;
        entry.Group = form.Ids?.GroupInside(status.Group) ?? status.Group;
        entry.Modified = status.Modified;
    }

    private void AddAttributes(Func<string, byte[]?> valueOf, IReadOnlyList<string> names)
    {
        foreach (string name in names)
        {
            byte[] bytes = System.Text.Encoding.UTF8.GetBytes(name);
            if (Overlay.IsPrivateAttribute(bytes) || IsHostPolicy(name)) continue;
            if (valueOf(name) is not { } value) continue;
            entry.Attributes.Add((bytes, form.Ids is { } ids && FileCapabilities.IsName(bytes) ? FileCapabilities.Inside(value, ids.RootUser) : value));
        }
    }

    /// <summary>Labels of security modules are this host's business and mean nothing elsewhere.</summary>
    private static bool IsHostPolicy(string name) => name is "security.selinux" or "security.apparmor" or "security.SMACK64" or "security.evm";

    private void Emit(ReadOnlyMemory<byte> bytes)
    {
        raw = bytes;
        form.Record?.Raw(bytes.Span);
    }

    private int ReadFile(Span<byte> space)
    {
        if (space.Length > fileSize - fileOffset) space = space[..(int)(fileSize - fileOffset)];
        int read = FileData.Read(file!, space, fileOffset);
        if (read == 0)
        {
            space.Clear();   // it has been cut meanwhile
            read = space.Length;
        }
        fileOffset += read;
        if (fileOffset == fileSize)
        {
            file!.Dispose();
            file = null;
            Emit(TarWriter.Padding(fileSize));
        }
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        file?.Dispose();
        walk?.Dispose();
        base.Dispose(disposing);
    }
}
