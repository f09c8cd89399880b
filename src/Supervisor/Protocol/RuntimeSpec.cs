using System.Text.Json.Serialization;

namespace Gantry.Supervisor.Protocol;

/// <summary>A container as the OCI runtime specification describes it (<c>config.json</c>, version 1.2): the one interface between what to run and how.</summary>
public sealed record RuntimeSpec
{
    [JsonPropertyName("ociVersion")] public string OciVersion { get; set; } = "1.2.0";
    [JsonPropertyName("process")] public ProcessSpec? Process { get; set; }
    [JsonPropertyName("root")] public RootSpec? Root { get; set; }
    [JsonPropertyName("hostname")] public string? Hostname { get; set; }
    [JsonPropertyName("domainname")] public string? Domainname { get; set; }
    [JsonPropertyName("mounts")] public List<MountSpec> Mounts { get; set; } = [];
    [JsonPropertyName("hooks")] public HooksSpec? Hooks { get; set; }
    [JsonPropertyName("annotations")] public SortedDictionary<string, string>? Annotations { get; set; }
    [JsonPropertyName("linux")] public LinuxSpec Linux { get; set; } = new();
}

public sealed record ProcessSpec
{
    [JsonPropertyName("terminal")] public bool Terminal { get; set; }
    [JsonPropertyName("consoleSize")] public ConsoleSize? ConsoleSize { get; set; }
    [JsonPropertyName("user")] public UserSpec User { get; set; } = new();
    [JsonPropertyName("args")] public List<string> Args { get; set; } = [];
    [JsonPropertyName("env")] public List<string> Env { get; set; } = [];
    [JsonPropertyName("cwd")] public string Cwd { get; set; } = "/";
    [JsonPropertyName("capabilities")] public CapabilitiesSpec? Capabilities { get; set; }
    [JsonPropertyName("rlimits")] public List<RlimitSpec>? Rlimits { get; set; }
    [JsonPropertyName("noNewPrivileges")] public bool NoNewPrivileges { get; set; }
    [JsonPropertyName("apparmorProfile")] public string? ApparmorProfile { get; set; }
    [JsonPropertyName("oomScoreAdj")] public int? OomScoreAdj { get; set; }
    [JsonPropertyName("selinuxLabel")] public string? SelinuxLabel { get; set; }
}

public sealed record ConsoleSize
{
    [JsonPropertyName("height")] public uint Height { get; set; }
    [JsonPropertyName("width")] public uint Width { get; set; }
}

public sealed record UserSpec
{
    [JsonPropertyName("uid")] public uint Uid { get; set; }
    [JsonPropertyName("gid")] public uint Gid { get; set; }
    [JsonPropertyName("umask")] public uint? Umask { get; set; }
    [JsonPropertyName("additionalGids")] public List<uint>? AdditionalGids { get; set; }
}

/// <summary>Capability names with their prefix (<c>CAP_CHOWN</c>).</summary>
public sealed record CapabilitiesSpec
{
    [JsonPropertyName("bounding")] public List<string>? Bounding { get; set; }
    [JsonPropertyName("effective")] public List<string>? Effective { get; set; }
    [JsonPropertyName("inheritable")] public List<string>? Inheritable { get; set; }
    [JsonPropertyName("permitted")] public List<string>? Permitted { get; set; }
    [JsonPropertyName("ambient")] public List<string>? Ambient { get; set; }
}

public sealed record RlimitSpec
{
    /// <summary><c>RLIMIT_NOFILE</c>.</summary>
    [JsonPropertyName("type")] public string Type { get; set; } = "";
    [JsonPropertyName("hard")] public ulong Hard { get; set; }
    [JsonPropertyName("soft")] public ulong Soft { get; set; }
}

public sealed record RootSpec
{
    /// <summary>A path, for drivers that need one. The native driver takes a mount's descriptor instead.</summary>
    [JsonPropertyName("path")] public string Path { get; set; } = "rootfs";
    [JsonPropertyName("readonly")] public bool Readonly { get; set; }
}

public sealed record MountSpec
{
    [JsonPropertyName("destination")] public string Destination { get; set; } = "";
    [JsonPropertyName("type")] public string? Type { get; set; }
    [JsonPropertyName("source")] public string? Source { get; set; }
    [JsonPropertyName("options")] public List<string>? Options { get; set; }
}

