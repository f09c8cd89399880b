using System.Globalization;
using System.Text;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Cgroups;

/// <summary>Writing limits to the controllers of cgroup v2.</summary>
internal sealed partial class UnifiedCgroup
{
    public override void Apply(CgroupLimits limits)
    {
        if (limits.Devices is { } rules) DeviceProgram.Attach(group, rules);
        if (limits.CpusetCpus is { Length: > 0 } cpus) group.Write("cpuset.cpus"u8, cpus);
        if (limits.CpusetMems is { Length: > 0 } mems) group.Write("cpuset.mems"u8, mems);
        ApplyCpu(limits);
        ApplyMemory(limits);
        if (limits.Pids is { } count) group.Write("pids.max"u8, count <= 0 ? "max" : Text(count));
        ApplyIo(limits);
        foreach (var (file, value) in limits.Unified ?? new Dictionary<string, string>())
        {
            if (file.Contains('/')) throw new KernelException($"set unified resource {file} of cgroup {Path}: not a file name", Errno.EINVAL);
            group.Write(Encoding.UTF8.GetBytes(file), value);
        }
    }

    private void ApplyCpu(CgroupLimits limits)
    {
        if (limits.CpuShares is { } shares && shares != 0) group.Write("cpu.weight"u8, Text(UnifiedConversion.CpuWeight(shares)));
        long period = limits.CpuPeriod ?? 0, quota = limits.CpuQuota ?? 0;
        if (period != 0 || quota != 0)
        {
            var (quotaNow, periodNow) = ReadCpuMax();
            string text = quota == 0 ? quotaNow : quota < 0 ? "max" : Text(quota);
            group.Write("cpu.max"u8, $"{text} {(period == 0 ? periodNow : Text(period))}");
        }
        if (limits.CpuRealtimePeriod is > 0 || limits.CpuRealtimeRuntime is > 0)
            throw new KernelException($"limit real-time CPU of cgroup {Path}: cgroup v2 has no such limit", Errno.EOPNOTSUPP);
    }

    private (string Quota, string Period) ReadCpuMax()
    {
        Span<byte> text = stackalloc byte[64];
        int length = group.Read("cpu.max"u8, text);
        string[] words = length > 0 ? Encoding.ASCII.GetString(text[..length]).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries) : [];
        return words.Length == 2 ? (words[0], words[1]) : ("max", "100000");
    }

    private void ApplyMemory(CgroupLimits limits)
    {
        long limit = limits.Memory ?? 0, total = limits.MemoryAndSwap ?? 0;
        if (limit < 0 && total == 0 && group.Exists("memory.swap.max"u8)) total = -1;
        if (total != 0)
        {
            long inForce = limit != 0 ? limit : group.ReadNumber("memory.max"u8) is { } now and not ulong.MaxValue ? (long)now : -1;
            WriteSwap(total, inForce);
        }
        if (limit != 0) group.Write("memory.max"u8, limit < 0 ? "max" : Text(limit));
        if (limits.MemoryReservation is { } reservation && reservation != 0) group.Write("memory.low"u8, Text(Math.Max(0, reservation)));
    }

    private void WriteSwap(long total, long memoryLimit)
    {
        long swap;
        try
        {
            swap = UnifiedConversion.Swap(total, memoryLimit);
        }
        catch (ArgumentException e)
        {
            throw new KernelException($"limit swap of cgroup {Path}: {e.Message}", Errno.EINVAL);
        }
        group.Write("memory.swap.max"u8, swap < 0 ? "max" : Text(swap));
    }

    private void ApplyIo(CgroupLimits limits)
    {
        bool bfq = (limits.BlkioWeight is > 0 || limits.BlkioWeightDevices is { Count: > 0 }) && group.Exists("io.bfq.weight"u8);
        var file = bfq ? "io.bfq.weight"u8 : "io.weight"u8;
        if (limits.BlkioWeight is { } weight && weight != 0) group.Write(file, "default " + Text(bfq ? weight : UnifiedConversion.IoWeight(weight)));
        foreach (var device in limits.BlkioWeightDevices ?? [])
            group.Write(file, string.Create(CultureInfo.InvariantCulture, $"{device.Major}:{device.Minor} {(bfq ? device.Weight : UnifiedConversion.IoWeight(device.Weight))}"));
        WriteRates("rbps", limits.BlkioReadBps);
        WriteRates("wbps", limits.BlkioWriteBps);
        WriteRates("riops", limits.BlkioReadIops);
        WriteRates("wiops", limits.BlkioWriteIops);
    }

    private void WriteRates(string key, IReadOnlyList<BlockDeviceRate>? rates)
    {
        foreach (var rate in rates ?? [])
            group.Write("io.max"u8, string.Create(CultureInfo.InvariantCulture, $"{rate.Major}:{rate.Minor} {key}={(rate.Rate == 0 ? "max" : rate.Rate.ToString(CultureInfo.InvariantCulture))}"));
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
