using System.Text;
using Gantry.Daemon.Images.Layers;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Builds.Copying;

/// <summary>Who shall own what is copied, and with which mode.</summary>
/// <param name="Owner">Null keeps the owner.</param>
/// <param name="Mode">Null keeps the mode.</param>
internal sealed record CopyAttributes((uint User, uint Group)? Owner, uint? Mode)
{
    /// <summary>As in dockerd the owner comes last, so that it takes set-id bits and capabilities away: they were meant for another owner.</summary>
    public void Apply(Fd file)
    {
        if (Owner is { } owner) OpenFileAttributes.ChangeOwner(file, owner.User, owner.Group);
        if (Mode is { } mode) OpenFileAttributes.ChangeMode(file, mode);
    }

    public void Apply(DirectoryFd directory, FilePath name, FileType type)
    {
        if (Owner is { } owner) directory.ChangeOwner(name, owner.User, owner.Group);
        if (Mode is { } mode && type != FileType.SymbolicLink) directory.ChangeMode(name, mode);
    }
}

/// <summary>Copies files and directories onto a tree that is there already: directories are joined, anything else is replaced.</summary>
internal sealed class TreeGraft(CopyAttributes attributes, Func<string, bool>? leavesOut, CancellationToken cancellation) : IDisposable
{
    private const uint PrivateFile = 0x180, PrivateDirectory = 0x1c0;

    /// <summary>Directories below each other: no path that a system call takes has more.</summary>
    private const int MaxDepth = 2048;

    private readonly Dictionary<ulong, (DirectoryFd Directory, byte[] Name)> linked = [];

    /// <summary>Copies what a directory holds.</summary>
    public void CopyContent(DirectoryFd source, DirectoryFd target) => CopyContent(source, target, "", 0);

    private void CopyContent(DirectoryFd source, DirectoryFd target, string path, int depth)
    {
        if (depth > MaxDepth) throw new KernelException("copy a tree of more than 2048 levels", Errno.ENAMETOOLONG);
        var fileSystem = source.Status().FileSystem;
        var names = new List<byte[]>();
        using (var reader = new DirectoryReader(source))
        {
            while (reader.MoveNext()) names.Add(reader.Name.ToArray());
        }
        foreach (byte[] name in names)
        {
            cancellation.ThrowIfCancellationRequested();
            string entryPath = leavesOut is null ? "" : path.Length == 0 ? Encoding.UTF8.GetString(name) : $"{path}/{Encoding.UTF8.GetString(name)}";
            if (leavesOut?.Invoke(entryPath) == true) continue;
            var status = source.Status(name);
            if (status.Type == FileType.Socket) continue;
            if (status.Type == FileType.Directory) CopyDirectory(source, target, name, entryPath, depth);
            else CopyEntry(source, name, target, name, status);
        }
    }

    private void CopyDirectory(DirectoryFd source, DirectoryFd target, byte[] name, string path, int depth)
    {
        MakeRoom(target, name, forDirectory: true);
        using var from = source.OpenDirectory(name);
        using var to = target.EnsureDirectory(name, PrivateDirectory);
        CopyContent(from, to, path, depth + 1);
        Describe(from, to, from.Status());
        attributes.Apply(to);
    }

    /// <summary>Copies one file that is no directory.</summary>
    public void CopyEntry(DirectoryFd source, FilePath name, DirectoryFd target, FilePath newName, in FileStatus status)
    {
        MakeRoom(target, newName, forDirectory: false);
        if (status.Links > 1 && linked.TryGetValue(status.Inode, out var first))
        {
            target.MakeHardLink(newName, first.Directory, first.Name);
            return;
        }
        if (status.Type == FileType.Regular) CopyFile(source, name, target, newName);
        else CopyNode(source, name, target, newName, status);
        attributes.Apply(target, newName, status.Type);
        if (status.Links > 1) linked[status.Inode] = (target.DuplicateDirectory(), Encoding.UTF8.GetBytes(newName.ToString()));
    }

    private static void CopyFile(DirectoryFd source, FilePath name, DirectoryFd target, FilePath newName)
    {
        source.TryOpenRegular(name, out var from, out var status).Check("open", name);
        using (from)
        using (var to = target.OpenFile(newName, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, PrivateFile))
        {
            FileCopy.CopySparse(from!, to, status.Size);
            Describe(from!, to, status);
        }
    }

    private static void CopyNode(DirectoryFd source, FilePath name, DirectoryFd target, FilePath newName, in FileStatus status)
    {
        if (status.Type == FileType.SymbolicLink) target.MakeSymbolicLink(newName, source.ReadLink(name));
        else target.MakeNode(newName, status.Type, status.Permissions, status.Device);
        target.ChangeOwner(newName, status.Owner, status.Group);
        if (status.Type != FileType.SymbolicLink) target.ChangeMode(newName, status.Permissions);
        target.SetTimes(newName, status.Modified, status.Modified);
    }

    private static void Describe(Fd source, Fd target, in FileStatus status)
    {
        OpenFileAttributes.ChangeOwner(target, status.Owner, status.Group);
        foreach (string attribute in ExtendedAttributes.List(source))
        {
            if (Overlay.IsPrivateAttribute(Encoding.UTF8.GetBytes(attribute)) || attribute is "security.selinux") continue;
            if (ExtendedAttributes.Get(source, attribute) is not { } value) continue;
            var set = ExtendedAttributes.TrySet(target, attribute, value);
            if (set.Errno != Errno.EOPNOTSUPP) set.Check("set attribute", attribute);
        }
        OpenFileAttributes.ChangeMode(target, status.Permissions);
        OpenFileAttributes.SetTimes(target, status.Modified, status.Modified);
    }

    private static void MakeRoom(DirectoryFd target, FilePath name, bool forDirectory)
    {
        var found = target.TryStatus(name, out var there);
        if (found.Errno == Errno.ENOENT) return;
        found.Check("stat", name);
        if (there.Type != FileType.Directory || !forDirectory) TreeRemoval.Remove(target, name);
    }

    public void Dispose()
    {
        foreach (var (directory, _) in linked.Values) directory.Dispose();
        linked.Clear();
    }
}
