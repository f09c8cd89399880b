using System.Globalization;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Linux.Cgroups;
using Gantry.Linux.Kernel;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Containers;

/// <param name="OneShot">With one sample there is nothing to compare it with: <c>precpu_stats</c> stays empty.</param>
public sealed record StatsRequest(string Name, bool Stream, bool OneShot);

public sealed partial class ContainerService
{
    private static readonly TimeSpan StatsInterval = TimeSpan.FromSeconds(1);

    private readonly CgroupfsDriver cgroups = new(CgroupLayout.Detect());

    /// <summary>The group in which a container runs: settings of the engine may have changed since it was started.</summary>
    private ICgroup GroupOf(Container container) =>
        cgroups.Open(container.Status.CgroupPath is { Length: > 0 } path ? path : settings.Groups.PathOf(container.Record.HostConfig, container.Id));

    /// <summary>What a container uses: each second, once, or once with the second before (reference 4.10).</summary>
    public async Task StatsAsync(Job job, StatsRequest request, CancellationToken cancellation)
    {
        var container = store.Get(request.Name);
        if (request is { Stream: true, OneShot: true }) throw EngineException.InvalidParameter("cannot have stream=true and one-shot=true");
        await job.Output.StartAsync(cancellation).ConfigureAwait(false);
        if (request.OneShot)
        {
            var only = Sample(container);
            if (container.Status.HasProcess) only.Name = only.Id = null;
            await SendAsync(job, only, cancellation).ConfigureAwait(false);
            return;
        }
        ContainerStats? before = null;
        using var timer = new PeriodicTimer(StatsInterval);
        while (true)
        {
            var sample = Sample(container);
            if (before is not null)
            {
                sample.PreCpu = before.Cpu;
                sample.Preread = before.Read;
            }
            bool running = container.Status.HasProcess;
            if (request.Stream || before is not null || !running) await SendAsync(job, sample, cancellation).ConfigureAwait(false);
            if (!request.Stream && (before is not null || !running)) return;
            if (store.Find(container.Id) is null) return;
            before = running ? sample : null;
            await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
        }
    }

    private static async Task SendAsync(Job job, ContainerStats sample, CancellationToken cancellation)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(sample, WireJson.TypeInfo<ContainerStats>()), (byte)'\n'];
        await job.Output.WriteAsync(line, cancellation).ConfigureAwait(false);
        await job.Output.FlushAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>One reading; of a container that does not run, just its name.</summary>
    private ContainerStats Sample(Container container)
    {
        var sample = new ContainerStats { Name = "/" + container.Name, Id = container.Id, Read = WireTime.Never, Preread = WireTime.Never };
        var status = container.Status;
        if (!status.HasProcess) return sample;
        try
        {
            StatsReading.Fill(sample, GroupOf(container).ReadStatistics(), cgroups.Layout.Version);
            sample.Read = WireTime.Format(DateTimeOffset.UtcNow);
            if (container.Record.HostConfig.NetworkMode != "host") sample.Networks = StatsReading.Networks(status.Pid);
        }
        catch (Exception e) when (e is KernelException or IOException && !container.Status.HasProcess)
        {
            // It has ended while it was read.
        }
        return sample;
    }
}

/// <summary>Puts the kernel's numbers into the wire's form.</summary>
internal static class StatsReading
{
    private static readonly ulong MachineMemory = ReadMachineMemory();

    public static void Fill(ContainerStats sample, CgroupStatistics read, int cgroupVersion)
    {
        sample.Pids = new PidsStats { Current = read.Pids ?? 0, Limit = cgroupVersion == 2 && read.PidsLimit == 0 ? ulong.MaxValue : read.PidsLimit };
        sample.Cpu = new CpuStats
        {
            Usage = new CpuUsage { Total = read.Cpu.Total, Kernel = read.Cpu.Kernel, User = read.Cpu.User, PerCpu = read.Cpu.PerCpu?.ToList() },
            SystemUsage = SystemUsage(),
            OnlineCpus = (uint)Environment.ProcessorCount,
            Throttling = new ThrottlingData { Periods = read.Cpu.Periods, ThrottledPeriods = read.Cpu.ThrottledPeriods, ThrottledTime = read.Cpu.ThrottledTime },
        };
        sample.Memory = new MemoryStats
        {
            Usage = read.Memory.Usage,
            MaxUsage = read.Memory.MaxUsage ?? 0,
            FailCount = read.Memory.FailCount,
            Limit = Math.Min(read.Memory.Limit, MachineMemory),
            Stats = new SortedDictionary<string, ulong>(read.Memory.Stat.ToDictionary(), StringComparer.Ordinal),
        };
        sample.Blkio = BlockIo(read.Block, cgroupVersion);
    }

    private static BlkioStats BlockIo(CgroupBlockStatistics read, int cgroupVersion)
    {
        var bytes = Entries(read.ServiceBytes);
        if (cgroupVersion == 2) return new BlkioStats { IoServiceBytesRecursive = bytes };
        return new BlkioStats
        {
            IoServiceBytesRecursive = bytes, IoServicedRecursive = Entries(read.Serviced), IoQueuedRecursive = [], IoServiceTimeRecursive = [],
            IoWaitTimeRecursive = [], IoMergedRecursive = [], IoTimeRecursive = [], SectorsRecursive = [],
        };
    }

    private static List<BlkioEntry> Entries(IReadOnlyList<BlockDeviceCount> counts) =>
        [.. counts.Select(c => new BlkioEntry { Major = c.Major, Minor = c.Minor, Op = c.Operation, Value = c.Value })];

    /// <summary>Nanoseconds that all CPUs of the machine have spent, idle ones included (proc(5), <c>/proc/stat</c>).</summary>
    private static ulong SystemUsage()
    {
        const ulong nanosecondsPerTick = 10_000_000;
        using var file = File.OpenText("/proc/stat");
        string line = file.ReadLine() ?? "";
        ulong ticks = 0;
        foreach (string field in line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(7)) ticks += ulong.Parse(field, CultureInfo.InvariantCulture);
        return ticks * nanosecondsPerTick;
    }

    /// <summary>Counters of every interface but the loopback, read in the namespace of a process.</summary>
    public static SortedDictionary<string, NetworkStats> Networks(int pid)
    {
        var networks = new SortedDictionary<string, NetworkStats>(StringComparer.Ordinal);
        foreach (string line in File.ReadLines($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/net/dev").Skip(2))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            string name = line[..colon].Trim();
            if (name == "lo") continue;
            string[] fields = line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            ulong Field(int i) => ulong.Parse(fields[i], CultureInfo.InvariantCulture);
            networks[name] = new NetworkStats
            {
                RxBytes = Field(0), RxPackets = Field(1), RxErrors = Field(2), RxDropped = Field(3), TxBytes = Field(8), TxPackets = Field(9), TxErrors = Field(10), TxDropped = Field(11),
            };
        }
        return networks;
    }

    private static ulong ReadMachineMemory()
    {
        string line = File.ReadLines("/proc/meminfo").First(l => l.StartsWith("MemTotal:", StringComparison.Ordinal));
        return ulong.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
