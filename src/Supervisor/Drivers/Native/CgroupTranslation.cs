using Gantry.Linux.Cgroups;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>The spec's resources in the terms of the cgroup layer.</summary>
internal static class CgroupTranslation
{
    public static CgroupLimits Limits(ResourcesSpec? spec)
    {
        if (spec is null) return new CgroupLimits();
        return new CgroupLimits
        {
            Memory = spec.Memory?.Limit,
            MemoryAndSwap = spec.Memory?.Swap,
            MemoryReservation = spec.Memory?.Reservation,
            MemorySwappiness = (long?)spec.Memory?.Swappiness,
            OomKillDisable = spec.Memory?.DisableOomKiller,
            CpuShares = (long?)spec.Cpu?.Shares,
            CpuPeriod = (long?)spec.Cpu?.Period,
            CpuQuota = spec.Cpu?.Quota,
            CpuRealtimePeriod = (long?)spec.Cpu?.RealtimePeriod,
            CpuRealtimeRuntime = spec.Cpu?.RealtimeRuntime,
            CpusetCpus = NonEmpty(spec.Cpu?.Cpus),
            CpusetMems = NonEmpty(spec.Cpu?.Mems),
            Pids = spec.Pids?.Limit,
            BlkioWeight = spec.BlockIo?.Weight is { } weight and > 0 ? weight : null,
            BlkioWeightDevices = spec.BlockIo?.WeightDevice?.Select(d => new BlockDeviceWeight((uint)d.Major, (uint)d.Minor, d.Weight ?? 0)).ToList(),
            BlkioReadBps = Rates(spec.BlockIo?.ThrottleReadBps),
            BlkioWriteBps = Rates(spec.BlockIo?.ThrottleWriteBps),
            BlkioReadIops = Rates(spec.BlockIo?.ThrottleReadIops),
            BlkioWriteIops = Rates(spec.BlockIo?.ThrottleWriteIops),
            Devices = spec.Devices?.Select(Rule).ToList(),
        };
    }

    private static string? NonEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static List<BlockDeviceRate>? Rates(List<ThrottleDeviceSpec>? devices) =>
        devices?.Select(d => new BlockDeviceRate((uint)d.Major, (uint)d.Minor, d.Rate)).ToList();

    private static DeviceRule Rule(DeviceRuleSpec rule)
    {
        var access = DeviceAccess.None;
        foreach (char letter in rule.Access ?? "rwm")
            access |= letter switch { 'r' => DeviceAccess.Read, 'w' => DeviceAccess.Write, 'm' => DeviceAccess.MakeNode, _ => 0 };
        return new DeviceRule(rule.Allow, rule.Type is { Length: > 0 } type ? type[0] : 'a', Number(rule.Major), Number(rule.Minor), access);
    }

    /// <summary>−1 and absent both mean every number.</summary>
    private static uint? Number(long? value) => value is null or < 0 ? null : (uint)value;

    /// <summary>What the container sees below <c>/sys/fs/cgroup</c>: its own group of every hierarchy, by the hierarchy's directory name on the host.</summary>
    public static IReadOnlyList<CgroupView> Views(CgroupLayout layout, ICgroup cgroup)
    {
        var views = new List<CgroupView>();
        foreach (var hierarchy in layout.Hierarchies)
        {
            string name = Path.GetFileName(hierarchy.MountPoint);
            var aliases = hierarchy.Controllers.Count > 1 ? hierarchy.Controllers.Where(c => c != name).ToList() : [];
            views.Add(new CgroupView(name, cgroup.PathIn(hierarchy), aliases));
        }
        return views;
    }
}
