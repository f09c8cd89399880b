using System.Globalization;
using Gantry.Daemon.Execution;
using Gantry.Protocol.Json;
using Gantry.Supervisor.Protocol;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Containers;

public sealed partial class ContainerService
{
    /// <summary>On the connection's thread: what takes time goes to the background.</summary>
    private void OnNotice(SupervisorConnection supervisor, Reply notice)
    {
        if (notice.Exit is { Exec: null } exit) background.Run($"exit of {exit.Container}", _ => OnExitNoticeAsync(supervisor, exit));
        else if (notice.Exit is { Exec: { } exec } ended)
        {
            OnExecExit(ended);
            background.Run($"exit of exec {exec}", _ => ForgetAsync(supervisor, ended.Container, exec));
        }
        else if (notice.OutOfMemory is { } id && store.Find(id) is { } container) OnOutOfMemory(container);
        else if (notice.ExecStdinClosed is { } input)
        {
            if (execs.TryGetValue(input, out var instance)) instance.CloseStdin();
        }
        else if (notice.StdinClosed is { } closed && store.Find(closed) is { } which) background.Run($"stdin of {closed}", _ => OnStdinClosedAsync(which));
    }

    /// <summary>Waits until the process that a notice is about is this container's: a supervisor may tell of it before its answer to the start, or to the rescue, has been dealt with.</summary>
    private static async Task KnownAsync(Container container)
    {
        if (container.Starting is { } starting) await starting.Task.ConfigureAwait(false);
        await RescuedAsync(container, CancellationToken.None).ConfigureAwait(false);
    }

    private static async Task OnStdinClosedAsync(Container container)
    {
        await KnownAsync(container).ConfigureAwait(false);
        lock (container.Gate) container.Process?.CloseStdin();
    }

    private async Task OnExitNoticeAsync(SupervisorConnection supervisor, ExitNotice exit)
    {
        if (store.Find(exit.Container) is { } container) await KnownAsync(container).ConfigureAwait(false);
        await OnExitAsync(supervisor, exit).ConfigureAwait(false);
    }

    private void OnOutOfMemory(Container container)
    {
        bool first = false;
        store.Update(container, s =>
        {
            first = !s.OutOfMemory;
            return s with { OutOfMemory = true };
        });
        if (first) Publish(container, "oom");
    }

    /// <summary>A container's first process has ended (reference B21). The order of events is dockerd's: disconnect, unmount, die.</summary>
    /// <param name="supervisor">Who has told it, and waits to be told to forget it; null when nobody does.</param>
    private async Task OnExitAsync(SupervisorConnection? supervisor, ExitNotice exit)
    {
        if (store.Find(exit.Container) is not { } container)
        {
            await ForgetAsync(supervisor, exit.Container).ConfigureAwait(false);
            return;
        }
        await restored.Task.ConfigureAwait(false);
        if (!TryTakeExit(container)) return;   // told twice: once live, once from the list
        if (exit.OutOfMemory) OnOutOfMemory(container);

        var before = container.Status;
        try
        {
            EndSessions(container.Sessions);
            StopHealth(container);
            await networks.ReleaseSandboxAsync(container.Id).ConfigureAwait(false);
            PublishVolumes(container, "unmount");
        }
        catch (Exception e)
        {
            LogNotTidied(log, container.Id, e);   // whatever fails: that it has ended is recorded
        }
        var finished = WireTime.FromUnixNanoseconds(exit.ExitedAt);
        var ran = before.StartedAt is { } start ? finished - start : TimeSpan.Zero;
        TimeSpan? again;
        lock (container.Gate)
        {
            again = IsStopping ? null : container.Pacing.Next(container.Record.HostConfig.RestartPolicy, exit.ExitCode, ran, before.StoppedByUser);
            container.Process?.Dispose();
            container.Process = null;
            container.Files?.Dispose();
            container.Files = null;
        }
        store.Update(container, s =>
        {
            container.Ending = false;
            return s with
            {
                Running = again is not null, Restarting = again is not null, Paused = false, Pid = 0, ExitCode = exit.ExitCode, FinishedAt = finished,
                Network = null, RestartCount = container.Pacing.Count,
            };
        }, exited: true);
        TellStops(container);
        Publish(container, "die", ("exitCode", exit.ExitCode.ToString(CultureInfo.InvariantCulture)), ("execDuration", ((long)ran.TotalSeconds).ToString(CultureInfo.InvariantCulture)));
        bool remove = again is null && container.Record.HostConfig.AutoRemove && !container.KeepOnExit;
        container.Wake();

        if (again is { } wait) background.Run($"restart of {container.Record.ShortId}", stop => RestartAfterAsync(container, wait, stop));
        else if (remove) await RemoveAfterExitAsync(container).ConfigureAwait(false);
        await store.FlushAsync().ConfigureAwait(false);
        await ForgetAsync(supervisor, exit.Container).ConfigureAwait(false);
    }

    /// <summary>False when this end has been dealt with, or is just now.</summary>
    private static bool TryTakeExit(Container container)
    {
        lock (container.Gate)
        {
            if (!container.Status.HasProcess || container.Ending) return false;
            container.Ending = true;
            container.Process?.SetExited();
            return true;
        }
    }

    /// <summary>The supervisor may drop what it kept for us: the database has it.</summary>
    private static async Task ForgetAsync(SupervisorConnection? supervisor, string id, string? exec = null)
    {
        if (supervisor is null) return;
        try
        {
            await supervisor.AskAsync(new Request { Forget = new ProcessRequest { Container = id, Exec = exec } }, []).ConfigureAwait(false);
        }
        catch (Engine.EngineException)
        {
            // It has ended; what it kept went with it.
        }
    }

    private async Task RestartAfterAsync(Container container, TimeSpan wait, CancellationToken stop)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stop);
        lock (container.Gate)
        {
            if (container.Pacing.Cancelled) waiting.Cancel();
            container.Pacing.Waiting = waiting;
        }
        try
        {
            await Task.Delay(wait, waiting.Token).ConfigureAwait(false);   // the policy's back-off
            await container.Operation.WaitAsync(waiting.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            if (stop.IsCancellationRequested) return;   // the next daemon looks at the policy again
            store.Update(container, s => s with { Running = false, Restarting = false });
            container.Wake();
            return;
        }
        finally
        {
            lock (container.Gate) container.Pacing.Waiting = null;
        }
        try
        {
            if (!container.Status.Restarting) return;
            if (!container.Pacing.Cancelled)
            {
                await StartCoreAsync(container, stop).ConfigureAwait(false);
                return;
            }
            store.Update(container, s => s with { Running = false, Restarting = false });   // stopped when the wait was over already
            container.Wake();
        }
        catch (Engine.EngineException e)
        {
            LogRestartFailed(log, container.Id, e.Message);   // also in the container's own error
        }
        finally
        {
            container.Operation.Release();
        }
    }

    private async Task RemoveAfterExitAsync(Container container)
    {
        try
        {
            await RemoveAsync(new RemoveRequest(container.Id, Force: true, Volumes: true, Link: false), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Engine.EngineException e) when (e.Kind is Engine.ErrorKind.NotFound or Engine.ErrorKind.Conflict)
        {
            // Somebody else removes it, or has.
        }
    }

    [LoggerMessage(12, LogLevel.Error, "what container {Id} used could not be let go of at its end")]
    private static partial void LogNotTidied(ILogger log, string id, Exception error);

    [LoggerMessage(10, LogLevel.Warning, "container {Id} could not be started again: {Error}")]
    private static partial void LogRestartFailed(ILogger log, string id, string error);
}
