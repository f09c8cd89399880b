namespace Gantry.Linux.Cgroups;

/// <summary>One mounted cgroup hierarchy: a set of v1 controllers, a named v1 hierarchy without any, or the unified (v2) one.</summary>
public sealed record CgroupHierarchy
{
    /// <summary>Where it is mounted: <c>/sys/fs/cgroup/memory</c>.</summary>
    public required string MountPoint { get; init; }

    /// <summary>True for cgroup v2.</summary>
    public bool Unified { get; init; }

    /// <summary>Its controllers; for the unified hierarchy those that can be used there, which may be none.</summary>
    public required IReadOnlyList<string> Controllers { get; init; }

    /// <summary>The name of a v1 hierarchy without controllers (<c>systemd</c>); null for the others.</summary>
    public string? Name { get; init; }

    /// <summary>How <c>/proc/PID/cgroup</c> calls it: <c>cpu,cpuacct</c>, <c>name=systemd</c>, or empty for the unified hierarchy.</summary>
    public string Key => Unified ? "" : Name is null ? string.Join(',', Controllers) : "name=" + Name;

    public bool Has(string controller) => Controllers.Contains(controller);
}

/// <summary>How the machine's cgroups are set up.</summary>
public enum CgroupKind
{
    /// <summary>Version 1 only.</summary>
    Legacy,
    /// <summary>Version 1 controllers beside a mounted unified hierarchy, which may hold the controllers that v1 does not.</summary>
    Hybrid,
    /// <summary>Version 2 only.</summary>
    Unified,
}
