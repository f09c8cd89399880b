namespace Gantry.Daemon.SystemInfo;

/// <summary>Which limits the kernel's cgroups can set here.</summary>
internal sealed record CgroupFacts
{
    private const string Root = "/sys/fs/cgroup";

    /// <summary><c>1</c> or <c>2</c>.</summary>
    public required string Version { get; init; }

    public bool Memory { get; init; }

    public bool Swap { get; init; }

    public bool KernelMemoryTcp { get; init; }

    public bool OomKillDisable { get; init; }

    public bool CpuPeriod { get; init; }

    public bool CpuQuota { get; init; }

    public bool CpuShares { get; init; }

    public bool CpuSet { get; init; }

    public bool Pids { get; init; }

    public static CgroupFacts Read() => File.Exists($"{Root}/cgroup.controllers") ? ReadUnified() : ReadV1();

    private static CgroupFacts ReadUnified()
    {
        string[] controllers = File.ReadAllText($"{Root}/cgroup.controllers").Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        bool memory = controllers.Contains("memory"), cpu = controllers.Contains("cpu");
        return new CgroupFacts
        {
            Version = "2",
            Memory = memory,
            // The root group has no such file; any other shows whether the kernel counts swap.
            Swap = memory && Directory.EnumerateDirectories(Root).Any(group => File.Exists($"{group}/memory.swap.max")),
            CpuPeriod = cpu,
            CpuQuota = cpu,
            CpuShares = cpu,
            CpuSet = controllers.Contains("cpuset"),
            Pids = controllers.Contains("pids"),
        };
    }

    private static CgroupFacts ReadV1() => new()
    {
        Version = "1",
        Memory = File.Exists($"{Root}/memory/memory.limit_in_bytes"),
        Swap = File.Exists($"{Root}/memory/memory.memsw.limit_in_bytes"),
        KernelMemoryTcp = File.Exists($"{Root}/memory/memory.kmem.tcp.limit_in_bytes"),
        OomKillDisable = File.Exists($"{Root}/memory/memory.oom_control"),
        CpuPeriod = File.Exists($"{Root}/cpu/cpu.cfs_period_us"),
        CpuQuota = File.Exists($"{Root}/cpu/cpu.cfs_quota_us"),
        CpuShares = File.Exists($"{Root}/cpu/cpu.shares"),
        CpuSet = File.Exists($"{Root}/cpuset/cpuset.cpus"),
        Pids = Directory.Exists($"{Root}/pids"),
    };
}
