namespace Gantry.Linux.Cgroups;

/// <summary>Which limits the kernel of this machine can set: what the API's <c>info</c> says, and what a container's creation is checked against.</summary>
public sealed record CgroupFeatures
{
    public bool Memory { get; init; }

    public bool MemorySwap { get; init; }

    public bool MemoryReservation { get; init; }

    public bool MemorySwappiness { get; init; }

    public bool OomKillDisable { get; init; }

    public bool KernelMemoryTcp { get; init; }

    public bool CpuShares { get; init; }

    public bool CpuPeriod { get; init; }

    public bool CpuQuota { get; init; }

    public bool CpuRealtime { get; init; }

    public bool Cpuset { get; init; }

    public bool Pids { get; init; }

    public bool BlkioWeight { get; init; }

    public bool BlkioWeightDevice { get; init; }

    public bool BlkioThrottle { get; init; }

    public bool Devices { get; init; }

    public bool Freezer { get; init; }
}
