using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Layers;

/// <summary>Makes the read-only layer between an image and its containers: the names on which every container has something mounted.</summary>
/// <remarks>
/// As dockerd's init layer: a file or link of the image under one of these names is hidden by an empty file, a directory stays.
/// Directories on the way keep the mode, owner, attributes and times that the image gives them, because overlay shows the topmost ones.
/// </remarks>
internal static class InitLayer
{
    private const uint Mode = 0x1ed;   // rwxr-xr-x, files too, as in dockerd

    /// <summary>Path and kind: a directory, an empty file, or a symbolic link with this target.</summary>
    private static readonly (string[] Path, FileType Kind, string? Target)[] Names =
    [
        (["dev", "pts"], FileType.Directory, null),
        (["dev", "shm"], FileType.Directory, null),
        (["dev", "console"], FileType.Regular, null),
        (["proc"], FileType.Directory, null),
        (["sys"], FileType.Directory, null),
        (["etc", "hosts"], FileType.Regular, null),
        (["etc", "hostname"], FileType.Regular, null),
        (["etc", "resolv.conf"], FileType.Regular, null),
        (["etc", "mtab"], FileType.SymbolicLink, "/proc/mounts"),
        ([".dockerenv"], FileType.Regular, null),
    ];

    /// <summary>Fills an empty directory.</summary>
    /// <param name="target">The layer's root.</param>
    /// <param name="image">What the image's layers show.</param>
    public static void Build(DirectoryFd target, MergedDirectory image)
    {
        foreach (var group in Names.Where(n => n.Path.Length == 1)) Add(target, image, group.Path[0], group.Kind, group.Target);
        foreach (var group in Names.Where(n => n.Path.Length == 2).GroupBy(n => n.Path[0])) AddIn(target, image, group.Key, [.. group.Select(g => (g.Path[1], g.Kind, g.Target))]);
        if (image.Top is { } root) CopyAttributes(root, target);
        else OpenFileAttributes.ChangeMode(target, Mode);
    }

    private static void AddIn(DirectoryFd target, MergedDirectory image, string parent, IReadOnlyList<(string Name, FileType Kind, string? Target)> names)
    {
        image.Find(parent, out var merged);
        using var shown = merged ?? MergedDirectory.Root([]);
        using var directory = target.EnsureDirectory(parent, Mode);
        OpenFileAttributes.ChangeMode(directory, Mode);
        foreach (var (name, kind, link) in names) Add(directory, shown, name, kind, link);
        if (shown.Top is { } source) CopyAttributes(source, directory);
    }

    private static void Add(DirectoryFd target, MergedDirectory image, string name, FileType kind, string? link)
    {
        var shown = image.Find(name, out var existing);
        existing?.Dispose();
        if (shown?.Type == FileType.Directory) return;
        switch (kind)
        {
            case FileType.Directory:
                using (var made = target.EnsureDirectory(name, Mode)) OpenFileAttributes.ChangeMode(made, Mode);
                break;
            case FileType.Regular:
                using (var file = target.OpenFile(name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, Mode)) OpenFileAttributes.ChangeMode(file, Mode);
                break;
            default:
                target.MakeSymbolicLink(name, link!);
                break;
        }
    }

    private static void CopyAttributes(DirectoryFd source, DirectoryFd target)
    {
        var status = source.Status();
        OpenFileAttributes.ChangeOwner(target, status.Owner, status.Group);
        foreach (string attribute in ExtendedAttributes.List(source))
        {
            if (Overlay.IsPrivateAttribute(System.Text.Encoding.UTF8.GetBytes(attribute)) || ExtendedAttributes.Get(source, attribute) is not { } value) continue;
            var copied = ExtendedAttributes.TrySet(target, attribute, value);
            if (copied.Errno != Errno.EOPNOTSUPP) copied.Check("set attribute", attribute);
        }
        OpenFileAttributes.ChangeMode(target, status.Permissions);
        OpenFileAttributes.SetTimes(target, status.Accessed, status.Modified);
    }
}
