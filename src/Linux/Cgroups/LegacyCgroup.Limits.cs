using System.Globalization;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Cgroups;

/// <summary>Writing limits to v1 controllers (kernel: <c>Documentation/admin-guide/cgroup-v1/</c>).</summary>
internal sealed partial class LegacyCgroup
{
    public override void Apply(CgroupLimits limits)
    {
        // Devices first: should a later value be refused, nothing has been opened up.
        if (limits.Devices is { } rules) ApplyDevices(rules);
        ApplyCpuset(limits);
        ApplyCpu(limits);
        ApplyMemory(limits);
        if (limits.Pids is { } count) Require(pids, "pids").Write("pids.max"u8, count <= 0 ? "max" : Text(count));
        ApplyBlkio(limits);
        if (limits.Unified is { Count: > 0 })
            throw new KernelException($"set unified resources of cgroup {Path}: this machine's controllers are of cgroup v1", Errno.EOPNOTSUPP);
    }

    private void ApplyDevices(IReadOnlyList<DeviceRule> rules)
    {
        var group = Require(devices, "devices");
        using var allow = group.Open("devices.allow"u8, ControlFile.WriteOnly);
        using var deny = group.Open("devices.deny"u8, ControlFile.WriteOnly);
        foreach (var rule in rules)
        {
            // For all devices the kernel reads the letter and nothing else.
            string text = rule is { Type: 'a', Major: null, Minor: null } ? "a" : rule.ToString();
            int result = ControlFile.Write((rule.Allow ? allow : deny).Number, System.Text.Encoding.ASCII.GetBytes(text));
            if (result < 0) throw group.Refused(rule.Allow ? "devices.allow"u8 : "devices.deny"u8, text, result);
        }
    }

    private void ApplyCpuset(CgroupLimits limits)
    {
        if (limits.CpusetCpus is { Length: > 0 } cpus) Require(cpuset, "cpuset").Write("cpuset.cpus"u8, cpus);
        if (limits.CpusetMems is { Length: > 0 } mems) Require(cpuset, "cpuset").Write("cpuset.mems"u8, mems);
    }

    private void ApplyCpu(CgroupLimits limits)
    {
        if (limits.CpuShares is { } shares && shares != 0) Require(cpu, "cpu").Write("cpu.shares"u8, Text(shares));
        if (limits.CpuPeriod is { } period && period != 0)
        {
            // The kernel holds quota/period below the parent's at every step: when the new period alone is refused, the new quota goes first.
            byte[] text = System.Text.Encoding.ASCII.GetBytes(Text(period));
            int result = Require(cpu, "cpu").TryWrite("cpu.cfs_period_us"u8, text);
            if (result == -(int)Errno.EINVAL && limits.CpuQuota is { } quotaFirst && quotaFirst != 0)
            {
                cpu!.Value.Write("cpu.cfs_quota_us"u8, Text(quotaFirst));
                result = cpu.Value.TryWrite("cpu.cfs_period_us"u8, text);
            }
            if (result < 0) throw cpu!.Value.Refused("cpu.cfs_period_us"u8, Text(period), result);
        }
        if (limits.CpuQuota is { } quota && quota != 0) Require(cpu, "cpu").Write("cpu.cfs_quota_us"u8, Text(quota));
        if (limits.CpuRealtimePeriod is { } realtimePeriod && realtimePeriod != 0) Require(cpu, "cpu").Write("cpu.rt_period_us"u8, Text(realtimePeriod));
        if (limits.CpuRealtimeRuntime is { } runtime && runtime != 0) Require(cpu, "cpu").Write("cpu.rt_runtime_us"u8, Text(runtime));
    }

