using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Linux.Files;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Containers;

/// <param name="Volumes">Also anonymous volumes that only this container uses.</param>
/// <param name="Link">The name is a link's (<c>parent/alias</c>), and only that is removed.</param>
public sealed record RemoveRequest(string Name, bool Force, bool Volumes, bool Link);

public sealed partial class ContainerService
{
    /// <summary>Removes a container (reference 5.2). It is gone from the database before its files go: a crash in between leaves files that the next start removes.</summary>
    public async Task RemoveAsync(RemoveRequest request, CancellationToken cancellation)
    {
        if (request.Link)
        {
            await RemoveLinkAsync(request.Name).ConfigureAwait(false);
            return;
        }
        var container = store.Get(request.Name);
        RefuseUnlessRemovable(container, request);
        await container.Operation.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (store.Find(container.Id) is null) throw EngineException.NotFound($"No such container: {request.Name}");
            RefuseUnlessRemovable(container, request);
            SetRemoving(container, true);
            try
            {
                await RemoveCoreAsync(container, request).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                SetRemoving(container, false);
                container.Removed.TrySetResult(e.Message);
                throw;
            }
        }
        finally
        {
            container.Operation.Release();
        }
    }

    private static void RefuseUnlessRemovable(Container container, RemoveRequest request)
    {
        var status = container.Status;
        if (status.Removing) throw EngineException.Conflict($"removal of container {request.Name} is already in progress");
        if (!status.Running || request.Force) return;
        throw EngineException.Conflict(status.Paused
            ? $"cannot remove container \"{request.Name}\": container is paused and must be unpaused first"
            : $"cannot remove container \"{request.Name}\": container is {status.Name}: stop the container before removing or force remove");
    }

    private static void SetRemoving(Container container, bool removing)
    {
        lock (container.Gate) container.Set(container.Status with { Removing = removing });   // in memory only
    }

    private async Task RemoveCoreAsync(Container container, RemoveRequest request)
    {
        if (container.Status.Running)
        {
            MarkStopped(container);
            container.KeepOnExit = true;   // this removal does it
            try
            {
                if (!await EndWaitForRestartAsync(container).ConfigureAwait(false)) await KillAndWaitAsync(container).ConfigureAwait(false);
            }
            catch (EngineException e) when (e.Kind == ErrorKind.Conflict && !container.Status.HasProcess)
            {
                // It has ended by itself just now.
            }
        }
        DropPendingClients(container);
        await store.RemoveAsync(container, change => images.UnpinAsync(container.Id, change)).ConfigureAwait(false);
        foreach (var mount in container.Record.Mounts.Where(m => m.Type == "image")) await images.UnpinAsync(ImageMountOwner(container.Id, mount), _ => { }).ConfigureAwait(false);
        DeleteFiles(container.Id);
        Publish(container, "destroy");
        container.Removed.TrySetResult(null);
        container.Wake();
        if (request.Volumes) await RemoveAnonymousVolumesAsync(container.Record).ConfigureAwait(false);
    }

    private async Task RemoveAnonymousVolumesAsync(ContainerRecord record)
    {
        foreach (var mount in record.Mounts)
        {
            if (mount is { Type: "volume", Anonymous: true, Name: { } name }) await volumes.TryRemoveAsync(name).ConfigureAwait(false);
        }
    }

    /// <summary>Takes the container's directory out of the way at once, and its contents soon.</summary>
    private void DeleteFiles(string id)
    {
        string directory = DirectoryOf(id), doomed = Path.Combine(settings.DataRoot, "containers", "removed-" + id);
        try
        {
            Directory.Move(directory, doomed);
        }
        catch (DirectoryNotFoundException)
        {
            return;
        }
        background.Run($"deletion of {doomed}", _ =>
        {
            using var containers = DirectoryFd.Open(Path.GetDirectoryName(doomed)!);
            TreeRemoval.Remove(containers, Path.GetFileName(doomed));
            return Task.CompletedTask;
        });
    }

    /// <summary>Removes every container that does not run, as far as the filters say (reference 4.5).</summary>
    public async Task<ContainersPruneResponse> PruneAsync(PruneFilter filter, CancellationToken cancellation)
    {
        if (!await pruning.WaitAsync(0, cancellation).ConfigureAwait(false)) throw EngineException.Conflict("a prune operation is already running");
        try
        {
            var response = new ContainersPruneResponse();
            foreach (var container in store.All)
            {
                cancellation.ThrowIfCancellationRequested();
                if (container.Status.Running || !filter.Matches(container)) continue;
                long size = await SizeOfWritableLayerAsync(container.Record, cancellation).ConfigureAwait(false);
                try
                {
                    await RemoveAsync(new RemoveRequest(container.Id, Force: false, Volumes: false, Link: false), cancellation).ConfigureAwait(false);
                }
                catch (EngineException)
                {
                    continue;   // it was started or removed in the meantime
                }
                (response.ContainersDeleted ??= []).Add(container.Id);
                response.SpaceReclaimed += size;
            }
            return response;
        }
        finally
        {
            pruning.Release();
        }
    }

    private readonly SemaphoreSlim pruning = new(1, 1);

    /// <summary>Bytes of files that the container has written.</summary>
    private Task<long> SizeOfWritableLayerAsync(ContainerRecord record, CancellationToken cancellation) =>
        Task.Run(() => RootOf(record.Id).SizeOfChanges(() => images.LayersOf(record.Id), cancellation), cancellation);
}
