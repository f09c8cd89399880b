using System.Text.Json;
using static Gantry.Daemon.Options.OptionValues;
using static Gantry.Daemon.Options.SettingKind;

namespace Gantry.Daemon.Options;

/// <summary>All settings of the daemon, in the order of the usage text. Names and keys are dockerd's; a few that only make sense elsewhere are missing and refused.</summary>
internal static class Settings
{
    public static readonly IReadOnlyList<Setting> All =
    [
        // What runs, and where it listens.
        new("debug", Switch, "Debug log lines", (o, v) => o with { Debug = Truth(v[^1]) }) { Aliases = ["-D"] },
        new("log-level", Text, "debug, info, warn, error or fatal", (o, v) => o with { LogLevel = Level(v[^1]) }) { Aliases = ["-l"] },
        new("host", List, "Address to serve: unix://[path], tcp://host:port, fd://[name]", (o, v) => o with { Hosts = [.. v.Select(HostAddress.Parse)] }) { Aliases = ["-H"], Key = "hosts" },
        new("group", Text, "Group that owns the Unix socket, by name or number; '' for none", (o, v) => o with { SocketGroup = v[^1], SocketGroupIsDefault = false }) { Aliases = ["-G"] },
        new("pidfile", Text, "File that holds the process id", (o, v) => o with { PidFile = Folder(v[^1]) }) { Aliases = ["-p"] },
        new("data-root", Text, "Root of state that survives a reboot", (o, v) => o with { DataRoot = Folder(v[^1]) }) { Aliases = ["-g", "--graph"] },
        new("exec-root", Text, "Root of run-time state", (o, v) => o with { ExecRoot = Folder(v[^1]) }),
        new("label", List, "key=value label of the engine", (o, v) => o with { Labels = Labels(v) }) { Key = "labels" },
        new("experimental", Switch, "Experimental features", (o, v) => o with { Experimental = Truth(v[^1]) }),
        new("live-restore", Switch, "Keep containers running while the daemon is down (the default); false stops them with it", (o, v) => o with { LiveRestore = Truth(v[^1]) }),
        new("shutdown-timeout", Number, "Seconds that a container gets to stop", (o, v) => o with { ShutdownTimeout = Whole(v[^1]) }),

        // TLS of tcp listeners.
        new("tls", Switch, "Use TLS; implied by --tlsverify", (o, v) => o with { Tls = o.Tls with { Enabled = Truth(v[^1]) } }),
        new("tlsverify", Switch, "Use TLS and ask clients for a certificate", (o, v) => o with { Tls = o.Tls with { Verify = Truth(v[^1]) } }),
        new("tlscacert", Text, "Trust certificates signed only by this one", (o, v) => o with { Tls = o.Tls with { Authority = Folder(v[^1]) } }),
        new("tlscert", Text, "The engine's certificate", (o, v) => o with { Tls = o.Tls with { Certificate = Folder(v[^1]) } }),
        new("tlskey", Text, "The key of the certificate", (o, v) => o with { Tls = o.Tls with { Key = Folder(v[^1]) } }),

        // Storage and execution.
        new("storage-driver", Text, "overlay2 or vfs; by default the best that the file system allows", (o, v) => o with { StorageDriver = v[^1] }) { Aliases = ["-s"] },
        new("storage-opt", List, "Storage driver option", (o, v) => o with { StorageOptions = v }) { Key = "storage-opts" },
        new("exec-driver", Text, "native, lxc, or the name of a runtime that was added", (o, v) => o with { ExecDriver = v[^1] }) { Aliases = ["-e"] },
        new("add-runtime", Map, "OCI runtime, name=path", (o, v) => o with { Runtimes = v.Select(Runtime).ToDictionary(StringComparer.Ordinal) }) { Key = "runtimes", ReadJson = SettingsJson.Runtimes },
        new("default-runtime", Text, "Runtime of containers that name none", (o, v) => o with { DefaultRuntime = v[^1] }),
        new("init-path", Text, "Program for --init: docker-init, tini", (o, v) => o with { InitPath = v[^1] }),
        new("criu-path", Text, "Program that makes checkpoints; criu on the PATH by default", (o, v) => o with { CriuPath = v[^1] }),
        new("exec-opt", List, "Option of the exec driver: native.cgroupdriver=cgroupfs or systemd", (o, v) => o with { ExecOptions = ExecOptions(v) }) { Key = "exec-opts" },
        new("cgroup-parent", Text, "Parent cgroup of containers: a path, or with systemd a slice", (o, v) => o with { CgroupParent = v[^1] }),
        new("seccomp-profile", Text, "builtin, unconfined, or a file", (o, v) => o with { SeccompProfile = v[^1] }),
        new("userns-remap", Text, "User and group for user namespaces: name[:group], id[:id] or default", (o, v) => o with { UsernsRemap = v[^1] }),
        new("default-ulimit", Map, "Default limit of containers, name=soft[:hard]", (o, v) => o with { DefaultUlimits = [.. v.Select(Ulimit)] }) { Key = "default-ulimits", ReadJson = SettingsJson.Ulimits },
        new("default-shm-size", Text, "Size of /dev/shm in containers", (o, v) => o with { DefaultShmSize = Size(v[^1]) }),
        new("log-driver", Text, "Log driver of containers that name none", (o, v) => o with { LogDriver = v[^1] }),
        new("log-opt", Map, "Option of the default log driver, key=value", (o, v) => o with { LogOptions = Pairs(v) }) { Key = "log-opts" },

        // Networks.
        new("bridge", Text, "Bridge of the default network, made when it is missing; none for no network", (o, v) => o with { Bridge = v[^1], BridgeIsNamed = v[^1].Length > 0 }) { Aliases = ["-b"] },
        new("bip", Text, "Address of the bridge, as a CIDR; not with -b", (o, v) => o with { BridgeAddress = Cidr(v[^1]) }),
        new("fixed-cidr", Text, "Part of the bridge's subnet for containers", (o, v) => o with { FixedCidr = Cidr(v[^1]) }),
        new("default-address-pool", List, "Pool for networks, base=CIDR,size=N", (o, v) => o with { AddressPools = [.. v.Select(Pool)] }) { Key = "default-address-pools", ReadJson = SettingsJson.Pools },
        new("mtu", Number, "MTU of container interfaces; 0 for the host's", (o, v) => o with { Mtu = Mtu(v[^1]) }),
        new("dns", List, "DNS server of containers", (o, v) => o with { Dns = [.. v.Select(Address)] }),
        new("dns-search", List, "DNS search domain of containers", (o, v) => o with { DnsSearch = [.. v.Select(Domain)] }),
        new("dns-opt", List, "DNS option of containers", (o, v) => o with { DnsOptions = v }) { Key = "dns-opts" },
        new("ip", Text, "Default address for published ports", (o, v) => o with { PublishAddress = Address(v[^1]) }),
        new("icc", Switch, "Let containers of the default network reach each other", (o, v) => o with { InterContainerCommunication = Truth(v[^1]) }),
        new("iptables", Switch, "Manage firewall rules", (o, v) => o with { Firewall = Truth(v[^1]) }),
        new("ip-forward", Switch, "Switch IP forwarding on", (o, v) => o with { IpForward = Truth(v[^1]) }),
        new("ip-masq", Switch, "Masquerade the bridge's addresses", (o, v) => o with { IpMasquerade = Truth(v[^1]) }),
        new("userland-proxy", Switch, "Relay published ports on loopback", (o, v) => o with { UserlandProxy = Truth(v[^1]) }),

        // Registries.
        new("insecure-registry", List, "Registry without TLS, host[:port] or CIDR", (o, v) => o with { InsecureRegistries = v }) { Key = "insecure-registries" },
        new("registry-mirror", List, "Mirror of the default registry", (o, v) => o with { RegistryMirrors = [.. v.Select(Mirror)] }) { Key = "registry-mirrors" },
        new("max-concurrent-downloads", Number, "Layers that are pulled at the same time", (o, v) => o with { MaxConcurrentDownloads = AtLeastOne(v[^1], "max concurrent downloads") }),
        new("max-concurrent-uploads", Number, "Layers that are pushed at the same time", (o, v) => o with { MaxConcurrentUploads = AtLeastOne(v[^1], "max concurrent uploads") }),
        new("max-download-attempts", Number, "Tries for a layer before its pull fails", (o, v) => o with { MaxDownloadAttempts = AtLeastOne(v[^1], "max download attempts") }),
    ];

