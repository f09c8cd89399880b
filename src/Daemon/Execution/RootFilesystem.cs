using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Storage;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;
using Gantry.Linux.Processes;

namespace Gantry.Daemon.Execution;

/// <summary>The directories of a container's own files, and the root file system that is made of them and the image's layers.</summary>
/// <param name="Directory">The container's own directory: <c>…/containers/ID</c>.</param>
internal sealed record RootFilesystem(string Directory, StorageDriver Driver)
{
    private const MountAttributes ForReading = MountAttributes.ReadOnly | MountAttributes.NoDev | MountAttributes.NoSuid | MountAttributes.NoExec;

    /// <summary>An upper directory may become a layer of its own: it must not speak of other layers by name.</summary>
    private static readonly string[] Options = ["index=off", "redirect_dir=off", "metacopy=off"];

    /// <summary>What the container has written, in overlay's form; with <see cref="StorageDriver.Vfs"/> its whole root.</summary>
    public string Upper => Path.Combine(Directory, Driver == StorageDriver.Vfs ? "root" : "upper");

    public string Work => Path.Combine(Directory, "work");

    /// <summary>Makes the directories. The root of the writable layer gets owner and mode of the topmost layer's: overlay shows those.</summary>
    /// <param name="layers">Layer directories, topmost first; at least one.</param>
    /// <param name="limit">Told of the directories while they are empty.</param>
    /// <param name="cancellation">Without overlay all files are copied, which takes its time.</param>
    public void Create(IReadOnlyList<string> layers, Action<IEnumerable<string>>? limit = null, CancellationToken cancellation = default)
    {
        System.IO.Directory.CreateDirectory(Directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute);
        System.IO.Directory.CreateDirectory(Upper);
        if (Driver == StorageDriver.Vfs)
        {
            limit?.Invoke([Upper]);
            using var root = DirectoryFd.Open(Upper);
            MergedCopy.Copy(layers, root, cancellation);
            return;
        }
        System.IO.Directory.CreateDirectory(Work);
        limit?.Invoke([Upper, Work]);
        if (PathStatus.TryGet(layers[0]) is not { } top) return;
        using var upper = OpenFile.Open(Upper, OpenFlags.ReadOnly | OpenFlags.Directory);
        if ((top.Owner | top.Group) != 0) OpenFileAttributes.ChangeOwner(upper, top.Owner, top.Group);
        OpenFileAttributes.ChangeMode(upper, top.Permissions);
    }

    /// <summary>Mounts the root, attached nowhere.</summary>
    /// <param name="layers">The image's layer directories, topmost first.</param>
    /// <param name="owner">The user namespace for which owners are shifted; null shows them as they are on disk.</param>
    public DetachedMount Mount(IReadOnlyList<string> layers, UserNamespace? owner = null)
    {
        if (Driver == StorageDriver.Overlay2)
            return owner is null ? DetachedMount.Overlay(layers, Upper, Work, Options) : DetachedMount.Overlay(owner, layers, Directory, Path.GetFileName(Upper), Path.GetFileName(Work), Options);
        var clone = DetachedMount.Clone(Upper, recursive: false);
        if (owner is not null) clone.SetIdMap(owner.Handle, recursive: false, "shift the owners of a root file system");
        return clone;
    }

    /// <summary>Mounts the same for reading alone, beside the container's own mount if there is one. No device in it can be opened and no program run.</summary>
    public DetachedMount MountForReading(IReadOnlyList<string> layers)
    {
        if (Driver == StorageDriver.Overlay2) return DetachedMount.Overlay([Upper, .. layers], null, null, Options, ForReading);
        return ReadOnly(DetachedMount.Clone(Upper, recursive: false));
    }

    /// <summary>Another mount of a root that is about to be attached: without what will be mounted in it, and for reading alone.</summary>
    public static DetachedMount CloneForReading(DetachedMount root) => ReadOnly(root.ClonePart(root, "clone the root file system"));

    private static DetachedMount ReadOnly(DetachedMount mount)
    {
        mount.SetAttributes(ForReading, 0, MountPropagation.Private, recursive: false, "make a root file system read-only");
        return mount;
    }

    /// <summary>What the container has changed of the layers below.</summary>
    public List<LayerChange> Changes(IReadOnlyList<string> layers, CancellationToken cancellation)
    {
        using var upper = DirectoryFd.Open(Upper);
        using var below = MergedDirectory.Root(layers.Select(DirectoryFd.Open));
        return LayerChanges.Of(upper, below, cancellation, whole: Driver == StorageDriver.Vfs);
    }

    /// <summary>Bytes of files that the container has written.</summary>
    public long SizeOfChanges(Func<IReadOnlyList<string>> layers, CancellationToken cancellation)
    {
        using var upper = DirectoryFd.Open(Upper);
        if (Driver == StorageDriver.Overlay2) return DiskUsage.Of(upper, cancellation).ContentBytes;
        const ResolveFlags inside = ResolveFlags.Beneath | ResolveFlags.NoSymbolicLinks;
        long bytes = 0;
        foreach (var change in Changes(layers(), cancellation).Where(c => c.Kind != ChangeKind.Deleted))
        {
            if (!upper.TryResolve(change.Bytes[1..], OpenFlags.PathOnly | OpenFlags.NoFollow, 0, inside, out var file).Succeeded) continue;
            using (file)
            {
                var status = DirectoryFd.StatusOf(file!);
                if (status.Type == FileType.Regular) bytes += status.Size;
            }
        }
        return bytes;
    }
}
