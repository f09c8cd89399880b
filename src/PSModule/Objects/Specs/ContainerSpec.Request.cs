using System.Globalization;
using System.Management.Automation;
using Gantry.PowerShell.Objects.Specs;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;
using Gantry.Protocol.Networks;

namespace Gantry.PowerShell.Objects;

/// <summary>The spec as the body of <c>POST /containers/create</c>.</summary>
public sealed partial record ContainerSpec
{
    /// <exception cref="PSArgumentException">A text is not what its property takes.</exception>
    internal ContainerCreateRequest ToRequest() => new()
    {
        Image = Image ?? "",
        Cmd = ToList(Command),
        Entrypoint = ToList(Entrypoint),
        Env = Pairs.ToList(Environment),
        WorkingDir = WorkingDirectory ?? "",
        User = User ?? "",
        Tty = Tty ?? false,
        OpenStdin = Interactive ?? false,
        StopSignal = StopSignal,
        StopTimeout = StopTimeoutSec,
        Healthcheck = HealthCheck?.ToWire(),
        Hostname = Hostname ?? "",
        Domainname = DomainName ?? "",
        Labels = Pairs.ToSorted(Label),
        ExposedPorts = ExposedPorts(),
        Volumes = AnonymousVolumes(),
        HostConfig = ToHostConfig(),
        NetworkingConfig = ToNetworkingConfig(),
    };

    private HostConfig ToHostConfig() => new()
    {
        Binds = ToList(Volume?.Where(v => v.Contains(':', StringComparison.Ordinal))),
        Mounts = Mount is { Length: > 0 } ? [.. Mount.Select(m => m.ToWire())] : null,
        VolumesFrom = ToList(VolumeFrom),
        Tmpfs = TmpfsMap(),
        PortBindings = PortMap(),
        PublishAllPorts = PublishAll ?? false,
        NetworkMode = Network ?? "",
        Dns = ToList(Dns),
        DnsSearch = ToList(DnsSearch),
        DnsOptions = ToList(DnsOption),
        ExtraHosts = ToList(ExtraHost),
        Links = ToList(Link),
        Annotations = Pairs.ToSorted(Annotation),
        RestartPolicy = RestartPolicy?.ToWire() ?? new RestartPolicy(),
        AutoRemove = RemoveAutomatically ?? false,
        Runtime = Runtime ?? "",
        LogConfig = new LogConfig { Type = LogDriver ?? "", Config = Pairs.ToSorted(LogOption) },
        ReadonlyRootfs = ReadOnly ?? false,
        ShmSize = ShmSize ?? 0,
        StorageOpt = Pairs.ToSorted(StorageOption),
        Init = Init,
        GroupAdd = ToList(Group),
        Privileged = Privileged ?? false,
        CapAdd = ToList(CapabilityAdd),
        CapDrop = ToList(CapabilityDrop),
        SecurityOpt = ToList(SecurityOption),
        Sysctls = Pairs.ToSorted(Sysctl),
        IpcMode = IpcMode ?? "",
        PidMode = PidMode ?? "",
        UTSMode = UtsMode ?? "",
        UsernsMode = UserNamespaceMode ?? "",
        CgroupnsMode = CgroupNamespaceMode ?? "",
        Memory = Memory ?? 0,
        MemoryReservation = MemoryReservation ?? 0,
        MemorySwap = MemorySwap ?? 0,
        MemorySwappiness = MemorySwappiness,
        NanoCpus = (long)((Cpu ?? 0) * 1e9),
        CpuShares = CpuShare ?? 0,
        CpusetCpus = CpuSet ?? "",
        CpusetMems = CpuSetMemory ?? "",
        PidsLimit = PidLimit,
        BlkioWeight = (ushort)(BlkioWeight ?? 0),
        OomKillDisable = OomKillDisable,
        OomScoreAdj = OomScoreAdjustment ?? 0,
        CgroupParent = CgroupParent ?? "",
        Ulimits = ToUlimits(),
        Devices = Device is { Length: > 0 } ? [.. Device.Select(ToDevice)] : null,
        DeviceCgroupRules = ToList(DeviceCgroupRule),
    };

