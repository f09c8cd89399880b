using System.Collections;

namespace Gantry.PowerShell.Objects;

/// <summary>Everything that says what a container is to be. Null leaves a thing to the image and the engine.</summary>
/// <remarks>The names are those of New-Container's parameters; a hashtable with them converts: <c>[Gantry.PowerShell.Objects.ContainerSpec]@{Image = 'web'; Memory = 512MB}</c>.</remarks>
public sealed partial record ContainerSpec
{
    /// <summary>Name or id of the image.</summary>
    public string? Image { get; set; }

    /// <summary>The container's name; the engine makes one up without it.</summary>
    public string? Name { get; set; }

    /// <summary>The program's arguments, or the program and its arguments where the image has no entry point.</summary>
    public string[]? Command { get; set; }

    /// <summary>Replaces the image's entry point; a single empty text removes it.</summary>
    public string[]? Entrypoint { get; set; }

    /// <summary>Environment variables by name; a null value removes one of the image's.</summary>
    public IDictionary? Environment { get; set; }

    /// <summary>Where the process starts.</summary>
    public string? WorkingDirectory { get; set; }

    /// <summary>User and group of the process, by name or number: <c>1000:100</c>.</summary>
    public string? User { get; set; }

    /// <summary>Supplementary groups.</summary>
    public string[]? Group { get; set; }

    /// <summary>Give the process a terminal.</summary>
    public bool? Tty { get; set; }

    /// <summary>Keep the process's standard input open.</summary>
    public bool? Interactive { get; set; }

    /// <summary>Run a small init as the first process, which reaps and forwards signals.</summary>
    public bool? Init { get; set; }

    /// <summary>The signal that asks the process to end.</summary>
    public string? StopSignal { get; set; }

    /// <summary>Seconds between that signal and SIGKILL; -1 waits without end.</summary>
    public int? StopTimeoutSec { get; set; }

    /// <summary>How to find out whether the container works.</summary>
    public ContainerHealthCheck? HealthCheck { get; set; }

    /// <summary>The container's own host name.</summary>
    public string? Hostname { get; set; }

    /// <summary>The container's NIS domain name.</summary>
    public string? DomainName { get; set; }

    /// <summary>Labels by name.</summary>
    public IDictionary? Label { get; set; }

    /// <summary>Annotations for the runtime, by name.</summary>
    public IDictionary? Annotation { get; set; }

    /// <summary>The image's platform: <c>linux/amd64</c>.</summary>
    public string? Platform { get; set; }

    /// <summary>Ports to publish on the host.</summary>
    public ContainerPortBinding[]? Publish { get; set; }

    /// <summary>Publish every exposed port on a free host port.</summary>
    public bool? PublishAll { get; set; }

    /// <summary>Ports to name without publishing them: <c>80</c>, <c>53/udp</c>.</summary>
    public string[]? Expose { get; set; }

    /// <summary>The network: a name, <c>bridge</c>, <c>host</c>, <c>none</c> or <c>container:NAME</c>.</summary>
    public string? Network { get; set; }

    /// <summary>Further names of the container in its network.</summary>
    public string[]? NetworkAlias { get; set; }

    /// <summary>Its IPv4 address in the network.</summary>
    public string? IPAddress { get; set; }

    /// <summary>Its IPv6 address in the network.</summary>
    public string? IPv6Address { get; set; }

    /// <summary>Its MAC address in the network.</summary>
    public string? MacAddress { get; set; }

    /// <summary>Name servers.</summary>
    public string[]? Dns { get; set; }

    /// <summary>Search domains.</summary>
    public string[]? DnsSearch { get; set; }

    /// <summary>Resolver options.</summary>
    public string[]? DnsOption { get; set; }

    /// <summary>Further lines of /etc/hosts, as <c>name:address</c>.</summary>
    public string[]? ExtraHost { get; set; }

    /// <summary>Links to other containers on the default bridge, as <c>name:alias</c>.</summary>
    public string[]? Link { get; set; }

    /// <summary>Mounts, each an object or a text such as <c>type=bind,source=/srv,target=/data</c>.</summary>
    public ContainerMount[]? Mount { get; set; }

    /// <summary>Mounts in the short form: <c>/srv:/data:ro</c>, <c>cache:/data</c>, <c>/data</c>.</summary>
    public string[]? Volume { get; set; }

