using Gantry.Supervisor.Drivers.Native;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Lxc;

/// <summary>What an LXC configuration is made of beside the spec. What had to be looked up on this machine has been.</summary>
internal sealed record LxcInput
{
    public required RuntimeSpec Spec { get; init; }

    public required BundlePaths Paths { get; init; }

    /// <summary>Path of the container's group: <c>/gantry/ID</c>.</summary>
    public required string CgroupPath { get; init; }

    public required bool CgroupUnified { get; init; }

    /// <summary>The container's own group of every hierarchy, to be shown below <c>/sys/fs/cgroup</c>.</summary>
    public required IReadOnlyList<CgroupView> CgroupViews { get; init; }

    /// <summary>Indices of mounts whose source is at <see cref="BundlePaths.Mount"/>, with its attributes set already.</summary>
    public required IReadOnlySet<int> Bound { get; init; }

    /// <summary>Types of namespaces to join, which are at <see cref="BundlePaths.Namespace"/>.</summary>
    public required IReadOnlySet<string> Joined { get; init; }

    /// <summary>Those of the masked and read-only paths that are there, and whether they are directories.</summary>
    public required IReadOnlyDictionary<string, bool> KernelPaths { get; init; }

    /// <summary>A seccomp profile in LXC's form was written to <see cref="LxcConfig.SeccompFile"/>.</summary>
    public required bool Seccomp { get; init; }
}
