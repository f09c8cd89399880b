namespace Gantry.Daemon.Options;

/// <summary>Everything that a daemon was told at its start, from flags and <c>daemon.json</c> together, checked and with the defaults filled in.</summary>
public sealed record DaemonOptions
{
    public const string DefaultBridge = "gantry0", DefaultGroup = "docker", NoBridge = "none";

    public const string DefaultConfigFile = "/etc/gantry/daemon.json";

    /// <summary>Debug log lines, and the default treatment of SIGQUIT.</summary>
    public bool Debug { get; init; }

    /// <summary><c>debug</c>, <c>info</c>, <c>warn</c>, <c>error</c> or <c>fatal</c>.</summary>
    public string LogLevel { get; init; } = "info";

    public IReadOnlyList<HostAddress> Hosts { get; init; } = [HostAddress.Default];

    /// <summary>Owner group of Unix sockets, by name or number; empty leaves them to root.</summary>
    public string SocketGroup { get; init; } = DefaultGroup;

    /// <summary>A group that was asked for must exist; the default one may be missing.</summary>
    public bool SocketGroupIsDefault { get; init; } = true;

    /// <summary>State that survives a reboot.</summary>
    public string DataRoot { get; init; } = "/var/lib/gantry";

    /// <summary>State of the running system: sockets, bundles, pid file.</summary>
    public string ExecRoot { get; init; } = "/run/gantry";

    public string PidFile { get; init; } = "";

    /// <summary>The default network's bridge; <see cref="NoBridge"/> for none.</summary>
    public string Bridge { get; init; } = DefaultBridge;

    /// <summary>Somebody named the bridge: it may be one that exists, with an address of its own.</summary>
    public bool BridgeIsNamed { get; init; }

    /// <summary>Address and prefix of the bridge (<c>172.30.0.1/16</c>); null for one of the address pools.</summary>
    public string? BridgeAddress { get; init; }

    /// <summary>Part of the bridge's subnet from which containers get addresses; null for all of it.</summary>
    public string? FixedCidr { get; init; }

    public IReadOnlyList<AddressPool> AddressPools { get; init; } = [];

    /// <summary>Where the cgroups of containers hang; empty for the default.</summary>
    public string CgroupParent { get; init; } = "";

    /// <summary><c>native.cgroupdriver=cgroupfs</c> or <c>=systemd</c>.</summary>
    public IReadOnlyList<string> ExecOptions { get; init; } = [];

    /// <summary>What <see cref="ExecOptions"/> ask for; null when they do not.</summary>
    public string? CgroupDriver => ExecOptions.LastOrDefault(o => o.StartsWith(CgroupDriverKey, StringComparison.Ordinal))?[CgroupDriverKey.Length..];

    private const string CgroupDriverKey = "native.cgroupdriver=";

    /// <summary>Empty for the best one that the file system allows.</summary>
    public string StorageDriver { get; init; } = "";

    public IReadOnlyList<string> StorageOptions { get; init; } = [];

    /// <summary><c>native</c>, <c>lxc</c>, or the name of one of <see cref="Runtimes"/>.</summary>
    public string ExecDriver { get; init; } = "native";

    public IReadOnlyDictionary<string, RuntimeOption> Runtimes { get; init; } = new Dictionary<string, RuntimeOption>();

    /// <summary>What a container without a runtime of its own gets; the exec driver unless it was set.</summary>
    public string DefaultRuntime { get; init; } = "";

    public string InitPath { get; init; } = "";

    /// <summary>The program that makes checkpoints; empty for the one on the PATH.</summary>
    public string CriuPath { get; init; } = "";

    /// <summary>MTU of container interfaces; 0 for that of the host's default route.</summary>
    public int Mtu { get; init; }

    public IReadOnlyList<string> Dns { get; init; } = [];

    public IReadOnlyList<string> DnsSearch { get; init; } = [];

    public IReadOnlyList<string> DnsOptions { get; init; } = [];

    /// <summary>Address to which published ports are bound when none is given.</summary>
    public string PublishAddress { get; init; } = "0.0.0.0";

    public bool InterContainerCommunication { get; init; } = true;

    /// <summary>Manage firewall rules. The flag keeps its old name; the rules are nftables'.</summary>
    public bool Firewall { get; init; } = true;

    public bool IpForward { get; init; } = true;

    public bool IpMasquerade { get; init; } = true;

    public bool UserlandProxy { get; init; } = true;

    public TlsOptions Tls { get; init; } = new();

    public string LogDriver { get; init; } = "json-file";

    public IReadOnlyDictionary<string, string> LogOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>Registries that are spoken to without TLS or without checking it: <c>host[:port]</c> or CIDR. Loopback always is.</summary>
    public IReadOnlyList<string> InsecureRegistries { get; init; } = [];

    public IReadOnlyList<string> RegistryMirrors { get; init; } = [];

    /// <summary>The folder of <c>daemon.json</c>: <c>certs.d</c> in it holds certificates for registries.</summary>
    public string ConfigFolder { get; init; } = "/etc/gantry";

    /// <summary>Layers that are pulled at the same time, by all pulls together.</summary>
    public int MaxConcurrentDownloads { get; init; } = 3;

    /// <summary>Layers that are pushed at the same time, by all pushes together.</summary>
    public int MaxConcurrentUploads { get; init; } = 5;

    /// <summary>Tries for a layer without any progress before its pull fails.</summary>
    public int MaxDownloadAttempts { get; init; } = 5;

    /// <summary><c>user[:group]</c> or <c>default</c>; empty for no remapping.</summary>
    public string UsernsRemap { get; init; } = "";

    /// <summary><c>builtin</c>, <c>unconfined</c>, or the path of a profile.</summary>
    public string SeccompProfile { get; init; } = "builtin";

    public IReadOnlyList<UlimitOption> DefaultUlimits { get; init; } = [];

    /// <summary>Bytes.</summary>
    public long DefaultShmSize { get; init; } = 64L << 20;

    /// <summary>Seconds that a container gets to stop when its own limit does not say; negative for no limit.</summary>
    public int ShutdownTimeout { get; init; } = 15;

    /// <summary>Accepted for Docker's sake: containers outlive this daemon in any case.</summary>
    public bool LiveRestore { get; init; } = true;

    public bool Experimental { get; init; }

    /// <summary>Labels of the engine, <c>key=value</c>.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    public string DatabasePath => Path.Combine(DataRoot, "gantry.db");
}

/// <param name="Base">CIDR that is cut into subnets.</param>
/// <param name="Size">Prefix length of each.</param>
public sealed record AddressPool(string Base, int Size);

public sealed record RuntimeOption(string Path, IReadOnlyList<string> Arguments);

public sealed record UlimitOption(string Name, long Soft, long Hard);

/// <summary>TLS of tcp listeners.</summary>
public sealed record TlsOptions
{
    public bool Enabled { get; init; }

    /// <summary>Clients must show a certificate of <see cref="Authority"/>. Implies <see cref="Enabled"/>.</summary>
    public bool Verify { get; init; }

    public string Authority { get; init; } = "";

    public string Certificate { get; init; } = "";

    public string Key { get; init; } = "";
}