    /// <summary>Containers whose mounts are taken over.</summary>
    public string[]? VolumeFrom { get; set; }

    /// <summary>File systems in memory: <c>/run</c>, <c>/run:size=64m</c>.</summary>
    public string[]? Tmpfs { get; set; }

    /// <summary>Make the root file system read-only.</summary>
    public bool? ReadOnly { get; set; }

    /// <summary>Size of /dev/shm in bytes.</summary>
    public long? ShmSize { get; set; }

    /// <summary>Options of the storage driver.</summary>
    public IDictionary? StorageOption { get; set; }

    /// <summary>Memory limit in bytes.</summary>
    public long? Memory { get; set; }

    /// <summary>Memory that is left to it under pressure, in bytes.</summary>
    public long? MemoryReservation { get; set; }

    /// <summary>Limit of memory and swap together in bytes; -1 is unlimited.</summary>
    public long? MemorySwap { get; set; }

    /// <summary>How readily its memory is swapped, 0 to 100.</summary>
    public int? MemorySwappiness { get; set; }

    /// <summary>CPUs that it may use: 1.5.</summary>
    public double? Cpu { get; set; }

    /// <summary>Relative weight among busy containers; 1024 is normal.</summary>
    public long? CpuShare { get; set; }

    /// <summary>CPUs that it may run on: <c>0-3,8</c>.</summary>
    public string? CpuSet { get; set; }

    /// <summary>Memory nodes that it may use.</summary>
    public string? CpuSetMemory { get; set; }

    /// <summary>Most processes; -1 is unlimited.</summary>
    public long? PidLimit { get; set; }

    /// <summary>Relative weight of its disk traffic, 10 to 1000.</summary>
    public int? BlkioWeight { get; set; }

    /// <summary>Process limits by name: <c>@{nofile = '1024:2048'}</c>.</summary>
    public IDictionary? Ulimit { get; set; }

    /// <summary>Do not end it when memory runs out.</summary>
    public bool? OomKillDisable { get; set; }

    /// <summary>How readily it is ended when the host's memory runs out, -1000 to 1000.</summary>
    public int? OomScoreAdjustment { get; set; }

    /// <summary>Host devices: <c>/dev/fuse</c>, <c>/dev/sda:/dev/xvda:r</c>.</summary>
    public string[]? Device { get; set; }

    /// <summary>Further rules for devices: <c>c 42:* rmw</c>.</summary>
    public string[]? DeviceCgroupRule { get; set; }

    /// <summary>The cgroup above the container's.</summary>
    public string? CgroupParent { get; set; }

    /// <summary>All capabilities and devices.</summary>
    public bool? Privileged { get; set; }

    /// <summary>Linux capabilities to add.</summary>
    public string[]? CapabilityAdd { get; set; }

    /// <summary>Linux capabilities to take away.</summary>
    public string[]? CapabilityDrop { get; set; }

    /// <summary>Security options: <c>no-new-privileges</c>, <c>seccomp=profile.json</c>.</summary>
    public string[]? SecurityOption { get; set; }

    /// <summary>Kernel parameters of its namespaces.</summary>
    public IDictionary? Sysctl { get; set; }

    /// <summary><c>private</c>, <c>shareable</c>, <c>host</c>, <c>none</c> or <c>container:NAME</c>.</summary>
    public string? IpcMode { get; set; }

    /// <summary><c>host</c> or <c>container:NAME</c>.</summary>
    public string? PidMode { get; set; }

    /// <summary><c>host</c>.</summary>
    public string? UtsMode { get; set; }

    /// <summary><c>host</c>.</summary>
    public string? UserNamespaceMode { get; set; }

    /// <summary><c>private</c> or <c>host</c>.</summary>
    public string? CgroupNamespaceMode { get; set; }

    /// <summary>When the engine starts it again by itself.</summary>
    public ContainerRestartPolicy? RestartPolicy { get; set; }

    /// <summary>Remove it, and its anonymous volumes, when it ends.</summary>
    public bool? RemoveAutomatically { get; set; }

    /// <summary>The runtime or exec driver.</summary>
    public string? Runtime { get; set; }

    /// <summary>The log driver.</summary>
    public string? LogDriver { get; set; }

    /// <summary>Options of the log driver.</summary>
    public IDictionary? LogOption { get; set; }

