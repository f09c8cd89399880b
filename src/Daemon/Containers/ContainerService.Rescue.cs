using Gantry.Daemon.Containers.Execs;
using Gantry.Daemon.Containers.Streams;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Containers;

/// <summary>What happens when a supervisor dies and its containers do not.</summary>
public sealed partial class ContainerService
{
    private static readonly TimeSpan RescueInterval = TimeSpan.FromMilliseconds(100);

    private readonly OrphanReaper orphans;

    /// <summary>Processes that were inherited from a supervisor and are waited for by their descriptors.</summary>
    private bool IsAwaited(int pid) => store.All.Any(c => c.Status.Pid == pid) || execs.Values.Any(e => e.Running && e.Pid == pid);

    /// <summary>This daemon holds copies of the descriptors of a dead supervisor's containers and gives them to a new one. Until then whoever wants something of them waits.</summary>
    private void OnSupervisorLost(SupervisorConnection supervisor)
    {
        var rescues = store.All.Select(RescueWhenLost).ToList();
        background.Run("rescue of containers", async stop =>
        {
            await Task.WhenAll(rescues).WaitAsync(stop).ConfigureAwait(false);
            EndLostExecs(supervisor);
            await restored.Task.WaitAsync(stop).ConfigureAwait(false);
            if (!loaded) return;   // until then nobody knows what is to be saved
            await ClearRemainsAsync(stop).ConfigureAwait(false);
        });
    }

    /// <summary>Begins to look for another supervisor when the container's has died. To be called too whenever a container has been given to one: it may have died that instant.</summary>
    /// <returns>Completes when the container has a supervisor, or has ended.</returns>
    private Task RescueWhenLost(Container container)
    {
        lock (container.Gate)
        {
            if (container.Rescue is { } under) return under.Task;   // it finds out by itself when the next one dies as well
            if (container.Process is not { Supervisor.IsLost: true } || container.Ending) return Task.CompletedTask;
            var rescue = container.Rescue = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            background.Run($"rescue of {container.Record.ShortId}", stop => RescueAsync(container, rescue, stop));
            return rescue.Task;
        }
    }

    /// <summary>Waits while a container is between two supervisors.</summary>
    private static Task RescuedAsync(Container container, CancellationToken cancellation)
    {
        lock (container.Gate) return container.Rescue?.Task.WaitAsync(cancellation) ?? Task.CompletedTask;
    }

    private async Task RescueAsync(Container container, TaskCompletionSource rescue, CancellationToken stop)
    {
        try
        {
            if (container.Starting is { } starting) await starting.Task.WaitAsync(stop).ConfigureAwait(false);
            while (LostProcess(container) is { } process)
            {
                LogRescue(log, container.Id);
                switch (await TryRescueAsync(container, process, stop).ConfigureAwait(false))
                {
                    case Rescued.Never:
                        await GiveUpAsync(container, process, stop).ConfigureAwait(false);
                        break;
                    case Rescued.NotYet:
                        await Task.Delay(RescueInterval, stop).ConfigureAwait(false);   // supervisors die one after the other: no need to make them as fast
                        break;
                }
            }
        }
        finally
        {
            lock (container.Gate)
            {
                if (container.Rescue == rescue) container.Rescue = null;   // else another one has begun
            }
            rescue.TrySetResult();
        }
    }

    /// <summary>The process whose supervisor has died; null ends the rescue, in the same instant.</summary>
    private static RunningProcess? LostProcess(Container container)
    {
        lock (container.Gate)
        {
            if (container.Process is { Supervisor.IsLost: true } process && !container.Ending) return process;
            container.Rescue?.TrySetResult();
            container.Rescue = null;
            return null;
        }
    }

    private enum Rescued
    {
        Done,
        NotYet,
        Never,
    }

    private async Task<Rescued> TryRescueAsync(Container container, RunningProcess process, CancellationToken stop)
    {
        if (WrittenExit(container) is { } exit)
        {
            await ClearAsync(container.Id, stop).ConfigureAwait(false);
            await OnExitAsync(null, exit).ConfigureAwait(false);
            return Rescued.Done;
        }
        var moving = await PrepareMovesAsync(container.Sessions).ConfigureAwait(false);
        var result = Rescued.Never;
        try
        {
            await HandOverAsync(container, process.Process, process.Stdio, [.. moving.Select(m => (m.Client, m.Socket))], stop).ConfigureAwait(false);
            result = Rescued.Done;
            process.Dispose();
        }
        catch (SupervisorFailure e)
        {
            LogNotTakenOver(log, container.Id, e.Message);
        }
        catch (EngineException)
        {
            result = Rescued.NotYet;   // this one has died, too; what it sent to clients counts
        }
        finally
        {
            FinishMoves(moving, result != Rescued.Never);
        }
        if (result == Rescued.Done) await CompleteRescueAsync(container, stop).ConfigureAwait(false);
        return result;
    }