public sealed record HooksSpec
{
    [JsonPropertyName("prestart")] public List<HookSpec>? Prestart { get; set; }
    [JsonPropertyName("createRuntime")] public List<HookSpec>? CreateRuntime { get; set; }
    [JsonPropertyName("createContainer")] public List<HookSpec>? CreateContainer { get; set; }
    [JsonPropertyName("startContainer")] public List<HookSpec>? StartContainer { get; set; }
    [JsonPropertyName("poststart")] public List<HookSpec>? Poststart { get; set; }
    [JsonPropertyName("poststop")] public List<HookSpec>? Poststop { get; set; }
}

public sealed record HookSpec
{
    [JsonPropertyName("path")] public string Path { get; set; } = "";
    [JsonPropertyName("args")] public List<string>? Args { get; set; }
    [JsonPropertyName("env")] public List<string>? Env { get; set; }
    [JsonPropertyName("timeout")] public int? Timeout { get; set; }
}

public sealed record LinuxSpec
{
    [JsonPropertyName("uidMappings")] public List<IdMappingSpec>? UidMappings { get; set; }
    [JsonPropertyName("gidMappings")] public List<IdMappingSpec>? GidMappings { get; set; }
    [JsonPropertyName("sysctl")] public SortedDictionary<string, string>? Sysctl { get; set; }
    [JsonPropertyName("resources")] public ResourcesSpec? Resources { get; set; }
    [JsonPropertyName("cgroupsPath")] public string? CgroupsPath { get; set; }
    [JsonPropertyName("namespaces")] public List<NamespaceSpec> Namespaces { get; set; } = [];
    [JsonPropertyName("devices")] public List<DeviceSpec>? Devices { get; set; }
    /// <summary>A <see cref="SeccompSpec"/>, kept as text: it is large, seldom changes, and whoever needs it looks it up by its bytes first.</summary>
    [JsonPropertyName("seccomp"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public RawJson? Seccomp { get; set; }
    [JsonPropertyName("rootfsPropagation")] public string? RootfsPropagation { get; set; }
    [JsonPropertyName("maskedPaths")] public List<string>? MaskedPaths { get; set; }
    [JsonPropertyName("readonlyPaths")] public List<string>? ReadonlyPaths { get; set; }
    [JsonPropertyName("mountLabel")] public string? MountLabel { get; set; }
}

public sealed record IdMappingSpec
{
    [JsonPropertyName("containerID")] public uint ContainerId { get; set; }
    [JsonPropertyName("hostID")] public uint HostId { get; set; }
    [JsonPropertyName("size")] public uint Size { get; set; }
}

public sealed record NamespaceSpec
{
    /// <summary><c>pid</c>, <c>network</c>, <c>mount</c>, <c>ipc</c>, <c>uts</c>, <c>user</c>, <c>cgroup</c>, <c>time</c>.</summary>
    [JsonPropertyName("type")] public string Type { get; set; } = "";
    /// <summary>An existing namespace to join; absent makes a new one.</summary>
    [JsonPropertyName("path"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Path { get; set; }
}

public sealed record DeviceSpec
{
    /// <summary>Where the node is on the host; not in the OCI specification, which has a new one made.</summary>
    [JsonPropertyName("gantryHostPath"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? HostPath { get; set; }
    [JsonPropertyName("path")] public string Path { get; set; } = "";
    /// <summary><c>c</c>, <c>b</c>, <c>u</c> or <c>p</c>.</summary>
    [JsonPropertyName("type")] public string Type { get; set; } = "";
    [JsonPropertyName("major")] public long Major { get; set; }
    [JsonPropertyName("minor")] public long Minor { get; set; }
    [JsonPropertyName("fileMode")] public uint? FileMode { get; set; }
    [JsonPropertyName("uid")] public uint? Uid { get; set; }
    [JsonPropertyName("gid")] public uint? Gid { get; set; }
}

public sealed record ResourcesSpec
{
    [JsonPropertyName("devices")] public List<DeviceRuleSpec>? Devices { get; set; }
    [JsonPropertyName("memory")] public MemorySpec? Memory { get; set; }
    [JsonPropertyName("cpu")] public CpuSpec? Cpu { get; set; }
    [JsonPropertyName("pids")] public PidsSpec? Pids { get; set; }
    [JsonPropertyName("blockIO")] public BlockIoSpec? BlockIo { get; set; }
}

public sealed record DeviceRuleSpec
{
    [JsonPropertyName("allow")] public bool Allow { get; set; }
    [JsonPropertyName("type")] public string? Type { get; set; }
    [JsonPropertyName("major")] public long? Major { get; set; }
    [JsonPropertyName("minor")] public long? Minor { get; set; }
    [JsonPropertyName("access")] public string? Access { get; set; }
}

/// <summary>Bytes; −1 is unlimited.</summary>
public sealed record MemorySpec
{
    [JsonPropertyName("limit")] public long? Limit { get; set; }
    [JsonPropertyName("reservation")] public long? Reservation { get; set; }
    /// <summary>Memory plus swap.</summary>
    [JsonPropertyName("swap")] public long? Swap { get; set; }
    [JsonPropertyName("swappiness")] public ulong? Swappiness { get; set; }
    [JsonPropertyName("disableOOMKiller")] public bool? DisableOomKiller { get; set; }
}

public sealed record CpuSpec
{
    [JsonPropertyName("shares")] public ulong? Shares { get; set; }
    [JsonPropertyName("quota")] public long? Quota { get; set; }
    [JsonPropertyName("period")] public ulong? Period { get; set; }
    [JsonPropertyName("realtimeRuntime")] public long? RealtimeRuntime { get; set; }
    [JsonPropertyName("realtimePeriod")] public ulong? RealtimePeriod { get; set; }
    [JsonPropertyName("cpus")] public string? Cpus { get; set; }
    [JsonPropertyName("mems")] public string? Mems { get; set; }
}

public sealed record PidsSpec
{
    [JsonPropertyName("limit")] public long Limit { get; set; }
}

public sealed record BlockIoSpec
{
    [JsonPropertyName("weight")] public ushort? Weight { get; set; }
    [JsonPropertyName("weightDevice")] public List<WeightDeviceSpec>? WeightDevice { get; set; }
    [JsonPropertyName("throttleReadBpsDevice")] public List<ThrottleDeviceSpec>? ThrottleReadBps { get; set; }
    [JsonPropertyName("throttleWriteBpsDevice")] public List<ThrottleDeviceSpec>? ThrottleWriteBps { get; set; }
    [JsonPropertyName("throttleReadIOPSDevice")] public List<ThrottleDeviceSpec>? ThrottleReadIops { get; set; }
    [JsonPropertyName("throttleWriteIOPSDevice")] public List<ThrottleDeviceSpec>? ThrottleWriteIops { get; set; }
}

public sealed record WeightDeviceSpec
{
    [JsonPropertyName("major")] public long Major { get; set; }
    [JsonPropertyName("minor")] public long Minor { get; set; }
    [JsonPropertyName("weight")] public ushort? Weight { get; set; }
}

public sealed record ThrottleDeviceSpec
{
    [JsonPropertyName("major")] public long Major { get; set; }
    [JsonPropertyName("minor")] public long Minor { get; set; }
    [JsonPropertyName("rate")] public ulong Rate { get; set; }
}

public sealed record SeccompSpec
{
    [JsonPropertyName("defaultAction")] public string DefaultAction { get; set; } = "";
    [JsonPropertyName("defaultErrnoRet")] public uint? DefaultErrnoRet { get; set; }
    [JsonPropertyName("architectures")] public List<string>? Architectures { get; set; }
    [JsonPropertyName("flags")] public List<string>? Flags { get; set; }
    [JsonPropertyName("listenerPath")] public string? ListenerPath { get; set; }
    [JsonPropertyName("syscalls")] public List<SeccompRuleSpec>? Syscalls { get; set; }
}

public sealed record SeccompRuleSpec
{
    [JsonPropertyName("names")] public List<string> Names { get; set; } = [];
    [JsonPropertyName("action")] public string Action { get; set; } = "";
    [JsonPropertyName("errnoRet")] public uint? ErrnoRet { get; set; }
    [JsonPropertyName("args")] public List<SeccompArgumentSpec>? Args { get; set; }
}

public sealed record SeccompArgumentSpec
{
    [JsonPropertyName("index")] public uint Index { get; set; }
    [JsonPropertyName("value")] public ulong Value { get; set; }
    [JsonPropertyName("valueTwo")] public ulong ValueTwo { get; set; }
    [JsonPropertyName("op")] public string Op { get; set; } = "";
}
