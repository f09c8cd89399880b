using System.Collections.Concurrent;
using Gantry.Linux.Cgroups;
using Gantry.Linux.Kernel;
using Gantry.Linux.Polling;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Containers;
using Gantry.Supervisor.Drivers;
using Gantry.Supervisor.Logs;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor;

/// <summary>Serves the daemon: one thread a connection reads requests; starts run on the thread pool; streams and exits belong to the loop's thread.</summary>
internal sealed class Server(EventLoop loop, IReadOnlyDictionary<string, IExecDriver> drivers, Orphans orphans, string build, Action<string> log)
{
    private readonly ConcurrentDictionary<string, SupervisedContainer> containers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SupervisedContainer> leaving = new(StringComparer.Ordinal);   // ended, and being cleaned up after
    /// <summary>Each with what completes when it has ended.</summary>
    private readonly ConcurrentDictionary<MessageChannel, TaskCompletionSource> connections = new();
    private readonly ConcurrentDictionary<Task, byte> starts = new();
    private static readonly TimeSpan FormerDaemonGrace = TimeSpan.FromSeconds(5);

    /// <summary>How long a start may take that a former daemon had asked for: one that hangs counts as cut off.</summary>
    private static readonly TimeSpan StartGrace = TimeSpan.FromSeconds(30);
    private readonly BlockingCollection<Reply> notices = [];
    private static readonly TimeSpan OutOfMemoryGrace = TimeSpan.FromMilliseconds(50);
    private volatile bool retiring;

    /// <summary>Completes when the supervisor was told to retire and its last container has ended.</summary>
    public TaskCompletionSource Retired { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Reads one connection to its end.</summary>
    public void Serve(MessageChannel channel)
    {
        var ended = connections[channel] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            while (channel.Receive(SupervisorJson.Default.Request, out var fds) is { } request) Dispatch(channel, request, fds);
        }
        catch (Exception e) when (e is KernelException or InvalidDataException or System.Text.Json.JsonException)
        {
            log($"connection ended: {e.Message}");
        }
        finally
        {
            connections.TryRemove(channel, out _);
            channel.Dispose();
            ended.SetResult();
        }
    }

    /// <summary>Waits until everything is done that a former daemon has asked for: only then can its successor be told what there is.</summary>
    private async Task SettleAsync(MessageChannel channel)
    {
        var former = connections.Where(c => c.Key != channel).Select(c => c.Value.Task);
        await Task.WhenAny(Task.WhenAll(former), Task.Delay(FormerDaemonGrace)).ConfigureAwait(false);
        await Task.WhenAny(Task.WhenAll(starts.Keys), Task.Delay(StartGrace)).ConfigureAwait(false);
    }

    private void Dispatch(MessageChannel channel, Request request, List<Fd> fds)
    {
        switch (request)
        {
            case { Run: { } run }:
                var start = Task.Run(() => Answer(channel, request.Id, fds, () => Holding(() => Run(run, fds))));
                starts.TryAdd(start, 0);
                start.ContinueWith(s =>
                {
                    starts.TryRemove(s, out _);
                    RetireIfIdle();
                }, TaskScheduler.Default);
                break;
            case { List: true }:
                _ = Task.Run(async () =>
                {
                    await SettleAsync(channel).ConfigureAwait(false);
                    loop.Post(() => Answer(channel, request.Id, fds, () => OnLoop(request, fds)));
                });
                break;
            case { Exec: { } exec }:
                _ = Task.Run(() => Answer(channel, request.Id, fds, () => Holding(() => Exec(exec, fds))));
                break;
            case { Adopt: { } adopt }:
                _ = Task.Run(() => Answer(channel, request.Id, fds, () => adopt.Exec is null ? Adopt(adopt, fds) : AdoptExec(adopt, fds)));
                break;
            case { Checkpoint: { } checkpoint }:
                _ = Task.Run(() => Answer(channel, request.Id, fds, () => Holding(() => Checkpoint(checkpoint))));
                break;
            case { Clear: { } clear }:
                _ = Task.Run(() => Answer(channel, request.Id, fds, () => Holding(() => Clear(clear))));
                break;
            case { Pause: { } pause }:
                _ = Task.Run(() => Answer(channel, request.Id, fds, () => Holding(() => Pause(pause))));
                break;
            case { Update: { } update }:
                _ = Task.Run(() => Answer(channel, request.Id, fds, () => Holding(() => Update(update))));
                break;
            case { Signal: { Exec: null, All: true } all }:
                _ = Task.Run(() => Answer(channel, request.Id, fds, () => Signal(all)));   // waits for the processes to die
                break;
            case { Signal: { Exec: null } signal }:
                Answer(channel, request.Id, fds, () => Signal(signal));
                break;
            case { Hello: { } hello }:
                var introduction = new HelloReply { Version = Math.Min(hello.Version, ProtocolVersion.Current), Build = build, Pid = Environment.ProcessId };
                Answer(channel, request.Id, fds, () => new Outcome(new Reply { Hello = introduction }));
                break;
            case { Retire: { } retire }:
                retiring = retire;
                Answer(channel, request.Id, fds, () => default);
                RetireIfIdle();
                break;
            default:
                // What touches streams happens on the loop's thread; the answer comes from there, in order.
                loop.Post(() => Answer(channel, request.Id, fds, () => OnLoop(request, fds)));
                break;
        }
    }

