namespace Gantry.Linux.Cgroups;

/// <summary>Finds out what can be limited, from the files that the controllers show.</summary>
internal static class FeatureProbe
{
    public static CgroupFeatures Legacy(CgroupDirectory[] roots)
    {
        CgroupDirectory? Root(string controller)
        {
            foreach (var root in roots)
                if (!root.Hierarchy.Unified && root.Hierarchy.Has(controller)) return root;
            return null;
        }
        bool Shows(string controller, ReadOnlySpan<byte> file) => Root(controller) is { } root && (root.Exists(file) || InChild(root, file));
        return new CgroupFeatures
        {
            Memory = Shows("memory", "memory.limit_in_bytes"u8),
            MemorySwap = Shows("memory", "memory.memsw.limit_in_bytes"u8),
            MemoryReservation = Shows("memory", "memory.soft_limit_in_bytes"u8),
            MemorySwappiness = Shows("memory", "memory.swappiness"u8),
            OomKillDisable = Shows("memory", "memory.oom_control"u8),
            KernelMemoryTcp = Shows("memory", "memory.kmem.tcp.limit_in_bytes"u8),
            CpuShares = Shows("cpu", "cpu.shares"u8),
            CpuPeriod = Shows("cpu", "cpu.cfs_period_us"u8),
            CpuQuota = Shows("cpu", "cpu.cfs_quota_us"u8),
            CpuRealtime = Shows("cpu", "cpu.rt_period_us"u8) && Shows("cpu", "cpu.rt_runtime_us"u8),
            Cpuset = Root("cpuset") is not null,
            Pids = Root("pids") is not null,
            BlkioWeight = Shows("blkio", "blkio.weight"u8) || Shows("blkio", "blkio.bfq.weight"u8),
            BlkioWeightDevice = Shows("blkio", "blkio.weight_device"u8) || (Shows("blkio", "blkio.bfq.weight_device"u8) && AnyDiskUsesBfq()),
            BlkioThrottle = Shows("blkio", "blkio.throttle.read_bps_device"u8),
            Devices = Root("devices") is not null,
            Freezer = Root("freezer") is not null,
        };
    }

    /// <summary>On v2 the root group has no limits of its own: controllers are listed, and swap shows in a group below.</summary>
    public static CgroupFeatures Unified(CgroupDirectory root)
    {
        bool Has(string controller) => root.Hierarchy.Has(controller);
        return new CgroupFeatures
        {
            Memory = Has("memory"),
            MemorySwap = Has("memory") && InChild(root, "memory.swap.max"u8),
            MemoryReservation = Has("memory"),
            CpuShares = Has("cpu"),
            CpuPeriod = Has("cpu"),
            CpuQuota = Has("cpu"),
            Cpuset = Has("cpuset"),
            Pids = Has("pids"),
            BlkioWeight = Has("io"),
            BlkioWeightDevice = Has("io"),
            BlkioThrottle = Has("io"),
            Devices = true,
            Freezer = true,
        };
    }

    /// <summary>The weight of one disk is a matter of its scheduler: with another one the kernel refuses it.</summary>
    private static bool AnyDiskUsesBfq()
    {
        try
        {
            return Directory.EnumerateDirectories("/sys/block").Any(disk => ControlFile.TryReadText(disk + "/queue/scheduler")?.Contains("[bfq]", StringComparison.Ordinal) == true);
        }
        catch (IOException)
        {
            return false;   // no /sys/block
        }
    }

    private static bool InChild(CgroupDirectory root, ReadOnlySpan<byte> file)
    {
        foreach (var child in root.Children())
            if (child.Exists(file)) return true;
        return false;
    }
}
