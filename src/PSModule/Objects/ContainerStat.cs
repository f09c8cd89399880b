using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;

namespace Gantry.PowerShell.Objects;

/// <summary>What a container uses at one moment, and since it was started.</summary>
public sealed class ContainerStat
{
    /// <param name="before">An earlier sample, for what is measured between two; null when there is none.</param>
    internal ContainerStat(string name, string id, ContainerStats now, CpuStats? before, EngineSession session)
    {
        Name = name;
        Id = id;
        Time = WireTime.Parse(now.Read) ?? DateTimeOffset.Now;
        CpuPercent = Percent(now.Cpu, before ?? now.PreCpu);
        CpuTime = TimeSpan.FromTicks((long)(now.Cpu.Usage.Total / 100));
        MemoryUsed = (long)(now.Memory.Usage - Math.Min(now.Memory.Usage, Inactive(now.Memory)));
        MemoryLimit = (long)Math.Min(now.Memory.Limit, long.MaxValue);
        NetworkReceived = Sum(now.Networks?.Values.Select(n => n.RxBytes));
        NetworkSent = Sum(now.Networks?.Values.Select(n => n.TxBytes));
        BlockRead = Blocks(now, "read");
        BlockWritten = Blocks(now, "write");
        ProcessCount = (long)now.Pids.Current;
        Session = session;
    }

    public string Name { get; }

    public string Id { get; }

    public DateTimeOffset Time { get; }

    /// <summary>Between two samples, of one CPU: 150 is one and a half CPUs. Null where there is only one sample.</summary>
    public double? CpuPercent { get; }

    /// <summary>Since the container was started.</summary>
    public TimeSpan CpuTime { get; }

    /// <summary>Bytes, without the file cache that can be given back at once.</summary>
    public long MemoryUsed { get; }

    /// <summary>Bytes: the container's limit, or the host's memory.</summary>
    public long MemoryLimit { get; }

    public double? MemoryPercent => MemoryLimit == 0 ? null : 100.0 * MemoryUsed / MemoryLimit;

    /// <summary>Bytes since the start, all networks together. The same for the other three.</summary>
    public long NetworkReceived { get; }

    public long NetworkSent { get; }

    public long BlockRead { get; }

    public long BlockWritten { get; }

    /// <summary>Processes and threads.</summary>
    public long ProcessCount { get; }

    public EngineSession Session { get; }

    /// <summary>As the docker CLI reckons (reference 4.10).</summary>
    private static double? Percent(CpuStats now, CpuStats before)
    {
        if (before.SystemUsage == 0 || now.SystemUsage <= before.SystemUsage || now.Usage.Total < before.Usage.Total) return null;
        double cpus = now.OnlineCpus > 0 ? now.OnlineCpus : now.Usage.PerCpu?.Count ?? 1;
        return (now.Usage.Total - before.Usage.Total) / (double)(now.SystemUsage - before.SystemUsage) * cpus * 100;
    }

    /// <summary>File cache that nobody uses now: cgroup v1 and v2 name it differently.</summary>
    private static ulong Inactive(MemoryStats memory) =>
        memory.Stats is null ? 0 : memory.Stats.TryGetValue("total_inactive_file", out ulong v1) ? v1 : memory.Stats.GetValueOrDefault("inactive_file");

    private static long Blocks(ContainerStats stats, string operation) =>
        Sum(stats.Blkio.IoServiceBytesRecursive?.Where(e => e.Op.Equals(operation, StringComparison.OrdinalIgnoreCase)).Select(e => e.Value));

    private static long Sum(IEnumerable<ulong>? values) => values?.Aggregate(0L, (sum, value) => sum + (long)value) ?? 0;

    public override string ToString() => Name;
}
