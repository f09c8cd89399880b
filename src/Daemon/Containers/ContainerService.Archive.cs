using System.Globalization;
using System.Text;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Daemon.Images;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Streams;
using Gantry.Daemon.Images.Tar;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Containers;

/// <param name="Path">A path in the container; a trailing <c>/.</c> means a directory's content.</param>
public sealed record ArchiveRequest(string Name, string Path);

/// <param name="Path">A directory in the container.</param>
/// <param name="KeepKinds">Refuse to put a file in a directory's place, or a directory in a file's.</param>
/// <param name="OwnByUser">Everything is to belong to the user that the container runs as; otherwise to whom the archive says.</param>
public sealed record ExtractRequest(string Name, string Path, bool KeepKinds, bool OwnByUser);

public sealed partial class ContainerService
{
    private const string PathStatHeader = "X-Docker-Container-Path-Stat";

    /// <summary>Describes a path in a header, and that is all (golden 063).</summary>
    public async Task DescribePathAsync(Job job, ArchiveRequest request, CancellationToken cancellation)
    {
        var container = store.Get(request.Name);
        await WithTreeAsync(container, tree => Task.Run(() =>
        {
            var path = RequirePath(request.Path);
            using var file = OpenPath(tree, path, request);
            job.Output.Headers[PathStatHeader] = Header(Describe(tree, path, file));
        }, cancellation), cancellation).ConfigureAwait(false);
    }

    /// <summary>Writes what a path leads to as an archive; of a link at the end, the link itself.</summary>
    public async Task ReadArchiveAsync(Job job, ArchiveRequest request, CancellationToken cancellation)
    {
        var container = store.Get(request.Name);
        var path = RequirePath(request.Path);
        await WithTreeAsync(container, async tree =>
        {
            using var file = OpenPath(tree, path, request);
            var status = DirectoryFd.StatusOf(file);
            job.Output.Headers[PathStatHeader] = Header(Describe(tree, path, file));
            job.Output.ContentType = "application/x-tar";
            byte[] name = Encoding.UTF8.GetBytes(path.Name);
            var form = new TreeTarForm { Prefix = name, IncludeRoot = true, CrossFileSystems = true, Ids = tree.Ids };
            using var directory = status.Type == FileType.Directory ? DirectoryFd.Open(file) : tree.Root.ResolveDirectory(path.Parent);
            using var archive = status.Type == FileType.Directory ? new TreeTarSource(directory, form) : new TreeTarSource(directory, name, form);
            await SendAsync(job, archive, cancellation).ConfigureAwait(false);
        }, cancellation).ConfigureAwait(false);
        Publish(container, "archive-path");
    }

    /// <summary>Writes an archive into a directory.</summary>
    public async Task ExtractArchiveAsync(Job job, ExtractRequest request, CancellationToken cancellation)
    {
        var container = store.Get(request.Name);
        var path = RequirePath(request.Path);
        await WithTreeAsync(container, async tree =>
        {
            var (target, targetPath) = OpenTarget(tree, path, request, container.Record);
            using (target)
            {
                (uint, uint)? owner = null;
                if (request.OwnByUser && container.Record.Config.User.Length > 0)
                {
                    var user = UserLookup.Resolve(tree.Root, container.Record.Config.User, null);
                    owner = (user.Uid, user.Gid);
                }
                using var extraction = new TreeExtraction(target, targetPath, new TreeExtractionForm { KeepKinds = request.KeepKinds, Owner = owner, Ids = tree.Ids, Limits = UnpackLimits.Default });
                await StreamPump.RunAsync(job.Input, (source, stop) =>
                {
                    extraction.Run(source, stop);
                    return Task.CompletedTask;
                }, null, cancellation).ConfigureAwait(false);
            }
        }, cancellation).ConfigureAwait(false);
        Publish(container, "extract-to-dir");
    }

