using System.Text.Json.Serialization;

namespace Gantry.Protocol.SystemInfo;

public sealed record ErrorResponse
{
    [JsonPropertyName("message")] public string Message { get; set; } = "";
}

/// <summary>Answer of <c>GET /version</c>.</summary>
public sealed record VersionResponse
{
    public PlatformName Platform { get; set; } = new();
    public List<ComponentVersion> Components { get; set; } = [];
    public string Version { get; set; } = "";
    public string ApiVersion { get; set; } = "";
    public string MinAPIVersion { get; set; } = "";
    public string GitCommit { get; set; } = "";
    /// <summary>The managed runtime's version: the field that Docker fills with Go's.</summary>
    public string GoVersion { get; set; } = "";
    public string Os { get; set; } = "";
    public string Arch { get; set; } = "";
    public string KernelVersion { get; set; } = "";
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool Experimental { get; set; }
    public string BuildTime { get; set; } = "";
}

public sealed record PlatformName
{
    public string Name { get; set; } = "";
}

public sealed record ComponentVersion
{
    public string Name { get; set; } = "";
    public string Version { get; set; } = "";
    public SortedDictionary<string, string>? Details { get; set; }
}

/// <summary>Answer of <c>GET /info</c>.</summary>
public sealed record InfoResponse
{
    public string ID { get; set; } = "";
    public int Containers { get; set; }
    public int ContainersRunning { get; set; }
    public int ContainersPaused { get; set; }
    public int ContainersStopped { get; set; }
    public int Images { get; set; }
    public string Driver { get; set; } = "";
    public List<List<string>> DriverStatus { get; set; } = [];
    public PluginsInfo Plugins { get; set; } = new();
    public bool MemoryLimit { get; set; }
    public bool SwapLimit { get; set; }
    public bool KernelMemoryTCP { get; set; }
    public bool CpuCfsPeriod { get; set; }
    public bool CpuCfsQuota { get; set; }
    public bool CPUShares { get; set; }
    public bool CPUSet { get; set; }
    public bool PidsLimit { get; set; }
    public bool IPv4Forwarding { get; set; }
    public bool Debug { get; set; }
    public int NFd { get; set; }
    public bool OomKillDisable { get; set; }
    public int NGoroutines { get; set; }
    public string SystemTime { get; set; } = "";
    public string LoggingDriver { get; set; } = "";
    public string CgroupDriver { get; set; } = "";
    public string CgroupVersion { get; set; } = "";
    public int NEventsListener { get; set; }
    public string KernelVersion { get; set; } = "";
    public string OperatingSystem { get; set; } = "";
    public string OSVersion { get; set; } = "";
    public string OSType { get; set; } = "";
    public string Architecture { get; set; } = "";
    public string IndexServerAddress { get; set; } = "";
    public RegistryConfigInfo RegistryConfig { get; set; } = new();
    public int NCPU { get; set; }
    public long MemTotal { get; set; }
    public List<string>? GenericResources { get; set; }
    public string DockerRootDir { get; set; } = "";
    public string HttpProxy { get; set; } = "";
    public string HttpsProxy { get; set; } = "";
    public string NoProxy { get; set; } = "";
    public string Name { get; set; } = "";
    public List<string> Labels { get; set; } = [];
    public bool ExperimentalBuild { get; set; }
    public string ServerVersion { get; set; } = "";
    public SortedDictionary<string, RuntimeInfo> Runtimes { get; set; } = [];
    public string DefaultRuntime { get; set; } = "";
    public SwarmInfo Swarm { get; set; } = new();
    public bool LiveRestoreEnabled { get; set; }
    public string Isolation { get; set; } = "";
    public string InitBinary { get; set; } = "";
    public CommitInfo ContainerdCommit { get; set; } = new();
    public CommitInfo RuncCommit { get; set; } = new();
    public CommitInfo InitCommit { get; set; } = new();
    public List<string> SecurityOptions { get; set; } = [];
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public List<AddressPoolInfo>? DefaultAddressPools { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public FirewallBackendInfo? FirewallBackend { get; set; }
    public List<string> CDISpecDirs { get; set; } = [];
    public List<string>? Warnings { get; set; }
}

public sealed record PluginsInfo
{
    public List<string>? Volume { get; set; }
    public List<string>? Network { get; set; }
    public List<string>? Authorization { get; set; }
    public List<string>? Log { get; set; }
}

public sealed record RegistryConfigInfo
{
    public SortedDictionary<string, IndexConfigInfo> IndexConfigs { get; set; } = [];
    public List<string> InsecureRegistryCIDRs { get; set; } = [];
    public List<string>? Mirrors { get; set; }
}

public sealed record IndexConfigInfo
{
    public List<string> Mirrors { get; set; } = [];
    public string Name { get; set; } = "";
    public bool Official { get; set; }
    public bool Secure { get; set; }
}

public sealed record RuntimeInfo
{
    [JsonPropertyName("path"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Path { get; set; }
    [JsonPropertyName("runtimeArgs"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public List<string>? RuntimeArgs { get; set; }
    [JsonPropertyName("status"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public SortedDictionary<string, string>? Status { get; set; }
}

public sealed record SwarmInfo
{
    public string NodeID { get; set; } = "";
    public string NodeAddr { get; set; } = "";
    public string LocalNodeState { get; set; } = "inactive";
    public bool ControlAvailable { get; set; }
    public string Error { get; set; } = "";
    public List<string>? RemoteManagers { get; set; }
}

public sealed record CommitInfo
{
    public string ID { get; set; } = "";
}

public sealed record AddressPoolInfo
{
    public string Base { get; set; } = "";
    public int Size { get; set; }
}

public sealed record FirewallBackendInfo
{
    public string Driver { get; set; } = "";
}

/// <summary>Body of <c>POST /auth</c> and content of <c>X-Registry-Auth</c>.</summary>
public sealed record AuthConfig
{
    [JsonPropertyName("username")] public string? Username { get; set; }
    [JsonPropertyName("password")] public string? Password { get; set; }
    [JsonPropertyName("auth")] public string? Auth { get; set; }
    [JsonPropertyName("email")] public string? Email { get; set; }
    [JsonPropertyName("serveraddress")] public string? ServerAddress { get; set; }
    [JsonPropertyName("identitytoken")] public string? IdentityToken { get; set; }
    [JsonPropertyName("registrytoken")] public string? RegistryToken { get; set; }
}

public sealed record AuthResponse
{
    public string IdentityToken { get; set; } = "";
    public string Status { get; set; } = "";
}

/// <summary>Answer of <c>GET /system/df</c>. Bytes.</summary>
public sealed record DiskUsageResponse
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public long? LayersSize { get; set; }
    public List<Images.ImageSummary>? Images { get; set; }
    public List<Containers.ContainerSummary>? Containers { get; set; }
    public List<Volumes.Volume>? Volumes { get; set; }
    public List<BuildCacheItem>? BuildCache { get; set; }
}

public sealed record BuildCacheItem
{
    public string ID { get; set; } = "";
    public string Type { get; set; } = "";
    public string Description { get; set; } = "";
    public bool InUse { get; set; }
    public bool Shared { get; set; }
    public long Size { get; set; }
    public string CreatedAt { get; set; } = "";
    public string? LastUsedAt { get; set; }
    public int UsageCount { get; set; }
}