    /// <param name="Then">Done on the loop's thread, after the answer is on its way and before any request that follows it.</param>
    private readonly record struct Outcome(Reply? Reply, IReadOnlyList<Fd>? Descriptors = null, Action? Then = null);

    private void Answer(MessageChannel channel, long id, List<Fd> received, Func<Outcome> work)
    {
        Reply reply;
        Outcome outcome = default;
        try
        {
            outcome = work();
            reply = outcome.Reply ?? new Reply();
        }
        catch (DriverException e)
        {
            reply = new Reply { Failure = e.Failure };
        }
        catch (KernelException e)
        {
            reply = new Reply { Failure = new Failure { Message = e.Message, Step = e.Step, Errno = (int)e.Errno } };
        }
        catch (Exception e)
        {
            log(e.ToString());
            reply = new Reply { Failure = new Failure { Message = e.Message } };
        }
        finally
        {
            foreach (var fd in received) fd.Dispose();   // those that were taken have been released
        }
        reply.Id = id;
        if (outcome.Then is not { } then)
        {
            Send(channel, reply, outcome.Descriptors ?? []);
            return;
        }
        loop.Post(() =>
        {
            Send(channel, reply, outcome.Descriptors ?? []);
            then();
        });
    }

    private void Send(MessageChannel channel, Reply reply, IReadOnlyList<Fd> descriptors)
    {
        try
        {
            Span<int> numbers = stackalloc int[descriptors.Count];
            for (int i = 0; i < numbers.Length; i++) numbers[i] = descriptors[i].Number;
            channel.Send(reply, SupervisorJson.Default.Reply, numbers);
        }
        catch (Exception e) when (e is KernelException or ObjectDisposedException)
        {
            log($"the daemon has gone before it was answered: {e.Message}");
        }
        finally
        {
            foreach (var fd in descriptors) fd.Dispose();
        }
    }

    /// <summary>Does something that has children of its own for a while.</summary>
    private Outcome Holding(Func<Outcome> work)
    {
        using var _ = orphans.Enter();
        return work();
    }

    private SupervisedContainer Find(string id) =>
        containers.GetValueOrDefault(id) ?? throw new DriverException(new Failure { Kind = FailureKind.NotFound, Message = $"container {id} does not run here" });

