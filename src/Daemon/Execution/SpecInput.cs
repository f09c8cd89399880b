using Gantry.Daemon.Containers;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Execution;

/// <summary>Everything that a container's runtime spec is made of. What had to be looked up on this machine has been.</summary>
internal sealed record SpecInput
{
    public required ContainerRecord Container { get; init; }

    public required ResolvedUser User { get; init; }

    /// <summary>Volumes, binds, tmpfs and the engine's own files, already decided; sorted here by depth.</summary>
    public required IReadOnlyList<SpecMount> Mounts { get; init; }

    /// <summary><c>/gantry/ID</c>.</summary>
    public required string CgroupPath { get; init; }

    public required bool CgroupUnified { get; init; }

    /// <summary>The host's own network is used.</summary>
    public required bool HostNetwork { get; init; }

    public required RawJson? Seccomp { get; init; }

    public required IReadOnlyList<string> Capabilities { get; init; }

    /// <summary>Host devices that were asked for, with their rules.</summary>
    public required IReadOnlyList<DeviceSpec> Devices { get; init; }

    public required IReadOnlyList<DeviceRuleSpec> DeviceRules { get; init; }

    /// <summary>Variables of links; before the container's own.</summary>
    public IReadOnlyList<string> LinkVariables { get; init; } = [];

    /// <summary>Program that reaps and forwards signals, at <c>/sbin/docker-init</c> in the container.</summary>
    public bool UseInit { get; init; }

    /// <summary>Host name in force: the host's own with <c>--uts host</c>.</summary>
    public required string Hostname { get; init; }

    public required string Domainname { get; init; }

    /// <summary>The user namespace that the container is in; null for the host's.</summary>
    public UserNamespace? Owner { get; init; }

    /// <summary>Limits for all containers where they name none (<c>--default-ulimit</c>).</summary>
    public IReadOnlyList<Gantry.Protocol.Containers.Ulimit> DefaultUlimits { get; init; } = [];
}

/// <summary>A mount for the spec.</summary>
/// <param name="Type"><c>bind</c> for a directory, <c>file</c> for a bound file, else a file system type.</param>
/// <param name="Source">For a bind the host path; the native driver gets it as a descriptor.</param>
internal sealed record SpecMount(string Type, string Source, string Destination, IReadOnlyList<string> Options);
