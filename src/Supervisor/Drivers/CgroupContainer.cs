using Gantry.Linux.Cgroups;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Containers;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers;

/// <summary>What containers of every driver have in common: a group in the cgroup hierarchies, by which all their processes are found.</summary>
internal abstract class CgroupContainer(PidFd init, ICgroup cgroup, ContainerState state) : IDriverContainer
{
    private static readonly TimeSpan DeleteLimit = TimeSpan.FromSeconds(10);

    public PidFd Init { get; } = init;

    public ContainerState State { get; } = state;

    public ICgroup Cgroup { get; } = cgroup;

    public bool SharesPidNamespace => State.SharesPidNamespace;

    public OutOfMemoryWatch? OutOfMemory { get; } = state.HasMemoryLimit ? Watch(cgroup) : null;

    /// <summary>Null when the group has gone already (the container was quicker, and LXC removes the group itself), or the host gives no more watches: the count is read at the end all the same.</summary>
    private static OutOfMemoryWatch? Watch(ICgroup cgroup)
    {
        try
        {
            return cgroup.WatchOutOfMemory();
        }
        catch (KernelException)
        {
            return null;
        }
    }

    public abstract PidFd Exec(ExecRequest request, ChildStdio stdio);

    public abstract void SetPaused(bool paused);

    public abstract void Update(ResourcesSpec resources);

    public virtual void SignalAll(int signal)
    {
        if (signal == 9)
        {
            Cgroup.KillAsync(CancellationToken.None).GetAwaiter().GetResult();
            return;
        }
        foreach (int pid in Cgroup.Processes())
        {
            try
            {
                using var process = PidFd.Open(pid);
                process.Signal(signal);
            }
            catch (KernelException e) when (e.Errno == Errno.ESRCH)
            {
                // It has ended in the meantime.
            }
        }
    }

    /// <summary>Ends what runs in a group that belongs to no container any more, and removes it.</summary>
    public static void Clear(ICgroup cgroup)
    {
        cgroup.KillAsync(CancellationToken.None).GetAwaiter().GetResult();   // on a worker thread of its own
        if (!cgroup.TryDelete()) cgroup.DeleteAsync(DeleteLimit, CancellationToken.None).GetAwaiter().GetResult();
    }

    public virtual bool WasOutOfMemory() => Cgroup.ReadOutOfMemoryKills() > 0;

    public virtual void Checkpoint(CheckpointRequest request) => throw NoCheckpoints();

    protected DriverException NoCheckpoints() =>
        new(new Failure { Kind = FailureKind.Unsupported, Message = $"containers of the exec driver {State.Driver} cannot be checkpointed, only those of the native driver" });

    public virtual void Delete()
    {
        OutOfMemory?.Dispose();
        if (!Cgroup.TryDelete()) Cgroup.DeleteAsync(DeleteLimit, CancellationToken.None).GetAwaiter().GetResult();
    }
}
