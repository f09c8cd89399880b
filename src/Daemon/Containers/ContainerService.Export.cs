using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Streams;
using Gantry.Daemon.Images.Tar;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Containers;

public sealed partial class ContainerService
{
    /// <summary>What a container has changed of its image's files; null for nothing (golden 050).</summary>
    public async Task<List<ContainerChange>?> ChangesAsync(string reference, CancellationToken cancellation)
    {
        var container = store.Get(reference);
        var layers = images.LayersOf(container.Id);
        var changes = await Task.Run(() => RootOf(container.Id).Changes(layers, cancellation), cancellation).ConfigureAwait(false);
        return changes.Count == 0 ? null : changes.ConvertAll(c => new ContainerChange { Path = c.Path, Kind = (int)c.Kind });
    }

    /// <summary>Writes a container's root file system as an archive: its own files, without what is mounted in it.</summary>
    public async Task ExportAsync(Job job, string reference, CancellationToken cancellation)
    {
        var container = store.Get(reference);
        if (container.Status.Dead) throw EngineException.Conflict($"You cannot export container {container.Id} which is Dead");
        if (container.Status.Removing) throw EngineException.Conflict($"You cannot export container {container.Id} which is being removed");
        try
        {
            using var root = OpenFiles(container);
            using var archive = new TreeTarSource(root, new TreeTarForm());
            job.Output.ContentType = "application/octet-stream";
            await SendAsync(job, archive, cancellation).ConfigureAwait(false);
            RefuseIfRemoved(container);
        }
        catch (KernelException e) when (!job.Output.HasStarted)
        {
            throw EngineException.System($"{container.Id}: {e.Message}", e);
        }
        Publish(container, "export");
    }

    /// <summary>Its own view of the layers, for reading alone: kept since it was started, or made for this.</summary>
    private DirectoryFd OpenFiles(Container container)
    {
        lock (container.Gate)
        {
            if (container.Files is { } kept) return DirectoryFd.Open(kept);
        }
        using var mounted = RootOf(container.Id).MountForReading(images.LayersOf(container.Id));
        return DirectoryFd.Open(mounted);
    }

    /// <summary>To be called after the last byte: files that a removal has taken away meanwhile are missing, and the answer must not end as if it were whole.</summary>
    private void RefuseIfRemoved(Container container)
    {
        if (container.Status.Removing || store.Find(container.Id) is null) throw EngineException.Conflict($"container {container.Id} was removed while its files were in use");
    }

    /// <summary>Reads on threads that may block, and writes as fast as the client takes it.</summary>
    private static async Task SendAsync(Job job, ByteSource source, CancellationToken cancellation)
    {
        while (await Task.Run(source.Fill, cancellation).ConfigureAwait(false))
        {
            await job.Output.WriteAsync(source.Block, cancellation).ConfigureAwait(false);
            source.Consume(source.Block.Length);
        }
        await job.Output.FlushAsync(cancellation).ConfigureAwait(false);
    }
}
