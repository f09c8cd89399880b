namespace Gantry.Daemon.Containers;

/// <summary>What this machine and this engine's configuration allow; settings are verified against it.</summary>
public sealed record HostFacts
{
    public int Cpus { get; init; } = Environment.ProcessorCount;

    public bool CgroupUnified { get; init; }

    /// <summary>Which limits the kernel can set; null when nobody has looked.</summary>
    public Gantry.Linux.Cgroups.CgroupFeatures? Features { get; init; }

    /// <summary>Containers run in a user namespace unless they ask for the host's.</summary>
    public bool Remapped { get; init; }

    /// <summary>Names that HostConfig.Runtime may have; the first is the default.</summary>
    public IReadOnlyList<string> Runtimes { get; init; } = ["native"];

    /// <summary>Path and arguments of the runtimes that are programs, by name.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> RuntimePrograms { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>Which exec driver runs a runtime of that name.</summary>
    public string DriverOf(string runtime) => runtime is "native" or "lxc" ? runtime : "oci";

    /// <summary>What a container writes can be limited (<c>StorageOpt</c> <c>size</c>).</summary>
    public bool SizeLimits { get; init; }

    public string DefaultLogDriver { get; init; } = "json-file";

    public SortedDictionary<string, string> DefaultLogOptions { get; init; } = [];

    /// <summary>Bytes.</summary>
    public long DefaultShmSize { get; init; } = 64 << 20;

    /// <summary>Parents of control groups are slices of systemd, and not paths.</summary>
    public bool CgroupSlices { get; init; }
}
