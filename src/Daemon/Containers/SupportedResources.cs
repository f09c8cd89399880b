using Gantry.Linux.Cgroups;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Containers;

/// <summary>Takes out limits that this kernel cannot set, with a warning for each, in dockerd's words (reference B18).</summary>
internal static class SupportedResources
{
    /// <param name="limits">Of a create or an update request.</param>
    /// <param name="kernel">What the kernel can limit; null where that is not known, and everything is kept.</param>
    public static T Keep<T>(T limits, CgroupFeatures? kernel, List<string> warnings) where T : Resources
    {
        if (kernel is null) return limits;
        var kept = (Resources)limits;
        bool Lacks(bool supported, bool asked, string warning)
        {
            if (supported || !asked) return false;
            warnings.Add(warning);
            return true;
        }

        if (Lacks(kernel.Memory, kept.Memory > 0, "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.")) kept = kept with { Memory = 0, MemorySwap = -1 };
        if (Lacks(kernel.MemorySwap, kept.Memory > 0 && kept.MemorySwap != -1, "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.")) kept = kept with { MemorySwap = -1 };
        bool legacy = kernel.OomKillDisable || kernel.MemorySwappiness;
        if (Lacks(kernel.MemorySwappiness, kept.MemorySwappiness is not (null or -1), "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.")) kept = kept with { MemorySwappiness = null };
        if (Lacks(kernel.MemoryReservation, kept.MemoryReservation > 0, "Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation discarded.")) kept = kept with { MemoryReservation = 0 };
        if (Lacks(kernel.OomKillDisable, kept.OomKillDisable is true, "Your kernel does not support OomKillDisable. OomKillDisable discarded.")) kept = kept with { OomKillDisable = null };
        if (legacy && kept is { OomKillDisable: true, Memory: 0 }) warnings.Add("OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.");
        if (Lacks(kernel.Pids, kept.PidsLimit is > 0, "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.")) kept = kept with { PidsLimit = null };
        if (Lacks(kernel.CpuShares, kept.CpuShares > 0, "Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.")) kept = kept with { CpuShares = 0 };
        if (Lacks(kernel.CpuPeriod, kept.CpuPeriod > 0, "Your kernel does not support CPU CFS period or the cgroup is not mounted. Period discarded.")) kept = kept with { CpuPeriod = 0 };
        if (Lacks(kernel.CpuQuota, kept.CpuQuota > 0, "Your kernel does not support CPU CFS quota or the cgroup is not mounted. Quota discarded.")) kept = kept with { CpuQuota = 0 };
        if (!(kernel.CpuQuota && kernel.CpuPeriod) && kept.NanoCpus > 0)
            throw Engine.EngineException.InvalidParameter("NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted");
        if (Lacks(kernel.Cpuset, kept.CpusetCpus.Length + kept.CpusetMems.Length > 0, "Your kernel does not support cpuset or the cgroup is not mounted. CPUset discarded.")) kept = kept with { CpusetCpus = "", CpusetMems = "" };
        if (Lacks(kernel.BlkioWeight, kept.BlkioWeight > 0, "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.")) kept = kept with { BlkioWeight = 0 };
        if (Lacks(kernel.BlkioWeightDevice, kept.BlkioWeightDevice is { Count: > 0 }, "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.")) kept = kept with { BlkioWeightDevice = [] };
        if (Lacks(kernel.BlkioThrottle, kept.BlkioDeviceReadBps is { Count: > 0 }, "Your kernel does not support BPS Block I/O read limit or the cgroup is not mounted. Block I/O BPS read limit discarded.")) kept = kept with { BlkioDeviceReadBps = [] };
        if (Lacks(kernel.BlkioThrottle, kept.BlkioDeviceWriteBps is { Count: > 0 }, "Your kernel does not support BPS Block I/O write limit or the cgroup is not mounted. Block I/O BPS write limit discarded.")) kept = kept with { BlkioDeviceWriteBps = [] };
        if (Lacks(kernel.BlkioThrottle, kept.BlkioDeviceReadIOps is { Count: > 0 }, "Your kernel does not support IOPS Block read limit or the cgroup is not mounted. Block I/O IOPS read limit discarded.")) kept = kept with { BlkioDeviceReadIOps = [] };
        if (Lacks(kernel.BlkioThrottle, kept.BlkioDeviceWriteIOps is { Count: > 0 }, "Your kernel does not support IOPS Block write limit or the cgroup is not mounted. Block I/O IOPS write limit discarded.")) kept = kept with { BlkioDeviceWriteIOps = [] };
        return (T)kept;
    }
}
