using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Networks;

namespace Gantry.Daemon.Containers;

/// <summary>Settings that a create request leaves open, filled in the way that inspect shows them (reference B19, golden 034).</summary>
internal static class CreateDefaults
{
    /// <summary>What clients of older API versions meant by what they sent (reference 4.6).</summary>
    public static HostConfig ForVersion(HostConfig host, Version version)
    {
        if (version < new Version(1, 25)) host = host with { AutoRemove = false };
        if (version < new Version(1, 40) && host.IpcMode.Length == 0) host = host with { IpcMode = "shareable" };
        if (version < new Version(1, 41) && host.CgroupnsMode.Length == 0) host = host with { CgroupnsMode = "host" };
        if (version < new Version(1, 42)) host = host with { ConsoleSize = [0, 0] };
        return host;
    }

    public static HostConfig Fill(HostConfig host, HostFacts facts, ContainerStore store)
    {
        bool confined = !host.Privileged && !SecurityOptions.Parse(host).SystemPathsUnconfined;
        return host with
        {
            LogConfig = FillLog(host.LogConfig, facts),
            NetworkMode = host.NetworkMode is "" or "default" ? "bridge" : WithId(host.NetworkMode, store, "joining network namespace of container: "),
            RestartPolicy = host.RestartPolicy.Name.Length == 0 ? host.RestartPolicy with { Name = "no" } : host.RestartPolicy,
            IpcMode = host.IpcMode.Length == 0 ? "private" : WithId(host.IpcMode, store),
            PidMode = WithId(host.PidMode, store),
            CgroupnsMode = host.CgroupnsMode.Length > 0 ? host.CgroupnsMode : facts.CgroupUnified && !host.Privileged ? "private" : "host",
            ShmSize = host.ShmSize == 0 ? facts.DefaultShmSize : host.ShmSize,
            Runtime = host.Runtime.Length == 0 ? facts.Runtimes[0] : host.Runtime,
            MemorySwap = host is { Memory: > 0, MemorySwap: 0 } ? host.Memory * 2 : host.MemorySwap,
            MemorySwappiness = host.MemorySwappiness == -1 ? null : host.MemorySwappiness,
            OomKillDisable = host.OomKillDisable ?? false,
            PidsLimit = host.PidsLimit is <= 0 ? null : host.PidsLimit,
            MaskedPaths = host.MaskedPaths ?? (confined ? [.. DefaultPaths.Masked] : null),
            ReadonlyPaths = host.ReadonlyPaths ?? (confined ? [.. DefaultPaths.ReadOnly] : null),
        };
    }

    private static LogConfig FillLog(LogConfig log, HostFacts facts)
    {
        string type = log.Type.Length == 0 ? facts.DefaultLogDriver : log.Type;
        var options = new SortedDictionary<string, string>(type == facts.DefaultLogDriver ? facts.DefaultLogOptions : [], StringComparer.Ordinal);
        foreach (var (key, value) in log.Config ?? []) options[key] = value;
        return new LogConfig { Type = type, Config = options };
    }

    /// <summary><c>container:NAME</c> becomes <c>container:ID</c>, so that a rename changes nothing.</summary>
    /// <exception cref="EngineException">400 <c>No such container: X</c>.</exception>
    private static string WithId(string mode, ContainerStore store, string refusal = "")
    {
        if (!SettingsVerification.IsContainer(mode)) return mode;
        try
        {
            return "container:" + store.Get(mode["container:".Length..]).Id;
        }
        catch (EngineException e) when (e.Kind == ErrorKind.NotFound)
        {
            throw EngineException.InvalidParameter(refusal + e.Message);
        }
    }

    /// <summary>The short id, or the host's name where the container shares it.</summary>
    public static string Hostname(ContainerConfig config, HostConfig host, string id)
    {
        if (config.Hostname.Length > 0) return config.Hostname;
        if (host.NetworkMode == "host" || host.UTSMode == "host") return Environment.MachineName;
        return SettingsVerification.IsContainer(host.NetworkMode) ? "" : id[..12];
    }

    /// <summary>The networks to join: what the request names, and what its mode implies.</summary>
    /// <exception cref="EngineException">400 for options that exclude each other.</exception>
    public static SortedDictionary<string, EndpointSettings> Endpoints(ContainerCreateRequest body, HostConfig host)
    {
        string mode = host.NetworkMode is "" or "default" ? "bridge" : host.NetworkMode;
        VerifyMode(mode, body, host);
        var endpoints = new SortedDictionary<string, EndpointSettings>(StringComparer.Ordinal);
        foreach (var (network, settings) in body.NetworkingConfig?.EndpointsConfig ?? [])
        {
            string key = network == "default" ? "bridge" : network;
            endpoints[key] = settings ?? new EndpointSettings();
            VerifyAddresses(key, endpoints[key]);
        }
        if (SettingsVerification.IsContainer(mode)) return endpoints;
        endpoints.TryAdd(mode, new EndpointSettings());
        if (body.MacAddress is { Length: > 0 } mac && endpoints[mode].MacAddress.Length == 0) endpoints[mode] = endpoints[mode] with { MacAddress = mac };
        VerifyAddresses(mode, endpoints[mode]);
        return endpoints;
    }

    private static void VerifyMode(string mode, ContainerCreateRequest body, HostConfig host)
    {
        bool container = mode.StartsWith("container:", StringComparison.Ordinal);
        if (container && !SettingsVerification.IsContainer(mode)) throw EngineException.InvalidParameter("invalid container format container:<name|id>");
        if (container)
        {
            string suffix = " and the [container type] network mode";
            if (body.Hostname.Length > 0) throw EngineException.InvalidParameter("conflicting options: hostname and the network mode");
            if (host.Links is { Count: > 0 }) throw EngineException.InvalidParameter("conflicting options: container type network can't be used with links. This would result in undefined behavior");
            if (host.Dns is { Count: > 0 }) throw EngineException.InvalidParameter("conflicting options: dns and the network mode");
            if (host.ExtraHosts is { Count: > 0 }) throw EngineException.InvalidParameter("conflicting options: custom host-to-IP mapping and the network mode");
            if (body.MacAddress is { Length: > 0 }) throw EngineException.InvalidParameter("conflicting options: mac-address and the network mode");
            if (host.PortBindings is { Count: > 0 }) throw EngineException.InvalidParameter("conflicting options: port publishing" + suffix);
            if (body.ExposedPorts is { Count: > 0 }) throw EngineException.InvalidParameter("conflicting options: port exposing" + suffix);
        }
        if (mode == "host" && host.Links is { Count: > 0 }) throw EngineException.InvalidParameter("conflicting options: host type networking can't be used with links. This would result in undefined behavior");
    }

    private static void VerifyAddresses(string network, EndpointSettings endpoint)
    {
        if (endpoint.MacAddress is { Length: > 0 } mac && !Linux.Networking.HardwareAddress.TryParse(mac, out _)) throw EngineException.InvalidParameter($"invalid config for network {network}: invalid MAC address {mac}");
        if (endpoint.IPAMConfig is not { } wanted) return;
        foreach (string? address in new[] { wanted.IPv4Address, wanted.IPv6Address })
        {
            if (string.IsNullOrEmpty(address)) continue;
            if (!System.Net.IPAddress.TryParse(address, out _)) throw EngineException.InvalidParameter($"invalid IP address: {address}");
            if (network is "bridge" or "host" or "none")
                throw EngineException.InvalidParameter("invalid config for network " + network + ": invalid endpoint settings:\nuser specified IP address is supported on user defined networks only");
        }
    }
}
