using Gantry.Linux.Kernel;

namespace Gantry.Linux.Cgroups;

/// <summary>One group, in all hierarchies at once. Holds nothing open: it may be made anew from its path at any time.</summary>
/// <remarks>All operations are thread-safe in so far as the kernel's are. Errors are <see cref="KernelException"/> with the file's name in the step.</remarks>
public interface ICgroup
{
    /// <summary>From the root of the hierarchies: <c>/gantry/4f2a…</c>.</summary>
    string Path { get; }

    /// <summary>The group's directory in a hierarchy: <c>/sys/fs/cgroup/memory/gantry/4f2a…</c>.</summary>
    string PathIn(CgroupHierarchy hierarchy);

    /// <summary>Sets the limits that are not null, at creation or later. Those of a controller that this kernel lacks are refused.</summary>
    /// <exception cref="KernelException">The kernel refuses one; earlier ones stay set.</exception>
    void Apply(CgroupLimits limits);

    /// <summary>The descriptors by which a new process gets into the group.</summary>
    CgroupEntry OpenEntry();

    /// <summary>Stops every process in the group. Done when all of them stand still.</summary>
    /// <exception cref="KernelException"><c>ETIMEDOUT</c> when some did not within ten seconds; the group is thawed again.</exception>
    Task FreezeAsync(CancellationToken cancellation);

    /// <summary>Lets the processes run on.</summary>
    void Thaw();

    /// <summary>What the group uses now.</summary>
    CgroupStatistics ReadStatistics();

    /// <summary>Ids of the processes in the group, as seen from this process's pid namespace.</summary>
    /// <param name="recursive">Also of those in groups below it.</param>
    IReadOnlyList<int> Processes(bool recursive = true);

    /// <summary>Ends every process in the group and in those below it, frozen ones too. They may still be on their way out when it returns.</summary>
    Task KillAsync(CancellationToken cancellation);

    /// <summary>Watches for the kernel's out-of-memory killer at work in the group.</summary>
    OutOfMemoryWatch WatchOutOfMemory();

    /// <summary>How many processes of the group the out-of-memory killer has ended; 0 when there is no memory controller.</summary>
    long ReadOutOfMemoryKills();

    /// <summary>Removes the group from all hierarchies, with those below it. False while a process is in it: then nothing is lost, try again later.</summary>
    bool TryDelete();

    /// <summary>Tries to remove the group until it is gone.</summary>
    /// <exception cref="KernelException"><c>EBUSY</c>: processes are still in it after <paramref name="limit"/>.</exception>
    Task DeleteAsync(TimeSpan limit, CancellationToken cancellation);
}
