using Gantry.Daemon.Containers.Streams;
using Gantry.Daemon.Execution;
using Gantry.Linux.Mounts;

namespace Gantry.Daemon.Containers;

/// <summary>A container that the engine holds. Its record and status are immutable snapshots, read without a lock; changes go through <see cref="ContainerStore"/>.</summary>
public sealed class Container
{
    private volatile ContainerRecord record;
    private volatile ContainerStatus status;
    private readonly List<(Func<ContainerStatus, bool> Condition, TaskCompletionSource<ContainerStatus> Waiter)> waiters = [];

    internal Container(ContainerRecord record, ContainerStatus status)
    {
        this.record = record;
        this.status = status;
    }

    public string Id => record.Id;

    public string Name => record.Name;

    public ContainerRecord Record => record;

    public ContainerStatus Status => status;

    /// <summary>Held by operations that must not overlap: start, pause, rename, update, remove. Stop and kill do not take it.</summary>
    internal SemaphoreSlim Operation { get; } = new(1, 1);

    /// <summary>Guards changes of the two snapshots and of the lists here. Never held over an await.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>The process as long as it runs.</summary>
    internal RunningProcess? Process { get; set; }

    /// <summary>The running container's own files, without what is mounted in them; null also when another daemon has started it.</summary>
    internal DetachedMount? Files { get; set; }

    /// <summary>Stops that are under way and whose event is still to be told: right before that of the end, as dockerd does. Under the gate.</summary>
    internal int StopsToTell { get; set; }

    /// <summary>Its process has ended, and its end is being dealt with.</summary>
    internal bool Ending { get; set; }

    /// <summary>Pending while a start has asked the supervisor and not yet recorded the answer; an exit that is told meanwhile waits for it.</summary>
    internal TaskCompletionSource? Starting { get; set; }

    /// <summary>Pending while the container has lost its supervisor and has no other yet.</summary>
    internal TaskCompletionSource? Rescue { get; set; }

    /// <summary>Clients that are connected to its streams.</summary>
    internal AttachedSessions Sessions { get; } = new();

    /// <summary>Clients that attached before the start.</summary>
    internal List<PendingAttach> PendingClients { get; } = [];

    /// <summary>The start that is under way has taken its clients: who comes now waits for its end. Under the gate.</summary>
    internal bool ClientsTaken { get; set; }

    /// <summary>Set while a restart stops and starts it: its exit does not remove it.</summary>
    internal bool KeepOnExit { get; set; }

    /// <summary>Ends the probing of its health; null while there is none.</summary>
    internal CancellationTokenSource? HealthStop { get; set; }

    /// <summary>Counts automatic restarts and decides about the next.</summary>
    internal RestartPacing Pacing { get; } = new();

    /// <summary>Number of exits so far: what waiters for the next one look at.</summary>
    internal int Exits { get; private set; }

    /// <summary>Completed when the container has been removed, or its removal has failed; the value is the error's text.</summary>
    internal TaskCompletionSource<string?> Removed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal void Set(ContainerRecord value) => record = value;

    internal void Set(ContainerStatus value) => status = value;

    /// <summary>Counts an exit; waiters for the next one look at the number.</summary>
    internal void CountExit() => Exits++;

    /// <summary>Wakes those who waited for what the container has become. After the events that tell of it.</summary>
    internal void Wake()
    {
        List<TaskCompletionSource<ContainerStatus>>? ready = null;
        ContainerStatus now;
        lock (Gate)
        {
            now = status;
            for (int i = waiters.Count - 1; i >= 0; i--)
            {
                if (!waiters[i].Condition(now)) continue;
                (ready ??= []).Add(waiters[i].Waiter);
                waiters.RemoveAt(i);
            }
        }
        foreach (var waiter in ready ?? []) waiter.TrySetResult(now);
    }

    /// <summary>Waits for a status; at once when the present one will do.</summary>
    internal async Task<ContainerStatus> WaitAsync(Func<ContainerStatus, bool> condition, CancellationToken cancellation)
    {
        TaskCompletionSource<ContainerStatus> waiter;
        lock (Gate)
        {
            if (condition(status)) return status;
            waiter = new(TaskCreationOptions.RunContinuationsAsynchronously);
            waiters.Add((condition, waiter));
        }
        try
        {
            return await waiter.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            lock (Gate) waiters.RemoveAll(w => w.Waiter == waiter);
            throw;
        }
    }
}
