namespace Gantry.Linux.Cgroups;

/// <summary>What a group may use: the <c>linux.resources</c> of an OCI runtime spec, in the kernel's v1 terms and units. Null leaves a value as it is.</summary>
/// <remarks>On cgroup v2 the values are converted as the OCI runtime spec and reference 5.14 say; see <see cref="UnifiedConversion"/>.</remarks>
public sealed record CgroupLimits
{
    /// <summary>Bytes; −1 is unlimited.</summary>
    public long? Memory { get; init; }

    /// <summary>Bytes of memory and swap together; −1 is unlimited.</summary>
    public long? MemoryAndSwap { get; init; }

    /// <summary>Bytes that are left to the group when memory is short; −1 or 0 is none.</summary>
    public long? MemoryReservation { get; init; }

    /// <summary>0–100. Has no meaning on v2 and is passed over there.</summary>
    public long? MemorySwappiness { get; init; }

    /// <summary>Lets processes wait for memory and not be killed. Has no meaning on v2 and is passed over there.</summary>
    public bool? OomKillDisable { get; init; }

    /// <summary>2–262144; 1024 is the kernel's default.</summary>
    public long? CpuShares { get; init; }

    /// <summary>Microseconds.</summary>
    public long? CpuPeriod { get; init; }

    /// <summary>Microseconds of CPU time a period; −1 is unlimited.</summary>
    public long? CpuQuota { get; init; }

    /// <summary>Microseconds.</summary>
    public long? CpuRealtimePeriod { get; init; }

    /// <summary>Microseconds.</summary>
    public long? CpuRealtimeRuntime { get; init; }

    /// <summary>A list such as <c>0-2,7</c>.</summary>
    public string? CpusetCpus { get; init; }

    /// <summary>A list of memory nodes.</summary>
    public string? CpusetMems { get; init; }

    /// <summary>0 and below is unlimited.</summary>
    public long? Pids { get; init; }

    /// <summary>10–1000.</summary>
    public int? BlkioWeight { get; init; }

    public IReadOnlyList<BlockDeviceWeight>? BlkioWeightDevices { get; init; }

    public IReadOnlyList<BlockDeviceRate>? BlkioReadBps { get; init; }

    public IReadOnlyList<BlockDeviceRate>? BlkioWriteBps { get; init; }

    public IReadOnlyList<BlockDeviceRate>? BlkioReadIops { get; init; }

    public IReadOnlyList<BlockDeviceRate>? BlkioWriteIops { get; init; }

    /// <summary>Applied in order: of the rules that fit an access, the last one counts.</summary>
    public IReadOnlyList<DeviceRule>? Devices { get; init; }

    /// <summary>Files of the unified hierarchy and what to write to them (<c>linux.resources.unified</c>). Refused where v2 is not the only version.</summary>
    public IReadOnlyDictionary<string, string>? Unified { get; init; }
}

/// <param name="Weight">10–1000.</param>
public sealed record BlockDeviceWeight(uint Major, uint Minor, int Weight);

/// <param name="Rate">Bytes or operations a second; 0 is unlimited.</param>
public sealed record BlockDeviceRate(uint Major, uint Minor, ulong Rate);

/// <summary>One rule of the device controller (kernel: <c>Documentation/admin-guide/cgroup-v1/devices.rst</c>).</summary>
/// <param name="Type"><c>c</c>haracter, <c>b</c>lock, or <c>a</c>ll devices.</param>
/// <param name="Major">Null is every one.</param>
/// <param name="Minor">Null is every one.</param>
public sealed record DeviceRule(bool Allow, char Type, uint? Major, uint? Minor, DeviceAccess Access)
{
    /// <summary>Forbids everything: where lists begin.</summary>
    public static readonly DeviceRule DenyAll = new(false, 'a', null, null, DeviceAccess.All);

    /// <summary>Allows everything: what a privileged container has.</summary>
    public static readonly DeviceRule AllowAll = new(true, 'a', null, null, DeviceAccess.All);

    /// <summary>As v1 takes it: <c>c 1:3 rwm</c>.</summary>
    public override string ToString() =>
        $"{Type} {Major?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "*"}:{Minor?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "*"} "
        + (Access.HasFlag(DeviceAccess.Read) ? "r" : "") + (Access.HasFlag(DeviceAccess.Write) ? "w" : "") + (Access.HasFlag(DeviceAccess.MakeNode) ? "m" : "");
}

/// <summary>What a process does with a device. The numbers are those that the kernel gives a device program (<c>BPF_DEVCG_ACC_*</c>).</summary>
[Flags]
public enum DeviceAccess
{
    None = 0,
    MakeNode = 1,
    Read = 2,
    Write = 4,
    All = MakeNode | Read | Write,
}