    private Outcome Run(RunRequest run, List<Fd> fds)
    {
        if (containers.TryGetValue(run.Container, out var previous))
        {
            if (previous.Init.Exit is null) throw new DriverException(new Failure { Kind = FailureKind.Conflict, Message = $"Container {run.Container} is already active" });
            previous.Removed.Task.Wait();   // its cgroup has the name that the new one needs; this is a worker thread
        }
        else if (leaving.TryGetValue(run.Container, out var forgotten)) forgotten.Removed.Task.Wait();
        if (!drivers.TryGetValue(run.Driver, out var driver)) throw new DriverException(new Failure { Kind = FailureKind.Unsupported, Message = $"unknown exec driver {run.Driver}" });
        if (run is { CheckpointDirectory: not null, Driver: not "native" })
            throw new DriverException(new Failure { Kind = FailureKind.Unsupported, Message = $"the exec driver {run.Driver} cannot start a container from a checkpoint, only the native driver can" });
        var process = run.Spec.Process ?? throw new DriverException(new Failure { Message = "the spec has no process" });

        var streams = ProcessStreams.Create(process.Terminal, run.Stdio.OpenStdin, HostId(process.User.Uid, run.Spec.Linux.UidMappings));
        LogWriter? writer = null;
        IDriverContainer? started = null;
        try
        {
            streams.Keep();
            StateFile.Write(run.StateDirectory, ContainerStates.Before(run));
            writer = run.Log is { } request ? LogWriter.Open(request) : null;
            started = driver.Start(new StartRequest
            {
                Run = run,
                Stdio = streams.Child,
                Root = run.RootDescriptor is { } root ? fds[root] : null,
                Namespaces = Pick(run.NamespaceDescriptors, fds),
                MountSources = Pick(run.MountDescriptors, fds),
            });
            streams.Adopt();
            (started.State.StdinPipe, started.State.StdoutPipe, started.State.StderrPipe) = streams.Pipes;
            StateFile.Write(run.StateDirectory, started.State);
        }
        catch
        {
            if (started is not null) GiveUp(started);
            writer?.Dispose();
            streams.Dispose();
            StateFile.Remove(run.StateDirectory);
            throw;
        }

        var container = new SupervisedContainer(run.Container, started, run.StateDirectory);
        var init = new SupervisedProcess(loop, run.Container, null, started.Init, streams, run.Stdio, writer, p => OnFinished(container, p))
        {
            StdinClosed = () => notices.Add(new Reply { StdinClosed = run.Container }),
            OrphansHoldOutput = started.SharesPidNamespace ? () => EndAll(started) : null,
            Monitor = started.Monitor,
            ReadExit = started.ReadExit,
        };
        container.Init = init;
        orphans.Claim(init.Awaited.Pid);
        containers[run.Container] = container;
        var early = TakeClients(run.Clients, fds);
        return Started(init) with { Then = () => Watch(container, early) };
    }

    /// <summary>Waits for the processes to die, which may take long: on a worker's thread.</summary>
    private static void EndAll(IDriverContainer container) => _ = Task.Run(() => container.SignalAll(9));

    /// <summary>A start that has failed when the process ran already.</summary>
    private void GiveUp(IDriverContainer started)
    {
        try
        {
            started.SignalAll(9);
            started.Delete();
        }
        catch (Exception e) when (e is KernelException or DriverException or IOException)
        {
            log($"a container whose start failed could not be cleaned up after: {e.Message}");
        }
    }

    /// <summary>Takes over a container whose supervisor has died: watches its process, its streams and its memory from here on.</summary>
    private Outcome Adopt(AdoptRequest adopt, List<Fd> fds)
    {
        var state = StateFile.Read(adopt.StateDirectory) ?? throw new DriverException(new Failure { Kind = FailureKind.NotFound, Message = $"container {adopt.Container} has left no state in {adopt.StateDirectory}" });
        if (containers.ContainsKey(adopt.Container)) throw new DriverException(new Failure { Kind = FailureKind.Conflict, Message = $"Container {adopt.Container} is already active" });
        if (!drivers.TryGetValue(state.Driver, out var driver)) throw new DriverException(new Failure { Kind = FailureKind.Unsupported, Message = $"unknown exec driver {state.Driver}" });
        var process = new PidFd(fds[0].Release(), state.Pid);
        var descriptors = TakeStdio(adopt, fds);
        var clients = TakeClients(adopt.Clients, fds);
        var adopted = driver.Adopt(state, process);
        var container = new SupervisedContainer(adopt.Container, adopted, adopt.StateDirectory);
        var streams = ProcessStreams.Inherit(state, state.Terminal, descriptors);
        var init = new SupervisedProcess(loop, adopt.Container, null, process, streams, state.Stdio, state.Log is { } log ? LogWriter.Open(log) : null, p => OnFinished(container, p), state.StartedAt)
        {
            IsAdopted = true,
            StdinClosed = () => notices.Add(new Reply { StdinClosed = adopt.Container }),
            OrphansHoldOutput = adopted.SharesPidNamespace ? () => EndAll(adopted) : null,
            Monitor = adopted.Monitor,
            ReadExit = adopted.ReadExit,
        };
        container.Init = init;
        orphans.Claim(init.Awaited.Pid);
        containers[adopt.Container] = container;
        return Started(init) with { Then = () => Watch(container, clients) };
    }

