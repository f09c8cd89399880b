using System.Globalization;
using Gantry.Linux.Cgroups;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Lxc;

internal static partial class LxcConfig
{
    /// <summary>LXC's monitor stays outside the container's group, so that limits, numbers and kills are the container's alone.</summary>
    public static string MonitorGroup(string cgroupPath) => cgroupPath + ".monitor";

    private static void AddCgroup(LxcInput input, Action<string, string> line)
    {
        line("lxc.cgroup.relative", "0");
        line("lxc.cgroup.dir.container", input.CgroupPath.TrimStart('/'));
        line("lxc.cgroup.dir.monitor", MonitorGroup(input.CgroupPath).TrimStart('/'));
        string prefix = input.CgroupUnified ? "lxc.cgroup2." : "lxc.cgroup.";
        foreach (var (file, value) in input.CgroupUnified ? Unified(input.Spec.Linux.Resources) : Legacy(input.Spec.Linux.Resources)) line(prefix + file, value);
        foreach (var rule in input.Spec.Linux.Resources?.Devices ?? []) line(prefix + (rule.Allow ? "devices.allow" : "devices.deny"), Rule(rule));
    }

    /// <summary>LXC's own view has the container's group at its full path on the host; programs look for it right below the hierarchy's directory.</summary>
    private static void AddCgroupView(LxcInput input, MountSpec mount, Action<string, string> line)
    {
        bool readOnly = mount.Options?.Contains("ro") == true;
        string[] access = readOnly ? ["bind", "ro"] : ["bind"];
        if (input.CgroupUnified)
        {
            line("lxc.mount.entry", Entry(input.CgroupViews[0].HostPath, mount.Destination, "none", access, "create=dir"));
            return;
        }
        line("lxc.mount.entry", Entry("tmpfs", mount.Destination, "tmpfs", ["nosuid", "noexec", "nodev", "mode=755"], "create=dir"));
        foreach (var view in input.CgroupViews) line("lxc.mount.entry", Entry(view.HostPath, $"{mount.Destination}/{view.Name}", "none", access, "create=dir"));
        if (readOnly) line("lxc.mount.entry", Entry(RootMount(input.Paths) + mount.Destination, mount.Destination, "none", ["rbind", "ro", "nosuid", "noexec", "nodev"]));
    }

    private static string Rule(DeviceRuleSpec rule)
    {
        string type = rule.Type is { Length: > 0 } given ? given : "a";
        return type == "a" ? "a" : $"{type} {Number(rule.Major)}:{Number(rule.Minor)} {rule.Access ?? "rwm"}";
    }

    private static string Number(long? value) => value is null or < 0 ? "*" : value.Value.ToString(CultureInfo.InvariantCulture);

    private static IEnumerable<(string File, string Value)> Legacy(ResourcesSpec? resources)
    {
        if (resources is null) yield break;
        if (resources.Memory is { } memory)
        {
            if (memory.Limit is { } limit and not 0) yield return ("memory.limit_in_bytes", Text(limit));
            if (memory.Reservation is { } reservation and not 0) yield return ("memory.soft_limit_in_bytes", Text(reservation));
            if (memory.Swap is { } swap and not 0) yield return ("memory.memsw.limit_in_bytes", Text(swap));
            if (memory.Swappiness is { } swappiness) yield return ("memory.swappiness", Text(swappiness));
            if (memory.DisableOomKiller == true) yield return ("memory.oom_control", "1");
        }
        if (resources.Cpu is { } cpu)
        {
            if (cpu.Shares is { } shares and not 0) yield return ("cpu.shares", Text(shares));
            if (cpu.Period is { } period and not 0) yield return ("cpu.cfs_period_us", Text(period));
            if (cpu.Quota is { } quota and not 0) yield return ("cpu.cfs_quota_us", Text(quota));
            if (cpu.RealtimePeriod is { } realtimePeriod and not 0) yield return ("cpu.rt_period_us", Text(realtimePeriod));
            if (cpu.RealtimeRuntime is { } realtimeRuntime and not 0) yield return ("cpu.rt_runtime_us", Text(realtimeRuntime));
            if (cpu.Cpus is { Length: > 0 } cpus) yield return ("cpuset.cpus", cpus);
            if (cpu.Mems is { Length: > 0 } mems) yield return ("cpuset.mems", mems);
        }
        if (resources.Pids is { Limit: not 0 } pids) yield return ("pids.max", Maximum(pids.Limit));
        if (resources.BlockIo is not { } block) yield break;
        if (block.Weight is { } weight and not 0) yield return ("blkio.weight", Text(weight));
        foreach (var device in block.WeightDevice ?? []) yield return ("blkio.weight_device", $"{Text(device.Major)}:{Text(device.Minor)} {Text(device.Weight ?? 0)}");
        foreach (var (name, devices) in Throttles(block))
        {
            foreach (var device in devices ?? []) yield return ($"blkio.throttle.{name}_device", $"{Text(device.Major)}:{Text(device.Minor)} {Text(device.Rate)}");
        }
    }

    private static IEnumerable<(string Name, List<ThrottleDeviceSpec>? Devices)> Throttles(BlockIoSpec block) =>
        [("read_bps", block.ThrottleReadBps), ("write_bps", block.ThrottleWriteBps), ("read_iops", block.ThrottleReadIops), ("write_iops", block.ThrottleWriteIops)];

    private static IEnumerable<(string File, string Value)> Unified(ResourcesSpec? resources)
    {
        if (resources is null) yield break;
        if (resources.Memory is { } memory)
        {
            if (memory.Limit is { } limit and not 0) yield return ("memory.max", Maximum(limit));
            if (memory.Reservation is { } reservation and not 0) yield return ("memory.low", Text(reservation));
            if (memory.Swap is { } swap and not 0) yield return ("memory.swap.max", Maximum(UnifiedConversion.Swap(swap, memory.Limit ?? -1)));
        }
        if (resources.Cpu is { } cpu)
        {
            if (cpu.Shares is { } shares and not 0) yield return ("cpu.weight", Text(UnifiedConversion.CpuWeight((long)shares)));
            if (cpu.Quota is > 0 || cpu.Period is > 0) yield return ("cpu.max", $"{(cpu.Quota is { } quota and > 0 ? Text(quota) : "max")} {Text(cpu.Period is { } period and > 0 ? period : 100000)}");
            if (cpu.Cpus is { Length: > 0 } cpus) yield return ("cpuset.cpus", cpus);
            if (cpu.Mems is { Length: > 0 } mems) yield return ("cpuset.mems", mems);
        }
        if (resources.Pids is { Limit: not 0 } pids) yield return ("pids.max", Maximum(pids.Limit));
        if (resources.BlockIo is not { } block) yield break;
        if (block.Weight is { } weight and not 0) yield return ("io.weight", Text(UnifiedConversion.IoWeight(weight)));
        string[] names = ["rbps", "wbps", "riops", "wiops"];
        foreach (var ((_, devices), name) in Throttles(block).Zip(names))
        {
            foreach (var device in devices ?? []) yield return ("io.max", $"{Text(device.Major)}:{Text(device.Minor)} {name}={Text(device.Rate)}");
        }
    }

    private static string Maximum(long value) => value < 0 ? "max" : Text(value);
}