    private async Task CompleteRescueAsync(Container container, CancellationToken stop)
    {
        try
        {
            await RescueExecsAsync(container, stop).ConfigureAwait(false);
            if (container.Status.Paused) await RestorePauseAsync(container).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SupervisorFailure or EngineException)
        {
            LogNotTakenOver(log, container.Id, e.Message);   // the next supervisor has died meanwhile, which begins this anew
        }
    }

    /// <summary>The new supervisor is told what the cgroup is in: it found it so.</summary>
    private static async Task RestorePauseAsync(Container container)
    {
        RunningProcess? process;
        lock (container.Gate) process = container.Process;
        if (process is not null) await process.Supervisor.AskAsync(new Request { Pause = new PauseRequest { Container = container.Id, Paused = true } }, []).ConfigureAwait(false);
    }

    private static async Task<List<(StreamSession Session, AttachedClient Client, Fd Socket)>> PrepareMovesAsync(AttachedSessions sessions)
    {
        var moving = new List<(StreamSession, AttachedClient, Fd)>();
        foreach (var (session, wanted) in sessions.All)
        {
            if (await session.PrepareMoveAsync().ConfigureAwait(false) is var (received, socket)) moving.Add((session, wanted with { Unfinished = false, Received = received }, socket));
        }
        return moving;
    }

    private static void FinishMoves(List<(StreamSession Session, AttachedClient Client, Fd Socket)> moving, bool done)
    {
        foreach (var (session, _, socket) in moving)
        {
            socket.Dispose();
            session.FinishMove(done);
        }
    }

    private async Task RescueExecsAsync(Container container, CancellationToken stop)
    {
        foreach (var exec in execs.Values.Where(e => e.Container == container && e.Running && e.Process?.Supervisor.IsLost == true))
        {
            var process = exec.Process!;
            var moving = await PrepareMovesAsync(exec.Sessions).ConfigureAwait(false);
            bool done = false;
            try
            {
                RunningProcess? now;
                lock (container.Gate) now = container.Process;
                if (now is null) return;
                var adopt = new AdoptRequest { Container = container.Id, Exec = exec.Id, Pid = exec.Pid, Terminal = exec.Request.Tty };
                var taken = await AdoptAsync(now.Supervisor, adopt, process.Process, process.Stdio, [.. moving.Select(m => (m.Client, m.Socket))], stop).ConfigureAwait(false);
                Reap(taken, new ReapedRequest { Container = container.Id, Exec = exec.Id });
                done = exec.TryKeep(taken);
            }
            catch (EngineException)
            {
                done = true;   // its next supervisor has died, too: the rescue goes on with another
                return;
            }
            catch (Exception e) when (e is SupervisorFailure or ObjectDisposedException)
            {
                LogNotTakenOver(log, exec.Id, e.Message);
            }
            finally
            {
                FinishMoves(moving, done);
            }
        }
    }

    /// <summary>Execs that nobody has taken over: how they end is not known.</summary>
    private void EndLostExecs(SupervisorConnection lost)
    {
        foreach (var exec in execs.Values)
        {
            if (!exec.Running || exec.Process?.Supervisor != lost || exec.Container.Rescue is not null) continue;
            EndExec(exec, UnknownExit);
            Publish(exec.Container, "exec_die", ("execID", exec.Id), ("exitCode", UnknownExit.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        }
    }

    /// <summary>A container that nobody looks after must not run: it is ended, and its end is recorded as that of any other.</summary>
    private async Task GiveUpAsync(Container container, RunningProcess process, CancellationToken stop)
    {
        process.Process.Signal(Signals.Kill);
        await ended.WaitAsync(process.Process, stop).ConfigureAwait(false);
        ExitStatus? status;
        try
        {
            status = process.Process.Wait(block: false);
        }
        catch (KernelException e) when (e.Errno == Errno.ECHILD)
        {
            status = process.Process.ReadExit();
        }
        await ClearAsync(container.Id, stop).ConfigureAwait(false);
        var notice = new ExitNotice
        {
            Container = container.Id, ExitCode = status?.Code ?? UnknownExit, Signal = status?.Signal ?? 0,
            ExitedAt = (DateTimeOffset.UtcNow.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) * 100,
        };
        await OnExitAsync(null, notice).ConfigureAwait(false);
    }

    /// <summary>What the dead supervisor has left of containers whose start or end it was at.</summary>
    private async Task ClearRemainsAsync(CancellationToken stop)
    {
        foreach (string id in Remains())
        {
            if (store.Find(id) is not { } container)
            {
                await ClearAsync(id, stop).ConfigureAwait(false);
                continue;
            }
            if (container.Process is not null) continue;
            await container.Operation.WaitAsync(stop).ConfigureAwait(false);   // no start is under way
            try
            {
                if (container.Process is null) await ClearAsync(id, stop).ConfigureAwait(false);
            }
            finally
            {
                container.Operation.Release();
            }
        }
    }
}