    /// <summary>Takes over another process of a container that has been taken over.</summary>
    private Outcome AdoptExec(AdoptRequest adopt, List<Fd> fds)
    {
        var container = Find(adopt.Container);
        var process = new PidFd(fds[0].Release(), adopt.Pid);
        var descriptors = TakeStdio(adopt, fds);
        var clients = TakeClients(adopt.Clients, fds);
        var streams = ProcessStreams.Inherit(new ContainerState(), adopt.Terminal, descriptors);
        var exec = new SupervisedProcess(loop, adopt.Container, adopt.Exec, process, streams, new StdioRequest { StdinOnce = true }, null, p => OnFinished(container, p))
        {
            IsAdopted = true,
            StdinClosed = () => notices.Add(new Reply { ExecStdinClosed = adopt.Exec }),
        };
        orphans.Claim(adopt.Pid);
        return Started(exec) with { Then = () => Begin(container, exec, clients) };
    }

    private static Dictionary<string, Fd> TakeStdio(AdoptRequest adopt, List<Fd> fds)
    {
        var descriptors = new Dictionary<string, Fd>(StringComparer.Ordinal);
        for (int i = 0; i < adopt.Stdio.Count; i++) descriptors[adopt.Stdio[i]] = Take(fds, i + 1);
        return descriptors;
    }

    private static (AttachedClient Client, Fd Socket)[] TakeClients(List<AttachedClient>? clients, List<Fd> fds) => [.. (clients ?? []).Select(c => (c, Take(fds, c.Descriptor)))];

    private Outcome Checkpoint(CheckpointRequest checkpoint)
    {
        Find(checkpoint.Container).Driver.Checkpoint(checkpoint);
        return default;
    }

    /// <summary>Ends and removes what a start that was cut off has left behind.</summary>
    private Outcome Clear(ClearRequest clear)
    {
        if (containers.ContainsKey(clear.Container)) throw new DriverException(new Failure { Kind = FailureKind.Conflict, Message = $"Container {clear.Container} is active" });
        if (StateFile.Read(clear.StateDirectory) is { } state && drivers.TryGetValue(state.Driver, out var driver)) driver.Clear(state);
        StateFile.Remove(clear.StateDirectory);
        return default;
    }

    private void Watch(SupervisedContainer container, (AttachedClient, Fd)[] early)
    {
        if (container.Driver.OutOfMemory is { } memory) container.MemoryWatch = loop.Add(memory.Signal, Readiness.Readable, _ => OnMemory(container, memory));
        container.Init.Start(early);
    }

    private Outcome Exec(ExecRequest exec, List<Fd> fds)
    {
        var container = Find(exec.Container);
        if (container.Init.Exit is not null) throw new DriverException(new Failure { Kind = FailureKind.NotFound, Message = $"container {exec.Container} does not run here" });
        var streams = ProcessStreams.Create(exec.Process.Terminal, exec.Stdio.OpenStdin, HostId(exec.Process.User.Uid, container.Driver.State.UidMappings));
        PidFd started;
        try
        {
            if (exec.Client is not null) streams.Keep();
            started = container.Driver.Exec(exec, streams.Child);
            streams.Adopt();
        }
        catch
        {
            streams.Dispose();
            throw;
        }
        var process = new SupervisedProcess(loop, exec.Container, exec.Exec, started, streams, exec.Stdio, null, p => OnFinished(container, p))
        {
            StdinClosed = () => notices.Add(new Reply { ExecStdinClosed = exec.Exec }),
        };
        orphans.Claim(started.Pid);
        var early = TakeClients(exec.Client is { } client ? [client] : null, fds);
        return Started(process) with { Then = () => Begin(container, process, early) };
    }

    private static void Begin(SupervisedContainer container, SupervisedProcess exec, (AttachedClient, Fd)[] clients)
    {
        container.Execs[exec.Exec!] = exec;
        exec.Start(clients);
    }

    private static Dictionary<TKey, Fd> Pick<TKey>(Dictionary<TKey, int>? numbers, List<Fd> fds) where TKey : notnull =>
        numbers?.ToDictionary(pair => pair.Key, pair => fds[pair.Value]) ?? [];

