namespace Gantry.Linux.Cgroups;

/// <summary>What a group has used and uses, as the kernel counts it. Null stands for a number that this kernel or cgroup version does not keep.</summary>
public sealed record CgroupStatistics
{
    public required CgroupCpuStatistics Cpu { get; init; }

    public required CgroupMemoryStatistics Memory { get; init; }

    /// <summary>Processes and threads now.</summary>
    public ulong? Pids { get; init; }

    /// <summary>0 is unlimited.</summary>
    public ulong PidsLimit { get; init; }

    public required CgroupBlockStatistics Block { get; init; }
}

/// <summary>Nanoseconds, and counts of periods.</summary>
public sealed record CgroupCpuStatistics
{
    public ulong Total { get; init; }

    public ulong User { get; init; }

    public ulong Kernel { get; init; }

    /// <summary>For each CPU; v1 only.</summary>
    public IReadOnlyList<ulong>? PerCpu { get; init; }

    public ulong Periods { get; init; }

    public ulong ThrottledPeriods { get; init; }

    public ulong ThrottledTime { get; init; }
}

/// <summary>Bytes.</summary>
public sealed record CgroupMemoryStatistics
{
    public ulong Usage { get; init; }

    /// <summary>v1 only.</summary>
    public ulong? MaxUsage { get; init; }

    /// <summary>v1: how often the limit was hit; v2: how often the group was out of memory (the <c>oom</c> line of <c>memory.events</c>).</summary>
    public ulong FailCount { get; init; }

    /// <summary><see cref="ulong.MaxValue"/> (v2) or a number beyond every machine's memory (v1) is unlimited.</summary>
    public ulong Limit { get; init; }

    /// <summary>The lines of <c>memory.stat</c>.</summary>
    public IReadOnlyDictionary<string, ulong> Stat { get; init; } = new Dictionary<string, ulong>();
}

/// <summary>Traffic with block devices, this group's and of those below it.</summary>
public sealed record CgroupBlockStatistics
{
    /// <summary>Bytes.</summary>
    public IReadOnlyList<BlockDeviceCount> ServiceBytes { get; init; } = [];

    /// <summary>Operations.</summary>
    public IReadOnlyList<BlockDeviceCount> Serviced { get; init; } = [];
}

/// <param name="Operation">v1: <c>Read</c>, <c>Write</c>, <c>Sync</c>, <c>Async</c>, <c>Discard</c>, <c>Total</c>; v2: <c>read</c>, <c>write</c>.</param>
public readonly record struct BlockDeviceCount(uint Major, uint Minor, string Operation, ulong Value);
