using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Daemon.Networks;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Polling;
using Gantry.Linux.Processes;
using Gantry.Protocol.Json;
using Gantry.Supervisor.Containers;
using Gantry.Supervisor.Protocol;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Containers;

public sealed partial class ContainerService
{
    /// <summary>Recorded for a container whose process and exit status are both gone (reference 5.3).</summary>
    private const int UnknownExit = 255;

    private readonly Lazy<FileChanges> fileChanges;
    private readonly ProcessEnds ended;

    /// <summary>Completes when networks of containers from before can be taken back: ends of containers that are told earlier wait for it.</summary>
    private readonly TaskCompletionSource restored = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Set once every container that could be saved has been.</summary>
    private volatile bool loaded;

    private volatile bool stopping;

    private bool IsStopping => stopping;

    /// <summary>Loads the containers and brings what the database says in line with what really runs (reference A25, 5.16).</summary>
    public async Task LoadAsync(CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.Combine(settings.DataRoot, "containers"));
        foreach (string id in await store.LoadAsync().ConfigureAwait(false)) LogUnreadable(log, id);
        await images.ReconcileAsync(store.All.Select(c => c.Id).ToHashSet(StringComparer.Ordinal), cancellation).ConfigureAwait(false);
        RemoveOrphanFiles();

        var running = new Dictionary<string, (SupervisorConnection Supervisor, ProcessState State)>(StringComparer.Ordinal);
        foreach (var (supervisor, processes) in await supervisors.FindRunningAsync(cancellation).ConfigureAwait(false))
        {
            foreach (var process in processes)
            {
                if (process.Exec is null) running[process.Container] = (supervisor, process);
                else if (process.Exit is not null) background.Run($"exit of exec {process.Exec}", _ => ForgetAsync(supervisor, process.Container, process.Exec));   // whoever started it went with the daemon before
            }
        }
        var remains = Remains().ToHashSet(StringComparer.Ordinal);
        var adopted = new List<Container>();
        foreach (var container in store.All)
        {
            if (running.Remove(container.Id, out var found)) await AdoptAsync(container, found.Supervisor, found.State, adopted, cancellation).ConfigureAwait(false);
            else if (!container.Status.HasProcess && !remains.Contains(container.Id)) continue;
            else if (await TryTakeOverAsync(container, cancellation).ConfigureAwait(false)) adopted.Add(container);
            else if (container.Status.HasProcess) RecordLostExit(container);
        }
        await networks.RestoreAsync([.. adopted.Select(SandboxOf)], cancellation).ConfigureAwait(false);
        loaded = true;
        restored.TrySetResult();
        foreach (var (id, orphan) in running) background.Run($"removal of {id}", _ => EndOrphanAsync(orphan.Supervisor, orphan.State));
        var known = adopted.Select(c => c.Id).Concat(running.Keys).ToHashSet(StringComparer.Ordinal);
        foreach (string id in remains.Where(id => !known.Contains(id))) await ClearAsync(id, cancellation).ConfigureAwait(false);
    }

    /// <summary>Ids of containers of which a supervisor has left state: those that run, and those whose start or end was cut off.</summary>
    private List<string> Remains()
    {
        string root = Path.Combine(settings.ExecRoot, "containers");
        return Directory.Exists(root) ? [.. Directory.GetDirectories(root).Select(d => Path.GetFileName(d))] : [];
    }

    /// <summary>Ends and removes what a supervisor that has died left of a container. No process of it is to be saved any more.</summary>
    private async Task ClearAsync(string id, CancellationToken cancellation)
    {
        for (int attempt = 1; Directory.Exists(StateDirectoryOf(id)); attempt++)
        {
            try
            {
                var supervisor = await supervisors.GetAsync(cancellation).ConfigureAwait(false);
                await supervisor.AskAsync(new Request { Clear = new ClearRequest { Container = id, StateDirectory = StateDirectoryOf(id) } }, [], cancellation).ConfigureAwait(false);
                return;
            }
            catch (EngineException e) when (e.Kind == ErrorKind.Unavailable && attempt < StartAttempts)
            {
                // This one has died, too.
            }
            catch (Exception e) when (e is SupervisorFailure or EngineException)
            {
                LogNotCleared(log, id, e.Message);
                return;
            }
        }
    }

    private static RunningSandbox SandboxOf(Container container)
    {
        var network = container.Status.Network ?? new NetworkStatus();
        var record = container.Record;
        return new RunningSandbox(new SandboxRequest(record.Id, record.Name, record.Config, record.HostConfig, record.Networks), network.SandboxId, network.Endpoints, network.Ports);
    }

    /// <summary>Directories of containers that the database does not know: a create that was cut off, or a removal.</summary>
    private void RemoveOrphanFiles()
    {
        string root = Path.Combine(settings.DataRoot, "containers");
        foreach (string directory in Directory.GetDirectories(root))
        {
            string name = Path.GetFileName(directory);
            if (store.Find(name) is not null) continue;
            background.Run($"deletion of {directory}", _ =>
            {
                using var containers = DirectoryFd.Open(root);
                TreeRemoval.Remove(containers, name);
                return Task.CompletedTask;
            });
        }
    }

    /// <summary>A container that a supervisor of the daemon before still has.</summary>
    private async Task AdoptAsync(Container container, SupervisorConnection supervisor, ProcessState state, List<Container> adopted, CancellationToken cancellation)
    {
        adopted.Add(container);
        RecordRunning(container, state.Pid, state.StartedAt, state.Note, state.Paused);
        if (state.Exit is { } exit)
        {
            background.Run($"exit of {exit.Container}", _ => OnExitAsync(supervisor, exit));
            return;
        }
        var starting = container.Starting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);   // notices about it wait
        try
        {
            var answer = await supervisor.AskAsync(new Request { Descriptors = new ProcessRequest { Container = container.Id } }, [], cancellation).ConfigureAwait(false);
            lock (container.Gate) container.Process = RunningProcess.Of(supervisor, answer);
        }
        catch (SupervisorFailure)
        {
            return;   // it has ended since it was listed, and its exit is on its way
        }
        catch (EngineException) when (supervisor.IsLost)
        {
            if (await TryTakeOverAsync(container, cancellation).ConfigureAwait(false)) return;
            adopted.Remove(container);
            RecordLostExit(container);
            return;
        }
        finally
        {
            container.Starting = null;
            starting.SetResult();
        }
        if (!state.Paused) ResumeHealth(container);
        _ = RescueWhenLost(container);
    }

    /// <summary>What a daemon knew that died before it had written it down.</summary>
    private void RecordRunning(Container container, int pid, long startedAt, string? note, bool paused)
    {
        lock (container.Gate) container.Pacing.GoOn(container.Status.RestartCount);
        var started = WireTime.FromUnixNanoseconds(startedAt);
        bool written = container.Status.Running && container.Status.StartedAt == started;
        var network = written || note is null ? container.Status.Network : JsonSerializer.Deserialize(note, StoredJson.Default.NetworkStatus);
        store.Update(container, s => s with
        {
            Running = true, Restarting = false, Dead = false, Paused = paused, Pid = pid, StartedAt = started, Network = network,
            ExitCode = 0, Error = "", OutOfMemory = written && s.OutOfMemory, StoppedByUser = written && s.StoppedByUser,
        });
    }

    /// <summary>No supervisor has it any more; when its process lives nevertheless, a new supervisor gets it. Its output is found again; its input and its terminal went with those who held them.</summary>
    private async Task<bool> TryTakeOverAsync(Container container, CancellationToken cancellation)
    {
        if (StateFile.Read(StateDirectoryOf(container.Id)) is not { Pid: > 0 } state) return false;
        if (container.Status.StartedAt is null || container.Status.StartedAt < WireTime.FromUnixNanoseconds(state.StartedAt))
            RecordRunning(container, state.Pid, state.StartedAt, state.Note, paused: false);   // its start was not written down
        if (PidFd.StartTime(state.Pid) != state.PidStartTime) return false;
        try
        {
            using var process = PidFd.Open(state.Pid);
            if (PidFd.StartTime(state.Pid) != state.PidStartTime) return false;   // the number was used again between the two looks
            await HandOverAsync(container, process, [], [], cancellation).ConfigureAwait(false);
            RecordRunning(container, state.Pid, state.StartedAt, state.Note, container.Status.Paused);
            if (container.Status.Paused) await RestorePauseAsync(container).ConfigureAwait(false);
            else ResumeHealth(container);
            _ = RescueWhenLost(container);
            return true;
        }
        catch (Exception e) when (e is KernelException or SupervisorFailure or EngineException)
        {
            LogNotTakenOver(log, container.Id, e.Message);
            return false;
        }
    }

    private async Task HandOverAsync(Container container, PidFd process, IReadOnlyList<(string Name, Fd Fd)> stdio, IReadOnlyList<(AttachedClient Client, Fd Socket)> clients, CancellationToken cancellation)
    {
        var supervisor = await supervisors.GetAsync(cancellation).ConfigureAwait(false);
        var adopt = new AdoptRequest { Container = container.Id, StateDirectory = StateDirectoryOf(container.Id) };
        var taken = await AdoptAsync(supervisor, adopt, process, stdio, clients, cancellation).ConfigureAwait(false);
        lock (container.Gate) container.Process = taken;
        Reap(taken, new ReapedRequest { Container = container.Id });
    }

    private static async Task<RunningProcess> AdoptAsync(SupervisorConnection supervisor, AdoptRequest adopt, PidFd process, IReadOnlyList<(string Name, Fd Fd)> stdio,
        IReadOnlyList<(AttachedClient Client, Fd Socket)> clients, CancellationToken cancellation)
    {
        List<Fd> descriptors = [process, .. stdio.Select(s => s.Fd)];
        adopt.Stdio = [.. stdio.Select(s => s.Name)];
        adopt.Clients = [.. clients.Select((c, i) => c.Client with { Descriptor = descriptors.Count + i })];
        descriptors.AddRange(clients.Select(c => c.Socket));
        var answer = await supervisor.AskAsync(new Request { Adopt = adopt }, descriptors, cancellation).ConfigureAwait(false);
        return RunningProcess.Of(supervisor, answer);
    }

    /// <summary>When the supervisor died this process became the parent of its containers: it reaps them, and tells the new supervisor how they ended.</summary>
    /// <param name="reaped">Names the process; its end is filled in.</param>
    private void Reap(RunningProcess process, ReapedRequest reaped)
    {
        var watched = new PidFd(process.Process.Duplicate().Release(), process.Process.Pid);   // the process's own is closed by whoever hears of its end first
        background.Run($"end of process {watched.Pid}", async stop =>
        {
            using (watched) await ReapAsync(watched, process.Supervisor, reaped, stop).ConfigureAwait(false);
        });
    }

    private async Task ReapAsync(PidFd watched, SupervisorConnection supervisor, ReapedRequest reaped, CancellationToken stop)
    {
        await ended.WaitAsync(watched, stop).ConfigureAwait(false);
        ExitStatus? status;
        try
        {
            status = watched.Wait(block: false);
        }
        catch (KernelException e) when (e.Errno == Errno.ECHILD)
        {
            return;   // init is its parent; the supervisor asks the kernel itself
        }
        if (status is not { } exit) return;
        (reaped.ExitCode, reaped.Signal) = (exit.Code, exit.Signal);
        try
        {
            await supervisor.AskAsync(new Request { Reaped = reaped }, [], stop).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SupervisorFailure or EngineException)
        {
            // It has found out by itself; or it has died too, and its successor asks the kernel.
        }
    }

    /// <summary>No supervisor has it any more: its exit file tells how it ended, or nobody can.</summary>
    private void RecordLostExit(Container container)
    {
        var exit = WrittenExit(container);
        store.Update(container, s => s with
        {
            Running = false, Paused = false, Restarting = false, Pid = 0, Network = null,
            ExitCode = exit?.ExitCode ?? UnknownExit,
            OutOfMemory = exit?.OutOfMemory ?? false,
            FinishedAt = exit is null ? DateTimeOffset.UtcNow : WireTime.FromUnixNanoseconds(exit.ExitedAt),
        }, exited: true);
    }

    /// <summary>What the exit file says of the present process; null when it has none, or that of an earlier process.</summary>
    private ExitNotice? WrittenExit(Container container)
    {
        var exit = ExitFile.Read(Path.Combine(DirectoryOf(container.Id), "exit.json"));
        bool fits = exit is not null && container.Status.StartedAt is { } started && WireTime.FromUnixNanoseconds(exit.ExitedAt) >= started;
        return fits ? exit : null;
    }

    /// <summary>A process of a container that the database does not have: its creation or removal was cut off.</summary>
    private static async Task EndOrphanAsync(SupervisorConnection supervisor, ProcessState state)
    {
        if (state.Exit is null) await supervisor.AskAsync(new Request { Signal = new SignalRequest { Container = state.Container, Signal = Signals.Kill, All = true } }, []).ConfigureAwait(false);
        else await ForgetAsync(supervisor, state.Container).ConfigureAwait(false);
    }

    /// <summary>After the start: containers whose policy says so begin to run again; those that should have been removed are.</summary>
    public void ApplyRestartPolicies()
    {
        foreach (var container in store.All)
        {
            var status = container.Status;
            if (status.Running && !status.Restarting) continue;
            if (container.Record.HostConfig.AutoRemove && status.StartedAt is not null)
            {
                background.Run($"removal of {container.Record.ShortId}", _ => RemoveAfterExitAsync(container));
                continue;
            }
            if (status.StartedAt is null) continue;
            var policy = container.Record.HostConfig.RestartPolicy;
            bool start = policy.Name switch
            {
                "always" => true,
                "unless-stopped" => !status.StoppedByUser,
                "on-failure" => status.ExitCode != 0 && (policy.MaximumRetryCount == 0 || status.RestartCount < policy.MaximumRetryCount),   // whoever stopped it (reference 5.1)
                _ => false,
            };
            if (start) background.Run($"start of {container.Record.ShortId}", stop => StartAtBootAsync(container, stop));
            else if (status.Restarting) store.Update(container, s => s with { Running = false, Restarting = false });
        }
    }

    private async Task StartAtBootAsync(Container container, CancellationToken stop)
    {
        await container.Operation.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            if (!container.Status.HasProcess) await StartCoreAsync(container, stop).ConfigureAwait(false);
        }
        catch (EngineException e)
        {
            LogRestartFailed(log, container.Id, e.Message);
        }
        finally
        {
            container.Operation.Release();
        }
    }

    /// <summary>On shutdown: stops all containers at the same time, each with its own signal and timeout, unless they are to live on.</summary>
    public async Task ShutdownAsync(CancellationToken limit)
    {
        if (settings.LiveRestore)
        {
            await store.FlushAsync().ConfigureAwait(false);
            await supervisors.RetireAsync(limit).ConfigureAwait(false);   // it ends now if it is idle, and otherwise waits for the next daemon
            settings.Groups.Release();
            return;
        }
        stopping = true;
        var running = store.All.Where(c => c.Status.HasProcess).ToList();
        await Task.WhenAll(running.Select(c => StopForShutdownAsync(c, limit))).ConfigureAwait(false);
        await store.FlushAsync().ConfigureAwait(false);
        await supervisors.RetireAsync(limit).ConfigureAwait(false);
        settings.Groups.Release();
    }

    /// <summary>How long <see cref="ShutdownAsync"/> may take: the setting, or five seconds more than the slowest container's own timeout (reference §5).</summary>
    public TimeSpan ShutdownGrace()
    {
        if (settings.LiveRestore || settings.ShutdownTimeout == System.Threading.Timeout.InfiniteTimeSpan) return settings.ShutdownTimeout;
        var grace = settings.ShutdownTimeout;
        foreach (var container in store.All.Where(c => c.Status.HasProcess))
        {
            var own = Timeout(container, null);
            if (own == System.Threading.Timeout.InfiniteTimeSpan) return own;
            if (own + StopMargin > grace) grace = own + StopMargin;
        }
        return grace;
    }

    private async Task StopForShutdownAsync(Container container, CancellationToken limit)
    {
        try
        {
            await StopCoreAsync(container, StopSignal(container, ""), Timeout(container, null), byUser: false).WaitAsync(limit).ConfigureAwait(false);
        }
        catch (Exception e) when (e is EngineException or OperationCanceledException)
        {
            LogNotStopped(log, container.Id, e.Message);
        }
    }

    [LoggerMessage(20, LogLevel.Error, "container {Id} cannot be read from the database; it is left as it is")]
    private static partial void LogUnreadable(ILogger log, string id);

    [LoggerMessage(21, LogLevel.Warning, "container {Id} did not stop: {Error}")]
    private static partial void LogNotStopped(ILogger log, string id, string error);

    [LoggerMessage(22, LogLevel.Warning, "the supervisor of container {Id} has ended; another one takes over")]
    private static partial void LogRescue(ILogger log, string id);

    [LoggerMessage(24, LogLevel.Error, "remains of container {Id} could not be removed: {Error}")]
    private static partial void LogNotCleared(ILogger log, string id, string error);

    [LoggerMessage(23, LogLevel.Error, "container {Id} could not be taken over: {Error}")]
    private static partial void LogNotTakenOver(ILogger log, string id, string error);
}