    /// <summary>Keeps a received descriptor beyond the request.</summary>
    private static Fd Take(List<Fd> fds, int index) => new(fds[index].Release());

    private static uint HostId(uint id, List<IdMappingSpec>? mappings)
    {
        var range = mappings?.FirstOrDefault(m => id >= m.ContainerId && id - m.ContainerId < m.Size);
        return range is null ? id : range.HostId + (id - range.ContainerId);
    }

    /// <summary>The answer to a start, with copies of the descriptors: the daemon keeps them against the supervisor's death.</summary>
    private static Outcome Started(SupervisedProcess process)
    {
        var reply = new StartedReply { Pid = process.Process.Pid, StartedAt = process.StartedAt };
        var descriptors = new List<Fd> { process.Process.Duplicate() };
        foreach (var (name, fd) in process.Descriptors)
        {
            reply.Stdio.Add(name);
            descriptors.Add(fd.Duplicate());
        }
        return new Outcome(new Reply { Started = reply }, descriptors);
    }

    private Outcome Pause(PauseRequest pause)
    {
        var container = Find(pause.Container);
        container.Driver.SetPaused(pause.Paused);
        container.Paused = pause.Paused;
        return default;
    }

    private Outcome Update(UpdateRequest update)
    {
        Find(update.Container).Driver.Update(update.Resources);
        return default;
    }

    private Outcome Signal(SignalRequest signal)
    {
        var container = Find(signal.Container);
        if (signal.All) container.Driver.SignalAll(signal.Signal);
        else ProcessOf(container, signal.Exec).Process.Signal(signal.Signal);
        return default;
    }

    private static SupervisedProcess ProcessOf(SupervisedContainer container, string? exec)
    {
        if (exec is null) return container.Init;
        return container.Execs.GetValueOrDefault(exec) ?? throw new DriverException(new Failure { Kind = FailureKind.NotFound, Message = $"exec {exec} does not run here" });
    }

    private Outcome OnLoop(Request request, List<Fd> fds)
    {
        switch (request)
        {
            case { Attach: { } attach }:
                var process = ProcessOf(Find(attach.Container), attach.Exec);
                return new Outcome(new Reply { Attached = process.Attach(attach.Client, Take(fds, attach.Client.Descriptor)) });
            case { Signal: { } signal }:
                return Signal(signal);
            case { CloseStdin: { } which }:
                ProcessOf(Find(which.Container), which.Exec).CloseStdin();
                break;
            case { Resize: { } resize }:
                Resize(ProcessOf(Find(resize.Container), resize.Exec), resize.Size);
                break;
            case { Forget: { } which }:
                Forget(which);
                break;
            case { Reaped: { } reaped }:
                ProcessOf(Find(reaped.Container), reaped.Exec).SetExit(new ExitStatus(reaped.ExitCode, reaped.Signal));
                break;
            case { Descriptors: { } which }:
                return Started(ProcessOf(Find(which.Container), which.Exec));
            case { List: true }:
                return List();
        }
        return default;
    }

    private static unsafe void Resize(SupervisedProcess process, ConsoleSize size)
    {
        if (process.Terminal is not { } terminal) return;   // there is nothing to resize, and clients send sizes all the same
        const int setWindowSize = 0x5414;
        ushort* rows = stackalloc ushort[4];
        rows[0] = (ushort)size.Height;
        rows[1] = (ushort)size.Width;
        Syscall.Check(Syscall.Fast(SyscallNumber.Ioctl, terminal.Number, setWindowSize, (nint)rows), "resize the terminal");
    }

    private void Forget(ProcessRequest which)
    {
        if (!containers.TryGetValue(which.Container, out var container)) return;
        container.Exits.Remove(which.Exec ?? "");
        if (which.Exec is not null || container.Init.Exit is null) return;
        if (containers.TryRemove(new KeyValuePair<string, SupervisedContainer>(which.Container, container))) RetireIfIdle();
    }

