using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;
using Gantry.Linux.Processes;

namespace Gantry.Daemon.Execution;

/// <summary>A container's files with everything that is mounted among them, by descriptor. Nobody has to enter the container, and no code of it runs.</summary>
internal sealed class ContainerTree : IDisposable
{
    private readonly MountTree? assembled;

    private ContainerTree(DirectoryFd root, MountTree? assembled, IdMapping? ids = null)
    {
        Root = root;
        Ids = ids;
        this.assembled = assembled;
    }

    /// <summary>The root. Lookups that must stay below it take it as their root (<see cref="DirectoryFd.Resolve"/>).</summary>
    public DirectoryFd Root { get; }

    /// <summary>The user namespace of the container's processes: owners are shifted. Null when owners are what the container says they are.</summary>
    public IdMapping? Ids { get; }

    /// <summary>What the processes of a running container see; null when it ends in this moment.</summary>
    public static ContainerTree? OfProcess(PidFd process)
    {
        nint opened = OpenFile.TryOpen($"/proc/{process.Pid}/root", OpenFlags.PathOnly | OpenFlags.Directory);
        if (opened == -(int)Errno.ENOENT || opened == -(int)Errno.ESRCH) return null;
        using var handle = new Fd((int)Syscall.Check(opened, $"open the root of process {process.Pid}"));
        IdMapping? ids;
        try
        {
            ids = IdMapping.Of(process.Pid);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        const int nothing = 0;
        if (!process.Signal(nothing)) return null;   // the number may have been another process's already
        return new ContainerTree(DirectoryFd.Open(handle), null, ids);
    }

    /// <summary>What the processes of a container would see that does not run: its volumes are where they belong.</summary>
    /// <param name="root">Mounted nowhere; disposed here.</param>
    /// <param name="mounts">Sources, disposed here, and their places.</param>
    public static ContainerTree Assemble(DetachedMount root, IReadOnlyList<(Fd Source, string Target, bool IsDirectory)> mounts)
    {
        using (root)
        {
            try
            {
                foreach (var (_, target, isDirectory) in mounts) MakePlace(root, target, isDirectory);
                var tree = MountTree.Assemble(root, [.. mounts.Select(m => (m.Source, m.Target))]);
                return new ContainerTree(tree.Root, tree);
            }
            finally
            {
                foreach (var (source, _, _) in mounts) source.Dispose();
            }
        }
    }

    /// <summary>Makes a mount point that the container's first start would make. Within other mounts nothing is made.</summary>
    private static void MakePlace(DetachedMount mount, string target, bool isDirectory)
    {
        using var root = DirectoryFd.Open(mount);
        string[] parts = RootedPath.Follow(root, target).Split('/', StringSplitOptions.RemoveEmptyEntries);
        var directory = root.DuplicateDirectory();
        try
        {
            for (int i = 0; i < parts.Length; i++)
            {
                if (i == parts.Length - 1 && !isDirectory)
                {
                    if (directory.TryOpenFile(parts[i], OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, 0x1ed, out var file).Succeeded) file!.Dispose();
                    return;
                }
                var made = directory.TryMakeDirectory(parts[i], 0x1ed);
                if (!made.Succeeded && made.Errno != Errno.EEXIST) return;   // a read-only file system, or a file in the way: mounting says so
                if (!directory.TryOpenDirectory(parts[i], out var next).Succeeded) return;
                directory.Dispose();
                directory = next!;
            }
        }
        finally
        {
            directory.Dispose();
        }
    }

    public void Dispose()
    {
        Root.Dispose();
        assembled?.Dispose();
    }
}