    /// <summary>This spec with everything that the other one says put over it.</summary>
    internal ContainerSpec OverlaidBy(ContainerSpec over) => this with
    {
        Image = over.Image ?? Image,
        Name = over.Name ?? Name,
        Command = over.Command ?? Command,
        Entrypoint = over.Entrypoint ?? Entrypoint,
        Environment = over.Environment ?? Environment,
        WorkingDirectory = over.WorkingDirectory ?? WorkingDirectory,
        User = over.User ?? User,
        Group = over.Group ?? Group,
        Tty = over.Tty ?? Tty,
        Interactive = over.Interactive ?? Interactive,
        Init = over.Init ?? Init,
        StopSignal = over.StopSignal ?? StopSignal,
        StopTimeoutSec = over.StopTimeoutSec ?? StopTimeoutSec,
        HealthCheck = over.HealthCheck ?? HealthCheck,
        Hostname = over.Hostname ?? Hostname,
        DomainName = over.DomainName ?? DomainName,
        Label = over.Label ?? Label,
        Annotation = over.Annotation ?? Annotation,
        Platform = over.Platform ?? Platform,
        Publish = over.Publish ?? Publish,
        PublishAll = over.PublishAll ?? PublishAll,
        Expose = over.Expose ?? Expose,
        Network = over.Network ?? Network,
        NetworkAlias = over.NetworkAlias ?? NetworkAlias,
        IPAddress = over.IPAddress ?? IPAddress,
        IPv6Address = over.IPv6Address ?? IPv6Address,
        MacAddress = over.MacAddress ?? MacAddress,
        Dns = over.Dns ?? Dns,
        DnsSearch = over.DnsSearch ?? DnsSearch,
        DnsOption = over.DnsOption ?? DnsOption,
        ExtraHost = over.ExtraHost ?? ExtraHost,
        Link = over.Link ?? Link,
        Mount = over.Mount ?? Mount,
        Volume = over.Volume ?? Volume,
        VolumeFrom = over.VolumeFrom ?? VolumeFrom,
        Tmpfs = over.Tmpfs ?? Tmpfs,
        ReadOnly = over.ReadOnly ?? ReadOnly,
        ShmSize = over.ShmSize ?? ShmSize,
        StorageOption = over.StorageOption ?? StorageOption,
        Memory = over.Memory ?? Memory,
        MemoryReservation = over.MemoryReservation ?? MemoryReservation,
        MemorySwap = over.MemorySwap ?? MemorySwap,
        MemorySwappiness = over.MemorySwappiness ?? MemorySwappiness,
        Cpu = over.Cpu ?? Cpu,
        CpuShare = over.CpuShare ?? CpuShare,
        CpuSet = over.CpuSet ?? CpuSet,
        CpuSetMemory = over.CpuSetMemory ?? CpuSetMemory,
        PidLimit = over.PidLimit ?? PidLimit,
        BlkioWeight = over.BlkioWeight ?? BlkioWeight,
        Ulimit = over.Ulimit ?? Ulimit,
        OomKillDisable = over.OomKillDisable ?? OomKillDisable,
        OomScoreAdjustment = over.OomScoreAdjustment ?? OomScoreAdjustment,
        Device = over.Device ?? Device,
        DeviceCgroupRule = over.DeviceCgroupRule ?? DeviceCgroupRule,
        CgroupParent = over.CgroupParent ?? CgroupParent,
        Privileged = over.Privileged ?? Privileged,
        CapabilityAdd = over.CapabilityAdd ?? CapabilityAdd,
        CapabilityDrop = over.CapabilityDrop ?? CapabilityDrop,
        SecurityOption = over.SecurityOption ?? SecurityOption,
        Sysctl = over.Sysctl ?? Sysctl,
        IpcMode = over.IpcMode ?? IpcMode,
        PidMode = over.PidMode ?? PidMode,
        UtsMode = over.UtsMode ?? UtsMode,
        UserNamespaceMode = over.UserNamespaceMode ?? UserNamespaceMode,
        CgroupNamespaceMode = over.CgroupNamespaceMode ?? CgroupNamespaceMode,
        RestartPolicy = over.RestartPolicy ?? RestartPolicy,
        RemoveAutomatically = over.RemoveAutomatically ?? RemoveAutomatically,
        Runtime = over.Runtime ?? Runtime,
        LogDriver = over.LogDriver ?? LogDriver,
        LogOption = over.LogOption ?? LogOption,
    };
}