    private Outcome List()
    {
        var processes = new List<ProcessState>();
        var descriptors = new List<Fd>();
        foreach (var container in containers.Values)
        {
            processes.Add(StateOf(container, container.Init));
            foreach (var exec in container.Execs.Values) processes.Add(StateOf(container, exec));
            foreach (var (exec, exit) in container.Exits)
            {
                if (exec.Length > 0 && !container.Execs.ContainsKey(exec)) processes.Add(new ProcessState { Container = container.Id, Exec = exec, Exit = exit });
            }
        }
        return new Outcome(new Reply { Processes = processes }, descriptors);
    }

    private static ProcessState StateOf(SupervisedContainer container, SupervisedProcess process) => new()
    {
        Container = container.Id,
        Exec = process.Exec,
        Pid = process.Process.Pid,
        StartedAt = process.StartedAt,
        Paused = container.Paused,
        Note = process.Exec is null ? container.Driver.State.Note : null,
        Exit = container.Exits.GetValueOrDefault(process.Exec ?? ""),
    };

    /// <summary>The kernel signals before the killer has done its work, so a count of zero is looked at once more.</summary>
    private void OnMemory(SupervisedContainer container, OutOfMemoryWatch memory, bool again = false)
    {
        if (container.MemoryWatch is null) return;
        if (memory.Read().Kills == 0)
        {
            if (!again) _ = Task.Delay(OutOfMemoryGrace).ContinueWith(_ => loop.Post(() => OnMemory(container, memory, again: true)), TaskScheduler.Default);
            return;
        }
        container.MemoryWatch.Remove();   // once is news
        container.MemoryWatch = null;
        notices.Add(new Reply { OutOfMemory = container.Id });
    }

    /// <summary>A process has ended and its output is complete. On the loop's thread; what may take time goes to a worker.</summary>
    private void OnFinished(SupervisedContainer container, SupervisedProcess process) => _ = Task.Run(() => Conclude(container, process));

    private void Conclude(SupervisedContainer container, SupervisedProcess process)
    {
        var notice = new ExitNotice
        {
            Container = container.Id,
            Exec = process.Exec,
            ExitCode = process.Exit!.Value.Code,
            Signal = process.Exit.Value.Signal,
            ExitedAt = process.ExitedAt,
        };
        if (process.Exec is null) Conclude(container, notice);
        loop.Post(() =>
        {
            container.Exits[process.Exec ?? ""] = notice;
            if (process.Exec is { } exec) container.Execs.Remove(exec);
            if (process.Exec is null) leaving[container.Id] = container;   // before anyone is told and forgets it
            notices.Add(new Reply { Exit = notice });
            orphans.Release(process.Awaited.Pid);
            process.Release();
            if (process.Exec is not null) return;
            container.MemoryWatch?.Remove();
            container.MemoryWatch = null;
            _ = Task.Run(() => Remove(container));
        });
    }

    private void Conclude(SupervisedContainer container, ExitNotice notice)
    {
        try
        {
            notice.OutOfMemory = container.Driver.WasOutOfMemory();
            Containers.ExitFile.Write(container.Driver.State.ExitFile, notice);
        }
        catch (Exception e) when (e is KernelException or IOException)
        {
            log($"exit status of {container.Id} could not be kept: {e.Message}");   // the notice still goes out
        }
    }

    private void Remove(SupervisedContainer container)
    {
        using var _ = orphans.Enter();
        try
        {
            container.Driver.Delete();
            StateFile.Remove(container.StateDirectory);
        }
        catch (Exception e) when (e is KernelException or IOException or DriverException)
        {
            log($"remains of {container.Id}: {e.Message}");
        }
        leaving.TryRemove(new KeyValuePair<string, SupervisedContainer>(container.Id, container));
        container.Removed.SetResult();
        RetireIfIdle();
    }

    /// <summary>Sends notices in order, from a thread of its own: a daemon that does not listen holds up nothing else.</summary>
    public void SendNotices()
    {
        foreach (var notice in notices.GetConsumingEnumerable())
        {
            foreach (var channel in connections.Keys)
            {
                try
                {
                    channel.Send(notice, SupervisorJson.Default.Reply);
                }
                catch (Exception e) when (e is KernelException or ObjectDisposedException)
                {
                    log($"a notice did not reach the daemon: {e.Message}");   // it learns from the list when it comes back
                }
            }
        }
    }

    private void RetireIfIdle()
    {
        if (retiring && containers.IsEmpty && leaving.IsEmpty && starts.IsEmpty) Retired.TrySetResult();
    }
}
