using System.Diagnostics;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Cgroups;

/// <summary>What groups of both versions have in common: a directory in each hierarchy, processes, an end.</summary>
internal abstract class Cgroup(string path, CgroupDirectory[] directories) : ICgroup
{
    protected static readonly TimeSpan FreezeLimit = TimeSpan.FromSeconds(10);
    private const int SigKill = 9;

    public string Path { get; } = path;

    /// <summary>One for each hierarchy of the layout, in its order.</summary>
    protected CgroupDirectory[] Directories { get; } = directories;

    public string PathIn(CgroupHierarchy hierarchy) => hierarchy.MountPoint + Path;

    public abstract void Apply(CgroupLimits limits);

    public abstract CgroupEntry OpenEntry();

    public abstract Task FreezeAsync(CancellationToken cancellation);

    public abstract void Thaw();

    public abstract CgroupStatistics ReadStatistics();

    public abstract OutOfMemoryWatch WatchOutOfMemory();

    public abstract long ReadOutOfMemoryKills();

    /// <summary>The directory whose <c>cgroup.procs</c> is asked who is in the group.</summary>
    protected abstract CgroupDirectory ProcessDirectory { get; }

    /// <summary>The directory in the unified hierarchy, whose <c>cgroup.kill</c> ends everything at one stroke (Linux 5.14).</summary>
    protected abstract CgroupDirectory? KillDirectory { get; }

    public IReadOnlyList<int> Processes(bool recursive)
    {
        var processes = new List<int>();
        ProcessDirectory.AddProcesses(processes, recursive);
        return processes;
    }

    public async Task KillAsync(CancellationToken cancellation)
    {
        bool told = KillDirectory is { } unified && unified.TryWrite("cgroup.kill"u8, "1"u8) == 0;
        for (int round = 0; ; round++)
        {
            if (Processes(recursive: true).Count == 0) return;
            if (!told || round == 6) break;
            await WaitAsync(round, cancellation).ConfigureAwait(false);
        }
        // Frozen, so that nothing forks away between the reading of the list and the last signal. A group that does not freeze is killed all the same.
        try
        {
            await FreezeAsync(cancellation).ConfigureAwait(false);
        }
        catch (KernelException)
        {
        }
        for (int round = 0; round < 100 && Processes(recursive: true) is { Count: > 0 } rest; round++)
        {
            foreach (int pid in rest) Syscall.Call(SyscallNumber.Kill, pid, SigKill);
            Thaw();
            await WaitAsync(round, cancellation).ConfigureAwait(false);
        }
        Thaw();
    }

    public bool TryDelete()
    {
        bool gone = true;
        foreach (var directory in Directories) gone &= directory.TryRemoveTree();
        return gone;
    }

    public async Task DeleteAsync(TimeSpan limit, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        for (int round = 0; !TryDelete(); round++)
        {
            if (Stopwatch.GetElapsedTime(start) > limit) throw new KernelException($"remove cgroup {Path}: processes {string.Join(", ", Processes(recursive: true))} are still in it", Errno.EBUSY);
            await WaitAsync(round, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>A pause that grows from a quarter of a millisecond to 32: v1 tells nobody when a group becomes empty or frozen, so it has to be asked.</summary>
    protected static Task WaitAsync(int round, CancellationToken cancellation) =>
        Task.Delay(TimeSpan.FromMilliseconds(Math.Min(32, 0.25 * (1 << Math.Min(round, 7)))), cancellation);
}
