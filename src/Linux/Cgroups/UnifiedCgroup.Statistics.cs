namespace Gantry.Linux.Cgroups;

/// <summary>Reading what the controllers of cgroup v2 count.</summary>
internal sealed partial class UnifiedCgroup
{
    private const ulong NanosecondsPerMicrosecond = 1000;

    public override CgroupStatistics ReadStatistics() => new()
    {
        Cpu = ReadCpu(),
        Memory = ReadMemory(),
        Pids = group.ReadNumber("pids.current"u8),
        PidsLimit = group.ReadNumber("pids.max"u8) is { } limit and not ulong.MaxValue ? limit : 0,
        Block = ReadIo(),
    };

    private CgroupCpuStatistics ReadCpu()
    {
        Span<byte> buffer = stackalloc byte[2048];
        var text = buffer[..Math.Max(0, group.Read("cpu.stat"u8, buffer))];
        return new CgroupCpuStatistics
        {
            Total = ControlFile.Value(text, "usage_usec"u8) * NanosecondsPerMicrosecond,
            User = ControlFile.Value(text, "user_usec"u8) * NanosecondsPerMicrosecond,
            Kernel = ControlFile.Value(text, "system_usec"u8) * NanosecondsPerMicrosecond,
            Periods = ControlFile.Value(text, "nr_periods"u8),
            ThrottledPeriods = ControlFile.Value(text, "nr_throttled"u8),
            ThrottledTime = ControlFile.Value(text, "throttled_usec"u8) * NanosecondsPerMicrosecond,
        };
    }

    private CgroupMemoryStatistics ReadMemory()
    {
        Span<byte> buffer = stackalloc byte[8192];
        var table = StatTable.Parse(buffer[..Math.Max(0, group.Read("memory.stat"u8, buffer))]);
        var events = buffer[..Math.Max(0, group.Read("memory.events"u8, buffer))];
        return new CgroupMemoryStatistics
        {
            Usage = group.ReadNumber("memory.current"u8) ?? 0,
            FailCount = ControlFile.Value(events, "oom"u8),
            Limit = group.ReadNumber("memory.max"u8) ?? 0,
            Stat = table,
        };
    }

    /// <summary>Lines such as <c>8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0</c>.</summary>
    private CgroupBlockStatistics ReadIo()
    {
        Span<byte> buffer = stackalloc byte[8192];
        ReadOnlySpan<byte> text = buffer[..Math.Max(0, group.Read("io.stat"u8, buffer))];
        var bytes = new List<BlockDeviceCount>();
        var operations = new List<BlockDeviceCount>();
        while (ControlFile.NextLine(ref text, out var line))
        {
            if (!StatTable.TryTakeDevice(ref line, out uint major, out uint minor)) continue;
            while (ControlFile.NextWord(ref line, out var word))
            {
                int sign = word.IndexOf((byte)'=');
                if (sign < 0) continue;
                ulong value = ControlFile.Number(word[(sign + 1)..]);
                var key = word[..sign];
                if (key.SequenceEqual("rbytes"u8)) bytes.Add(new BlockDeviceCount(major, minor, "read", value));
                else if (key.SequenceEqual("wbytes"u8)) bytes.Add(new BlockDeviceCount(major, minor, "write", value));
                else if (key.SequenceEqual("rios"u8)) operations.Add(new BlockDeviceCount(major, minor, "read", value));
                else if (key.SequenceEqual("wios"u8)) operations.Add(new BlockDeviceCount(major, minor, "write", value));
            }
        }
        return new CgroupBlockStatistics { ServiceBytes = bytes, Serviced = operations };
    }
}
