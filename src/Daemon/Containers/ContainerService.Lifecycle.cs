using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Protocol.Containers;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Containers;

public sealed partial class ContainerService
{
    /// <summary>Answers at once with the head, so that a client knows that it waits, and with the body when it is time.</summary>
    public async Task WaitAsync(Job job, WaitRequest request, CancellationToken cancellation)
    {
        string condition = request.Condition;
        VerifyWaitCondition(condition);
        var container = store.Get(request.Name);
        var waiting = WaitAsync(container, condition, cancellation);   // begun before the client knows: it may start the container on that news
        if (job.Client.ApiVersion >= new Version(1, 30))
        {
            await job.Output.StartAsync(cancellation).ConfigureAwait(false);
            await job.Output.FlushAsync(cancellation).ConfigureAwait(false);
        }
        var response = await waiting.ConfigureAwait(false);
        byte[] body = [.. System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(response, Gantry.Protocol.Json.WireJson.TypeInfo<ContainerWaitResponse>()), (byte)'\n'];
        await job.Output.WriteAsync(body, cancellation).ConfigureAwait(false);
    }

    /// <summary>Waits for a container's end or removal (reference 4.13).</summary>
    public async Task<ContainerWaitResponse> WaitAsync(Container container, string condition, CancellationToken cancellation)
    {
        switch (condition)
        {
            case "" or "not-running":
                var ended = await container.WaitAsync(s => !s.HasProcess, cancellation).ConfigureAwait(false);
                return new ContainerWaitResponse { StatusCode = ended.ExitCode };
            case "next-exit":
                int exits = container.Exits;
                var next = await container.WaitAsync(_ => container.Exits > exits, cancellation).ConfigureAwait(false);
                return new ContainerWaitResponse { StatusCode = next.ExitCode };
            default:
                string? error = await container.Removed.Task.WaitAsync(cancellation).ConfigureAwait(false);
                return new ContainerWaitResponse { StatusCode = container.Status.ExitCode, Error = error is null ? null : new WaitError { Message = error } };
        }
    }

    public static void VerifyWaitCondition(string condition)
    {
        if (condition is not ("" or "not-running" or "next-exit" or "removed")) throw EngineException.InvalidParameter($"invalid condition: \"{condition}\"");
    }

    /// <summary>Gives a container another name (reference 5.2).</summary>
    public async Task RenameAsync(string reference, string newName, CancellationToken cancellation)
    {
        newName = newName.Trim();
        if (reference.Trim().Length == 0 || newName.TrimStart('/').Length == 0) throw EngineException.InvalidParameter("Neither old nor new names may be empty");
        var container = store.Get(reference);
        newName = ContainerNames.Check(newName, "Error when allocating new name: ", "/");
        await container.Operation.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            string old = container.Name;
            if (old == newName) throw EngineException.InvalidParameter("Renaming a container with the same name as its current name");
            try
            {
                store.Reserve(newName, container.Id);
            }
            catch (EngineException e) when (e.Kind == ErrorKind.Conflict)
            {
                throw EngineException.Conflict("Error when allocating new name: " + e.Message);
            }
            try
            {
                await store.SaveAsync(container, container.Record with { Name = newName }).ConfigureAwait(false);
            }
            catch
            {
                store.Release(newName, container.Id);
                throw;
            }
            store.Release(old, container.Id);
            networks.Rename(container.Id, newName);
            Publish(container, "rename", ("oldName", "/" + old));
        }
        finally
        {
            container.Operation.Release();
        }
    }

    /// <summary>Freezes every process of a container (reference 5.2).</summary>
    public Task PauseAsync(string reference, CancellationToken cancellation) => SetPausedAsync(reference, true, cancellation);

    public Task UnpauseAsync(string reference, CancellationToken cancellation) => SetPausedAsync(reference, false, cancellation);

    private async Task SetPausedAsync(string reference, bool paused, CancellationToken cancellation)
    {
        var container = store.Get(reference);
        await container.Operation.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await SetPausedCoreAsync(container, paused, cancellation).ConfigureAwait(false);
        }
        finally
        {
            container.Operation.Release();
        }
    }

    private static EngineException NotPaused(Container container) => EngineException.System($"Container {container.Id} is not paused");

    /// <summary>Called with the operation lock held.</summary>
    private async Task SetPausedCoreAsync(Container container, bool paused, CancellationToken cancellation)
    {
        try
        {
            var status = container.Status;
            if (!paused && !status.Running) throw NotPaused(container);
            if (!status.Running) throw EngineException.Conflict($"container {container.Id} is not running");
            if (status.Restarting) throw EngineException.Conflict($"Container {container.Id} is restarting, wait until the container is running");
            if (paused && status.Paused) throw EngineException.Conflict($"Container {container.Id} is already paused");
            if (!paused && !status.Paused) throw NotPaused(container);
            await RescuedAsync(container, cancellation).ConfigureAwait(false);
            var process = container.Process ?? throw EngineException.Conflict($"container {container.Id} is not running");
            await process.Supervisor.AskAsync(new Request { Pause = new PauseRequest { Container = container.Id, Paused = paused } }, [], CancellationToken.None).ConfigureAwait(false);   // to its end, whoever listens: it happens
            store.Update(container, s => s with { Paused = paused && s.Running });
            if (paused) StopHealth(container);
            else ResumeHealth(container);
            Publish(container, paused ? "pause" : "unpause");
        }
        catch (SupervisorFailure e)
        {
            throw EngineException.System($"cannot {(paused ? "pause" : "unpause")} container {container.Id}: {e.Message}", e);
        }
    }
}