    private static string Level(string text) => text is "debug" or "info" or "warn" or "error" or "fatal" ? text : throw new FormatException($"invalid logging level: {text}");

    /// <summary>As dockerd words it; 0 is refused too, for it would mean never.</summary>
    private static int AtLeastOne(string text, string what) => Whole(text) is >= 1 and int number ? number : throw new FormatException($"invalid {what}: {text}");

    private static int Mtu(string text) => Whole(text) is >= 0 and <= 65535 and int mtu ? mtu : throw new FormatException($"invalid default MTU: {text}");

    private static IReadOnlyList<string> ExecOptions(IReadOnlyList<string> options)
    {
        foreach (string option in options)
        {
            string key = Pair(option)[..option.IndexOf('=')], value = option[(key.Length + 1)..];
            if (key != "native.cgroupdriver") throw new FormatException($"invalid runtime option: {key}");
            if (value is not ("cgroupfs" or "systemd")) throw new FormatException($"native.cgroupdriver option {value} not supported: cgroupfs and systemd are");
        }
        return options;
    }

    /// <summary>The same label twice with different values is a mistake that nobody would notice later.</summary>
    private static List<string> Labels(IReadOnlyList<string> labels)
    {
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string label in labels)
        {
            string key = Pair(label)[..label.IndexOf('=')];
            if (seen.TryGetValue(key, out string? other) && other != label) throw new FormatException($"conflict labels for {label} and {other}");
            seen[key] = label;
        }
        return [.. seen.Values];
    }
}

/// <summary>The settings whose JSON form is not that of the flag.</summary>
internal static class SettingsJson
{
    /// <summary><c>{"crun": {"path": "/usr/bin/crun", "runtimeArgs": ["--debug"]}}</c>.</summary>
    public static IReadOnlyList<string> Runtimes(JsonElement value) =>
        [.. value.EnumerateObject().Select(runtime =>
        {
            string path = runtime.Value.TryGetProperty("path", out var p) ? p.GetString() ?? "" : "";
            var arguments = runtime.Value.TryGetProperty("runtimeArgs", out var list) ? list.EnumerateArray().Select(a => a.GetString() ?? "") : [];
            return $"{runtime.Name}={string.Join('\0', arguments.Prepend(path))}";
        })];

    /// <summary><c>[{"base": "172.30.0.0/16", "size": 24}]</c>.</summary>
    public static IReadOnlyList<string> Pools(JsonElement value) =>
        [.. value.EnumerateArray().Select(pool => $"base={pool.GetProperty("base").GetString()},size={pool.GetProperty("size").GetRawText()}")];

    /// <summary><c>{"nofile": {"Name": "nofile", "Soft": 64000, "Hard": 64000}}</c>.</summary>
    public static IReadOnlyList<string> Ulimits(JsonElement value) =>
        [.. value.EnumerateObject().Select(limit => $"{limit.Name}={limit.Value.GetProperty("Soft").GetRawText()}:{limit.Value.GetProperty("Hard").GetRawText()}")];
}
