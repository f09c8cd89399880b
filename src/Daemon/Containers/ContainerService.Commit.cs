using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Containers;

/// <param name="Name">The container.</param>
/// <param name="Repository">Name for the image; empty for none.</param>
/// <param name="Pause">Freeze the container's processes meanwhile.</param>
/// <param name="Changes">Dockerfile instructions.</param>
/// <param name="Config">What the image's configuration begins with; the container's own when null.</param>
public sealed record CommitRequest(string Name, string Repository, string Tag, bool Pause, string Comment, string Author, IReadOnlyList<string> Changes, ContainerConfig? Config);

public sealed partial class ContainerService
{
    /// <summary>Makes an image of a container, running or not (golden 078).</summary>
    public async Task<IdResponse> CommitAsync(CommitRequest request, CancellationToken cancellation)
    {
        var container = store.Get(request.Name);
        var image = await CommitAsync(container, new ContainerCommit
        {
            Container = container.Record,
            Repository = request.Repository,
            Tag = request.Tag,
            Author = request.Author,
            Comment = request.Comment,
            Changes = request.Changes,
            Config = request.Config,
            Upper = RootOf(container.Id).Upper,
        }, request.Pause, cancellation).ConfigureAwait(false);
        return new IdResponse { Id = image.Id };
    }

    /// <summary>Makes an image of a container that has been built in: it does not run, and with <see cref="ContainerCommit.Take"/> it gives its files away, so that none is copied.</summary>
    /// <param name="commit">Its upper directory is filled in here, unless no layer is to be added.</param>
    /// <param name="addLayer">False for an image that differs in its configuration alone.</param>
    public Task<CommittedImage> CommitAsync(ContainerCommit commit, bool addLayer, CancellationToken cancellation)
    {
        var container = store.Get(commit.Container.Id);
        return CommitAsync(container, commit with { Upper = addLayer ? RootOf(container.Id).Upper : null }, pause: false, cancellation);
    }

    private async Task<CommittedImage> CommitAsync(Container container, ContainerCommit commit, bool pause, CancellationToken cancellation)
    {
        RefuseUnlessWhole(container);
        images.Verify(commit);
        CommittedImage image;
        await container.Operation.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            RefuseUnlessWhole(container);
            if (commit.Take && container.Status.Running) throw EngineException.Conflict($"container {container.Id} is running: its files cannot be taken");
            bool paused = pause && await TryPauseAsync(container, cancellation).ConfigureAwait(false);
            try
            {
                image = await images.CommitAsync(commit, cancellation).ConfigureAwait(false);
                if (commit.Upper is { } upper && !Directory.Exists(upper)) RootOf(container.Id).Create(images.LayersOf(container.Id), cancellation: cancellation);
            }
            finally
            {
                if (paused) await TryUnpauseAsync(container).ConfigureAwait(false);
            }
        }
        finally
        {
            container.Operation.Release();
        }
        if (!commit.IsBuildStep) Publish(container, "commit", ("comment", commit.Comment), ("imageID", image.Id), ("imageRef", image.Reference));
        return image;
    }

    private static void RefuseUnlessWhole(Container container)
    {
        if (container.Status.Dead) throw EngineException.Conflict($"You cannot commit container {container.Id} which is Dead");
        if (container.Status.Removing) throw EngineException.Conflict($"You cannot commit container {container.Id} which is being removed");
    }

    /// <summary>False when it does not run, is frozen already, or cannot be frozen: one that ends in this moment is not known to have ended yet.</summary>
    private async Task<bool> TryPauseAsync(Container container, CancellationToken cancellation)
    {
        if (container.Status is not { HasProcess: true, Paused: false }) return false;
        try
        {
            await SetPausedCoreAsync(container, true, cancellation).ConfigureAwait(false);
            return true;
        }
        catch (EngineException)
        {
            return false;
        }
    }

    private async Task TryUnpauseAsync(Container container)
    {
        try
        {
            await SetPausedCoreAsync(container, false, CancellationToken.None).ConfigureAwait(false);
        }
        catch (EngineException) when (container.Status is { Paused: false } or { Running: false })
        {
            // It was killed meanwhile, which thaws it.
        }
    }
}
