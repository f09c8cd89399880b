using Gantry.Daemon.Engine;
using Gantry.Daemon.Events;
using Gantry.Daemon.Options;
using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.SystemInfo;

/// <summary>What the engine says of itself and of the machine: <c>version</c> and <c>info</c> (golden 003, 004).</summary>
/// <param name="id">The engine's own id, the same in every start.</param>
internal sealed class SystemService(DaemonOptions options, string id, EventJournal events)
{
    /// <summary>Set by the composition root; without one there are none of its things.</summary>
    public IContainerFacts? Containers { get; init; }

    public IImageFacts? Images { get; init; }

    public INetworkFacts? Networks { get; init; }

    public VersionResponse Version()
    {
        string kernel = HostFacts.KernelVersion, arch = HostFacts.GoArchitecture, runtime = $".NET {Environment.Version}";
        string time = BuildInfo.Time;
        return new VersionResponse
        {
            Platform = new PlatformName { Name = "Gantry" },
            Components =
            [
                new ComponentVersion
                {
                    Name = "Engine",
                    Version = BuildInfo.Version,
                    Details = new()
                    {
                        ["ApiVersion"] = BuildInfo.ApiVersion, ["Arch"] = arch, ["BuildTime"] = time, ["Experimental"] = options.Experimental ? "true" : "false", ["GitCommit"] = BuildInfo.Commit,
                        ["GoVersion"] = runtime, ["KernelVersion"] = kernel, ["MinAPIVersion"] = BuildInfo.MinApiVersion, ["Os"] = "linux",
                    },
                },
                new ComponentVersion { Name = "gantry-supervisor", Version = BuildInfo.Version, Details = new() { ["GitCommit"] = BuildInfo.Commit } },
                new ComponentVersion { Name = "Linux", Version = kernel, Details = new() { ["Arch"] = HostFacts.MachineArchitecture, ["CgroupVersion"] = CgroupFacts.Read().Version } },
            ],
            Version = BuildInfo.Version,
            ApiVersion = BuildInfo.ApiVersion,
            MinAPIVersion = BuildInfo.MinApiVersion,
            GitCommit = BuildInfo.Commit,
            GoVersion = runtime,
            Os = "linux",
            Arch = arch,
            KernelVersion = kernel,
            Experimental = options.Experimental,
            BuildTime = time,
        };
    }

    public InfoResponse Info(Version apiVersion)
    {
        var counts = Containers?.Count() ?? default;
        var cgroups = CgroupFacts.Read();
        var (system, systemVersion) = HostFacts.OperatingSystem;
        bool forwarding = HostFacts.IPv4Forwarding;
        return new InfoResponse
        {
            ID = id,
            Containers = counts.All,
            ContainersRunning = counts.Running,
            ContainersPaused = counts.Paused,
            ContainersStopped = counts.Stopped,
            Images = Images?.Count ?? 0,
            Driver = Images?.Driver ?? "",
            DriverStatus = [.. Images?.DriverStatus.Select(s => new List<string> { s.Key, s.Value }) ?? []],
            Plugins = new PluginsInfo { Volume = ["local"], Network = [.. Networks?.Drivers ?? []], Log = [.. Containers?.LogDrivers ?? []] },
            MemoryLimit = cgroups.Memory,
            SwapLimit = cgroups.Swap,
            KernelMemoryTCP = cgroups.KernelMemoryTcp,
            CpuCfsPeriod = cgroups.CpuPeriod,
            CpuCfsQuota = cgroups.CpuQuota,
            CPUShares = cgroups.CpuShares,
            CPUSet = cgroups.CpuSet,
            PidsLimit = cgroups.Pids,
            IPv4Forwarding = forwarding,
            Debug = options.Debug,
            NFd = HostFacts.OpenDescriptors,
            OomKillDisable = cgroups.OomKillDisable,
            NGoroutines = HostFacts.Threads,
            SystemTime = WireTime.Format(DateTimeOffset.UtcNow),
            LoggingDriver = options.LogDriver,
            CgroupDriver = Containers?.CgroupDriver ?? "",
            CgroupVersion = cgroups.Version,
            NEventsListener = events.Readers,
            KernelVersion = HostFacts.KernelVersion,
            OperatingSystem = system,
            OSVersion = systemVersion,
            OSType = "linux",
            Architecture = HostFacts.MachineArchitecture,
            IndexServerAddress = "https://index.docker.io/v1/",
            RegistryConfig = RegistryConfig(),
            NCPU = Environment.ProcessorCount,
            MemTotal = HostFacts.Memory,
            DockerRootDir = options.DataRoot,
            HttpProxy = Proxy("HTTP_PROXY"),
            HttpsProxy = Proxy("HTTPS_PROXY"),
            NoProxy = Environment.GetEnvironmentVariable("NO_PROXY") ?? Environment.GetEnvironmentVariable("no_proxy") ?? "",
            Name = HostFacts.HostName,
            Labels = [.. options.Labels],
            ExperimentalBuild = options.Experimental,
            ServerVersion = BuildInfo.Version,
            Runtimes = Runtimes(),
            DefaultRuntime = options.DefaultRuntime,
            LiveRestoreEnabled = options.LiveRestore,
            InitBinary = InitBinary(),
            SecurityOptions = [.. SecurityOptions(cgroups)],
            DefaultAddressPools = options.AddressPools.Count == 0 ? null : [.. options.AddressPools.Select(p => new AddressPoolInfo { Base = p.Base, Size = p.Size })],
            FirewallBackend = apiVersion >= FirewallBackendSince && Networks?.FirewallBackend is { Length: > 0 } backend ? new FirewallBackendInfo { Driver = backend } : null,
            CDISpecDirs = [],
            Warnings = Warnings(cgroups, forwarding) is { Count: > 0 } warnings ? warnings : null,
        };
    }

