using Gantry.Protocol.Containers;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Execution;

/// <summary>HostConfig's limits as the spec's resources (reference 5.14).</summary>
internal static class ResourceTranslation
{
    private const ulong DefaultPeriod = 100_000;

    /// <summary>Device nodes that every container may use, beyond making nodes at all.</summary>
    private static readonly List<DeviceRuleSpec> DefaultRules =
    [
        new() { Allow = false, Access = "rwm" },
        Allow("c", null, null, "m"), Allow("b", null, null, "m"),
        Allow("c", 1, 3), Allow("c", 1, 5), Allow("c", 1, 7), Allow("c", 1, 8), Allow("c", 1, 9),
        Allow("c", 5, 0), Allow("c", 5, 1), Allow("c", 5, 2), Allow("c", 136, null), Allow("c", 10, 200),
    ];

    private static readonly DeviceRuleSpec Everything = new() { Allow = true, Access = "rwm" };

    private static DeviceRuleSpec Allow(string type, long? major, long? minor, string access = "rwm") =>
        new() { Allow = true, Type = type, Major = major, Minor = minor, Access = access };

    /// <param name="deviceRules">Rules for the devices that were asked for.</param>
    public static ResourcesSpec Build(HostConfig host, IReadOnlyList<DeviceRuleSpec> deviceRules)
    {
        var spec = Limits(host);
        spec.Devices = host.Privileged ? [Everything] : [.. DefaultRules, .. deviceRules];
        return spec;
    }

    /// <summary>The limits alone, as an update sets them.</summary>
    public static ResourcesSpec Limits(Resources resources)
    {
        var memory = new MemorySpec
        {
            Limit = NonZero(resources.Memory),
            Reservation = NonZero(resources.MemoryReservation),
            Swap = resources.MemorySwap < 0 ? -1 : NonZero(resources.MemorySwap),
            Swappiness = resources.MemorySwappiness is >= 0 and var swappiness ? (ulong)swappiness : null,
            DisableOomKiller = resources.OomKillDisable is true ? true : null,
        };
        var cpu = new CpuSpec
        {
            Shares = (ulong?)NonZero(resources.CpuShares),
            Period = (ulong?)NonZero(resources.CpuPeriod),
            Quota = NonZero(resources.CpuQuota),
            RealtimePeriod = (ulong?)NonZero(resources.CpuRealtimePeriod),
            RealtimeRuntime = NonZero(resources.CpuRealtimeRuntime),
            Cpus = NonEmpty(resources.CpusetCpus),
            Mems = NonEmpty(resources.CpusetMems),
        };
        if (resources.NanoCpus > 0)
        {
            cpu.Period = DefaultPeriod;
            cpu.Quota = resources.NanoCpus * (long)DefaultPeriod / 1_000_000_000;
        }
        return new ResourcesSpec
        {
            Memory = memory == Empty.Memory ? null : memory,
            Cpu = cpu == Empty.Cpu ? null : cpu,
            Pids = resources.PidsLimit is { } pids and not 0 ? new PidsSpec { Limit = pids } : null,
            BlockIo = BlockIo(resources),
        };
    }

    private static class Empty
    {
        public static readonly MemorySpec Memory = new();
        public static readonly CpuSpec Cpu = new() { Cpus = "", Mems = "" };
    }

    private static BlockIoSpec? BlockIo(Resources resources)
    {
        var spec = new BlockIoSpec
        {
            Weight = resources.BlkioWeight == 0 ? null : resources.BlkioWeight,
            WeightDevice = resources.BlkioWeightDevice?.ConvertAll(d => Number(d.Path, (major, minor) => new WeightDeviceSpec { Major = major, Minor = minor, Weight = d.Weight })),
            ThrottleReadBps = Throttle(resources.BlkioDeviceReadBps),
            ThrottleWriteBps = Throttle(resources.BlkioDeviceWriteBps),
            ThrottleReadIops = Throttle(resources.BlkioDeviceReadIOps),
            ThrottleWriteIops = Throttle(resources.BlkioDeviceWriteIOps),
        };
        return spec == new BlockIoSpec() ? null : spec;
    }

    private static List<ThrottleDeviceSpec>? Throttle(List<ThrottleDevice>? devices) =>
        devices?.ConvertAll(d => Number(d.Path, (major, minor) => new ThrottleDeviceSpec { Major = major, Minor = minor, Rate = d.Rate }));

    private static T Number<T>(string path, Func<long, long, T> make)
    {
        var status = Gantry.Linux.Files.PathStatus.TryGet(path) ?? throw Engine.EngineException.System($"stat {path}: no such file or directory");
        return make(status.Device.Major, status.Device.Minor);
    }

    private static string? NonEmpty(string text) => text.Length > 0 ? text : null;

    private static long? NonZero(long value) => value == 0 ? null : value;
}
