using System.Buffers.Text;

namespace Gantry.Linux.Cgroups;

/// <summary>Reading what v1 controllers count.</summary>
internal sealed partial class LegacyCgroup
{
    /// <summary><c>cpuacct.stat</c> counts in ticks of 1/100 s (USER_HZ, the same on every architecture that .NET runs on).</summary>
    private const ulong NanosecondsPerTick = 10_000_000;

    public override CgroupStatistics ReadStatistics() => new()
    {
        Cpu = ReadCpu(),
        Memory = ReadMemory(),
        Pids = pids?.ReadNumber("pids.current"u8),
        PidsLimit = pids?.ReadNumber("pids.max"u8) is { } limit and not ulong.MaxValue ? limit : 0,
        Block = ReadBlock(),
    };

    private CgroupCpuStatistics ReadCpu()
    {
        Span<byte> buffer = stackalloc byte[4096];
        ulong user = 0, kernel = 0, total = 0;
        List<ulong>? perCpu = null;
        if (cpuacct is { } account)
        {
            total = account.ReadNumber("cpuacct.usage"u8) ?? 0;
            perCpu = ReadPerCpu(account);
            int length = Math.Max(0, account.Read("cpuacct.stat"u8, buffer));
            user = ControlFile.Value(buffer[..length], "user"u8) * NanosecondsPerTick;
            kernel = ControlFile.Value(buffer[..length], "system"u8) * NanosecondsPerTick;
        }
        int stat = Math.Max(0, cpu?.Read("cpu.stat"u8, buffer) ?? 0);
        return new CgroupCpuStatistics
        {
            Total = total,
            User = user,
            Kernel = kernel,
            PerCpu = perCpu,
            Periods = ControlFile.Value(buffer[..stat], "nr_periods"u8),
            ThrottledPeriods = ControlFile.Value(buffer[..stat], "nr_throttled"u8),
            ThrottledTime = ControlFile.Value(buffer[..stat], "throttled_time"u8),
        };
    }

    private static List<ulong>? ReadPerCpu(CgroupDirectory account)
    {
        // 20 digits and a blank for each CPU of the machine; a thousand of them still fit.
        byte[] buffer = new byte[Math.Max(512, Environment.ProcessorCount * 21 * 4)];
        int length = account.Read("cpuacct.usage_percpu"u8, buffer);
        if (length <= 0) return null;
        var values = new List<ulong>();
        ReadOnlySpan<byte> line = buffer.AsSpan(0, length).TrimEnd((byte)'\n');
        while (ControlFile.NextWord(ref line, out var word))
            if (Utf8Parser.TryParse(word, out ulong value, out _)) values.Add(value);
        return values;
    }

    private CgroupMemoryStatistics ReadMemory()
    {
        if (memory is not { } group) return new CgroupMemoryStatistics();
        Span<byte> buffer = stackalloc byte[8192];
        int length = Math.Max(0, group.Read("memory.stat"u8, buffer));
        return new CgroupMemoryStatistics
        {
            Usage = group.ReadNumber("memory.usage_in_bytes"u8) ?? 0,
            MaxUsage = group.ReadNumber("memory.max_usage_in_bytes"u8),
            FailCount = group.ReadNumber("memory.failcnt"u8) ?? 0,
            Limit = group.ReadNumber("memory.limit_in_bytes"u8) ?? 0,
            Stat = StatTable.Parse(buffer[..length]),
        };
    }

    private CgroupBlockStatistics ReadBlock()
    {
        if (blkio is not { } group) return new CgroupBlockStatistics();
        // Only the scheduler in use counts: BFQ when it has something to tell, else the throttling layer, which every request passes.
        var bytes = ReadCounts(group, "blkio.bfq.io_service_bytes_recursive"u8);
        return bytes.Count > 0
            ? new CgroupBlockStatistics { ServiceBytes = bytes, Serviced = ReadCounts(group, "blkio.bfq.io_serviced_recursive"u8) }
            : new CgroupBlockStatistics
            {
                ServiceBytes = ReadCounts(group, "blkio.throttle.io_service_bytes_recursive"u8),
                Serviced = ReadCounts(group, "blkio.throttle.io_serviced_recursive"u8),
            };
    }

    /// <summary>Lines such as <c>8:0 Read 4096</c>, and a last one <c>Total 4096</c> that belongs to no device.</summary>
    private static List<BlockDeviceCount> ReadCounts(CgroupDirectory group, ReadOnlySpan<byte> file)
    {
        Span<byte> buffer = stackalloc byte[8192];
        int length = Math.Max(0, group.Read(file, buffer));
        var counts = new List<BlockDeviceCount>();
        ReadOnlySpan<byte> text = buffer[..length];
        while (ControlFile.NextLine(ref text, out var line))
        {
            if (StatTable.TryTakeDevice(ref line, out uint major, out uint minor)
                && ControlFile.NextWord(ref line, out var operation) && ControlFile.NextWord(ref line, out var value))
            {
                counts.Add(new BlockDeviceCount(major, minor, StatTable.Intern(operation), ControlFile.Number(value)));
            }
        }
        return counts;
    }
}