    private static readonly Version FirewallBackendSince = new(1, 49);

    private RegistryConfigInfo RegistryConfig()
    {
        var config = new RegistryConfigInfo
        {
            InsecureRegistryCIDRs = [.. options.InsecureRegistries.Where(r => r.Contains('/')).Append("::1/128").Append("127.0.0.0/8")],
            Mirrors = options.RegistryMirrors.Count == 0 ? null : [.. options.RegistryMirrors],
        };
        config.IndexConfigs["docker.io"] = new IndexConfigInfo { Name = "docker.io", Official = true, Secure = true, Mirrors = [.. options.RegistryMirrors] };
        foreach (string name in options.InsecureRegistries.Where(r => !r.Contains('/'))) config.IndexConfigs[name] = new IndexConfigInfo { Name = name };
        return config;
    }

    private SortedDictionary<string, RuntimeInfo> Runtimes()
    {
        var runtimes = new SortedDictionary<string, RuntimeInfo>(StringComparer.Ordinal) { ["native"] = new RuntimeInfo { Path = "gantry-supervisor" } };
        if (HostFacts.FindProgram("lxc-start") is { } lxc) runtimes["lxc"] = new RuntimeInfo { Path = lxc };
        foreach (var (name, runtime) in options.Runtimes)
            runtimes[name] = new RuntimeInfo { Path = runtime.Path, RuntimeArgs = runtime.Arguments.Count == 0 ? null : [.. runtime.Arguments] };
        return runtimes;
    }

    private string InitBinary() =>
        options.InitPath.Length > 0 ? options.InitPath : ((string[])["docker-init", "tini"]).FirstOrDefault(name => HostFacts.FindProgram(name) is not null) ?? "";

    private IEnumerable<string> SecurityOptions(CgroupFacts cgroups)
    {
        if (HostFacts.HasAppArmor) yield return "name=apparmor";
        if (HostFacts.HasSeccomp) yield return $"name=seccomp,profile={options.SeccompProfile}";
        if (options.UsernsRemap.Length > 0) yield return "name=userns";
        if (cgroups.Version == "2") yield return "name=cgroupns";
    }

    private List<string> Warnings(CgroupFacts cgroups, bool forwarding)
    {
        var warnings = new List<string>();
        foreach (var host in options.Hosts.Where(h => h.Kind == HostKind.Tcp && !options.Tls.Verify))
            warnings.Add($"[DANGER]: API is accessible on {host}{(options.Tls.Enabled ? " without client verification" : " without encryption")}: whoever reaches it is root on this host");
        if (!cgroups.Memory) warnings.Add("WARNING: No memory limit support");
        if (!cgroups.Swap) warnings.Add("WARNING: No swap limit support");
        if (cgroups.Version == "1" && !cgroups.OomKillDisable) warnings.Add("WARNING: No oom kill disable support");
        if (!cgroups.CpuQuota) warnings.Add("WARNING: No cpu cfs quota support");
        if (!cgroups.CpuPeriod) warnings.Add("WARNING: No cpu cfs period support");
        if (!cgroups.CpuShares) warnings.Add("WARNING: No cpu shares support");
        if (!cgroups.CpuSet) warnings.Add("WARNING: No cpuset support");
        if (!forwarding) warnings.Add("WARNING: IPv4 forwarding is disabled");
        return warnings;
    }

    /// <summary>The proxy of the environment, without its password.</summary>
    private static string Proxy(string name)
    {
        string value = Environment.GetEnvironmentVariable(name) ?? Environment.GetEnvironmentVariable(name.ToLowerInvariant()) ?? "";
        return Uri.TryCreate(value, UriKind.Absolute, out var address) && address.UserInfo.Length > 0
            ? value.Replace(address.UserInfo, "xxxxx:xxxxx", StringComparison.Ordinal)
            : value;
    }
}