    private static List<string>? ToList(IEnumerable<string>? items) => items?.ToList() is { Count: > 0 } list ? list : null;

    private SortedDictionary<string, EmptyObject>? ExposedPorts()
    {
        var ports = new SortedDictionary<string, EmptyObject>(StringComparer.Ordinal);
        foreach (var binding in (Publish ?? []).Concat((Expose ?? []).SelectMany(ContainerPortBinding.ParseAll))) ports[binding.Key] = EmptyObject.Value;
        return ports.Count == 0 ? null : ports;
    }

    private SortedDictionary<string, List<PortBinding>?>? PortMap()
    {
        if (Publish is not { Length: > 0 }) return null;
        var map = new SortedDictionary<string, List<PortBinding>?>(StringComparer.Ordinal);
        foreach (var binding in Publish)
        {
            if (!map.TryGetValue(binding.Key, out var list) || list is null) map[binding.Key] = list = [];
            list.Add(binding.ToWire());
        }
        return map;
    }

    /// <summary>A volume that is only a path in the container.</summary>
    private SortedDictionary<string, EmptyObject>? AnonymousVolumes()
    {
        var paths = new SortedDictionary<string, EmptyObject>(StringComparer.Ordinal);
        foreach (string path in (Volume ?? []).Where(v => !v.Contains(':', StringComparison.Ordinal))) paths[path] = EmptyObject.Value;
        return paths.Count == 0 ? null : paths;
    }

    private SortedDictionary<string, string>? TmpfsMap()
    {
        if (Tmpfs is not { Length: > 0 }) return null;
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string text in Tmpfs)
        {
            int split = text.IndexOf(':', StringComparison.Ordinal);
            map[split < 0 ? text : text[..split]] = split < 0 ? "" : text[(split + 1)..];
        }
        return map;
    }

    /// <summary>Only when something is said about the endpoint: the network alone is the host config's matter.</summary>
    private NetworkingConfig? ToNetworkingConfig()
    {
        if (NetworkAlias is not { Length: > 0 } && IPAddress is null && IPv6Address is null && MacAddress is null) return null;
        var endpoint = new EndpointSettings
        {
            Aliases = ToList(NetworkAlias),
            MacAddress = MacAddress ?? "",
            IPAMConfig = IPAddress is null && IPv6Address is null ? null : new EndpointIpamConfig { IPv4Address = IPAddress, IPv6Address = IPv6Address },
        };
        return new NetworkingConfig { EndpointsConfig = new SortedDictionary<string, EndpointSettings?>(StringComparer.Ordinal) { [Network is { Length: > 0 } name ? name : "bridge"] = endpoint } };
    }

    private List<Ulimit>? ToUlimits()
    {
        if (Pairs.ToSorted(Ulimit) is not { Count: > 0 } limits) return null;
        return [.. limits.Select(limit =>
        {
            string[] parts = limit.Value.Split(':');
            return parts.Length is 1 or 2 && long.TryParse(parts[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long soft)
                && long.TryParse(parts[^1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long hard)
                ? new Ulimit { Name = limit.Key, Soft = soft, Hard = hard }
                : throw new PSArgumentException($"The limit '{limit.Key}' is '{limit.Value}', which is neither a number nor soft:hard.");
        })];
    }

    private static DeviceMapping ToDevice(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length > 3 || parts[0].Length == 0) throw new PSArgumentException($"'{text}' is not a device: write /dev/x, /dev/x:/dev/y or /dev/x:/dev/y:rwm.");
        bool secondIsMode = parts.Length == 2 && !parts[1].StartsWith('/');
        return new DeviceMapping
        {
            PathOnHost = parts[0],
            PathInContainer = parts.Length == 1 || secondIsMode ? parts[0] : parts[1],
            CgroupPermissions = parts.Length == 3 ? parts[2] : secondIsMode ? parts[1] : "rwm",
        };
    }
}