    /// <summary>Gives the container's files to some work: as its processes see them, or as they would. One that does not run is kept from starting meanwhile.</summary>
    private async Task WithTreeAsync(Container container, Func<ContainerTree, Task> work, CancellationToken cancellation)
    {
        try
        {
            if (TryOpenRunning(container) is { } live)
            {
                using (live) await work(live).ConfigureAwait(false);
                RefuseIfRemoved(container);
                return;
            }
            await container.Operation.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                if (container.Status.Dead || container.Status.Removing) throw EngineException.Conflict($"container {container.Id} is marked for removal");
                using var tree = TryOpenRunning(container) ?? await Task.Run(() => Assemble(container.Record), cancellation).ConfigureAwait(false);
                await work(tree).ConfigureAwait(false);
            }
            finally
            {
                container.Operation.Release();
            }
        }
        catch (Exception e) when (e is KernelException or InvalidArchiveException)
        {
            throw EngineException.System(e.Message, e);
        }
    }

    private static ContainerTree? TryOpenRunning(Container container)
    {
        lock (container.Gate)
        {
            return container.Status.HasProcess && container.Process is { } process ? ContainerTree.OfProcess(process.Process) : null;
        }
    }

    private ContainerTree Assemble(ContainerRecord record)
    {
        string directory = DirectoryOf(record.Id);
        var mounts = specs.OpenMounts(record, directory);
        try
        {
            return ContainerTree.Assemble(RootOf(record.Id).Mount(images.LayersOf(record.Id)), mounts);
        }
        catch
        {
            foreach (var (source, _, _) in mounts) source.Dispose();
            throw;
        }
    }

    private static ArchivePath RequirePath(string path) => path.Length > 0 ? ArchivePath.Parse(path) : throw EngineException.InvalidParameter("bad parameter: path cannot be empty");

    /// <summary>A handle of what a path leads to: a link at the end is not followed, unless the path says that a directory is meant.</summary>
    private static Fd OpenPath(ContainerTree tree, ArchivePath path, ArchiveRequest request)
    {
        var flags = path.MeansDirectory ? OpenFlags.PathOnly | OpenFlags.Directory : OpenFlags.PathOnly | OpenFlags.NoFollow;
        var opened = tree.Root.TryResolve(Relative(path.Clean), flags, 0, ResolveFlags.InRoot | ResolveFlags.NoMagicLinks, out var file);
        if (opened.Errno == Errno.ENOENT) throw NoSuchPath(request.Path, request.Name);
        if (!opened.Succeeded) throw EngineException.System($"lstat {path}: {opened.Errno.Describe()}");
        return file!;
    }

    private static string Relative(string path) => path == "/" ? "." : path[1..];

    private static EngineException NoSuchPath(string path, string container) => EngineException.NotFound($"Could not find the file {path} in container {container}");

    /// <summary>The directory to write into, all links followed.</summary>
    private static (DirectoryFd Directory, string Path) OpenTarget(ContainerTree tree, ArchivePath path, ExtractRequest request, ContainerRecord record)
    {
        var opened = tree.Root.TryResolve(Relative(path.Clean), OpenFlags.PathOnly, 0, ResolveFlags.InRoot | ResolveFlags.NoMagicLinks, out var handle);
        if (opened.Errno == Errno.ENOENT) throw NoSuchPath(request.Path, request.Name);
        if (!opened.Succeeded) throw EngineException.System($"lstat {path}: {opened.Errno.Describe()}");
        using (handle)
        {
            var status = DirectoryFd.StatusOf(handle!);
            if (status.Type != FileType.Directory) throw EngineException.InvalidParameter("extraction point is not a directory");
            bool inMount = status.Mount != tree.Root.Status().Mount;
            if (!inMount && record.HostConfig.ReadonlyRootfs) throw EngineException.InvalidParameter("container rootfs is marked read-only");
            if (inMount && FileData.IsOnReadOnlyMount(handle!)) throw EngineException.InvalidParameter("mounted volume is marked read-only");
            return (DirectoryFd.Open(handle!), RootedPath.Follow(tree.Root, path.Clean));
        }
    }

    private static PathStat Describe(ContainerTree tree, ArchivePath path, Fd file)
    {
        var status = DirectoryFd.StatusOf(file);
        return new PathStat
        {
            Name = path.Name,
            Size = status.Size,
            Mode = GoMode(status),
            Mtime = Time(status.Modified),
            LinkTarget = status.Type == FileType.SymbolicLink ? RootedPath.Follow(tree.Root, path.Clean) : "",
        };
    }

    private static string Header(PathStat stat) => Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(stat, WireJson.TypeInfo<PathStat>()));

    /// <summary>RFC 3339 with all nanoseconds that there are.</summary>
    private static string Time(FileTime time)
    {
        var whole = DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(time.Seconds, -62135596800, 253402300799)).UtcDateTime;
        string fraction = time.Nanoseconds == 0 ? "" : "." + time.Nanoseconds.ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0');
        return whole.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture) + fraction + "Z";
    }

    /// <summary>Go's <c>fs.FileMode</c> (reference 4.12).</summary>
    private static uint GoMode(in FileStatus status)
    {
        uint mode = status.Permissions & 0x1ff;
        mode |= status.Type switch
        {
            FileType.Directory => 1u << 31,
            FileType.SymbolicLink => 1u << 27,
            FileType.BlockDevice => 1u << 26,
            FileType.CharacterDevice => 1u << 26 | 1u << 21,
            FileType.Fifo => 1u << 25,
            FileType.Socket => 1u << 24,
            _ => 0,
        };
        if ((status.Permissions & ModeBits.SetUser) != 0) mode |= 1u << 23;
        if ((status.Permissions & ModeBits.SetGroup) != 0) mode |= 1u << 22;
        if ((status.Permissions & ModeBits.Sticky) != 0) mode |= 1u << 20;
        return mode;
    }
}
