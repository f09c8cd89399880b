using System.Text.Json.Serialization;

namespace Gantry.Supervisor.Runtime;

/// <summary>What this runtime can do (OCI runtime specification, "Features").</summary>
internal sealed record RuntimeFeatures
{
    [JsonPropertyName("ociVersionMin")] public string OciVersionMin { get; set; } = "1.0.0";
    [JsonPropertyName("ociVersionMax")] public string OciVersionMax { get; set; } = "1.2.0";
    [JsonPropertyName("hooks")] public List<string> Hooks { get; set; } = ["prestart", "createRuntime", "poststart", "poststop"];
    [JsonPropertyName("mountOptions")] public List<string> MountOptions { get; set; } =
    [
        "async", "atime", "bind", "defaults", "dev", "diratime", "exec", "noatime", "nodev", "nodiratime", "noexec", "nosuid", "nosymfollow", "private", "rbind", "rdev", "rdiratime", "relatime", "rexec",
        "rnoatime", "rnodev", "rnodiratime", "rnoexec", "rnosuid", "rnosymfollow", "ro", "rprivate", "rrelatime", "rro", "rrw", "rshared", "rslave", "rstrictatime", "rsuid", "rsymfollow", "runbindable",
        "rw", "shared", "slave", "strictatime", "suid", "symfollow", "unbindable",
    ];
    [JsonPropertyName("linux")] public LinuxFeatures Linux { get; set; } = new();
}

internal sealed record LinuxFeatures
{
    [JsonPropertyName("namespaces")] public List<string> Namespaces { get; set; } = ["cgroup", "ipc", "mount", "network", "pid", "time", "uts"];
    [JsonPropertyName("capabilities")] public List<string> Capabilities { get; set; } = [];
    [JsonPropertyName("cgroup")] public CgroupFeature Cgroup { get; set; } = new();
    [JsonPropertyName("seccomp")] public SeccompFeature Seccomp { get; set; } = new();
    [JsonPropertyName("apparmor")] public Switch Apparmor { get; set; } = new();
    [JsonPropertyName("selinux")] public Switch Selinux { get; set; } = new();
}

internal sealed record CgroupFeature
{
    [JsonPropertyName("v1")] public bool Legacy { get; set; } = true;
    [JsonPropertyName("v2")] public bool Unified { get; set; } = true;
    [JsonPropertyName("systemd")] public bool Systemd { get; set; }
}

internal sealed record SeccompFeature
{
    [JsonPropertyName("enabled")] public bool Enabled { get; set; } = true;
    [JsonPropertyName("actions")] public List<string> Actions { get; set; } =
        ["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"];
    [JsonPropertyName("operators")] public List<string> Operators { get; set; } = ["SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"];
}

internal sealed record Switch
{
    [JsonPropertyName("enabled")] public bool Enabled { get; set; }
}