    private void ApplyMemory(CgroupLimits limits)
    {
        long limit = limits.Memory ?? 0, total = limits.MemoryAndSwap ?? 0;
        // Memory without a limit needs a total without one.
        if (limit < 0 && total == 0 && Require(memory, "memory").Exists("memory.memsw.limit_in_bytes"u8)) total = -1;
        if (limit != 0 && total != 0) ApplyMemoryAndSwap(limit, total);
        else if (limit != 0) WriteMemoryLimit(limit);
        else if (total != 0) Require(memory, "memory").Write("memory.memsw.limit_in_bytes"u8, Text(total));

        if (limits.MemoryReservation is { } reservation && reservation != 0) Require(memory, "memory").Write("memory.soft_limit_in_bytes"u8, Text(reservation));
        if (limits.MemorySwappiness is { } swappiness && swappiness >= 0) Require(memory, "memory").Write("memory.swappiness"u8, Text(swappiness));
        if (limits.OomKillDisable is { } disable) Require(memory, "memory").Write("memory.oom_control"u8, disable ? "1" : "0");
    }

    /// <summary>At no moment may memory exceed memory plus swap: a total that rises is written first, one that falls last.</summary>
    private void ApplyMemoryAndSwap(long limit, long total)
    {
        ulong now = Require(memory, "memory").ReadNumber("memory.memsw.limit_in_bytes"u8)
            ?? throw new KernelException($"limit the swap of cgroup {Path}: the kernel does not account for swap (swapaccount=1)", Errno.EOPNOTSUPP);
        bool rises = total < 0 || (ulong)total >= now;
        if (rises) memory!.Value.Write("memory.memsw.limit_in_bytes"u8, Text(total));
        WriteMemoryLimit(limit);
        if (!rises) memory!.Value.Write("memory.memsw.limit_in_bytes"u8, Text(total));
    }

    private void WriteMemoryLimit(long limit)
    {
        var group = Require(memory, "memory");
        int result = group.TryWrite("memory.limit_in_bytes"u8, System.Text.Encoding.ASCII.GetBytes(Text(limit)));
        if (result == -(int)Errno.EBUSY)
        {
            ulong used = group.ReadNumber("memory.usage_in_bytes"u8) ?? 0;
            throw new KernelException(string.Create(CultureInfo.InvariantCulture, $"limit cgroup {Path} to {limit} bytes of memory while {used} are in use"), Errno.EBUSY);
        }
        if (result < 0) throw group.Refused("memory.limit_in_bytes"u8, Text(limit), result);
    }

    private void ApplyBlkio(CgroupLimits limits)
    {
        if (limits.BlkioWeight is { } weight && weight != 0) WriteWeight(Text(weight));
        foreach (var device in limits.BlkioWeightDevices ?? [])
            WriteDeviceWeight(string.Create(CultureInfo.InvariantCulture, $"{device.Major}:{device.Minor} {device.Weight}"));
        WriteRates("blkio.throttle.read_bps_device"u8, limits.BlkioReadBps);
        WriteRates("blkio.throttle.write_bps_device"u8, limits.BlkioWriteBps);
        WriteRates("blkio.throttle.read_iops_device"u8, limits.BlkioReadIops);
        WriteRates("blkio.throttle.write_iops_device"u8, limits.BlkioWriteIops);
    }

    /// <summary>The files of the CFQ scheduler went away with Linux 5.0; BFQ has its own.</summary>
    private void WriteWeight(string weight)
    {
        var group = Require(blkio, "blkio");
        group.Write(group.Exists("blkio.weight"u8) ? "blkio.weight"u8 : "blkio.bfq.weight"u8, weight);
    }

    private void WriteDeviceWeight(string weight)
    {
        var group = Require(blkio, "blkio");
        group.Write(group.Exists("blkio.weight_device"u8) ? "blkio.weight_device"u8 : "blkio.bfq.weight_device"u8, weight);
    }

    private void WriteRates(ReadOnlySpan<byte> file, IReadOnlyList<BlockDeviceRate>? rates)
    {
        foreach (var rate in rates ?? [])
            Require(blkio, "blkio").Write(file, string.Create(CultureInfo.InvariantCulture, $"{rate.Major}:{rate.Minor} {rate.Rate}"));
    }

    private CgroupDirectory Require(CgroupDirectory? directory, string controller) =>
        directory ?? throw new KernelException($"limit cgroup {Path}: the {controller} controller is not mounted", Errno.EOPNOTSUPP);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
