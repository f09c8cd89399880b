using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Limits and devices.</summary>
public abstract partial class ContainerSpecCmdlet
{
    /// <summary>Memory limit in bytes.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long? Memory
    {
        get => Given.Memory;
        set => Given.Memory = value;
    }

    /// <summary>Memory that is left to it under pressure, in bytes.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long? MemoryReservation
    {
        get => Given.MemoryReservation;
        set => Given.MemoryReservation = value;
    }

    /// <summary>Limit of memory and swap together in bytes; -1 is unlimited.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long? MemorySwap
    {
        get => Given.MemorySwap;
        set => Given.MemorySwap = value;
    }

    /// <summary>How readily its memory is swapped, 0 to 100.</summary>
    [Parameter]
    [ValidateRange(-1, 100)]
    public int? MemorySwappiness
    {
        get => Given.MemorySwappiness;
        set => Given.MemorySwappiness = value;
    }

    /// <summary>CPUs that it may use: 1.5.</summary>
    [Parameter]
    public double? Cpu
    {
        get => Given.Cpu;
        set => Given.Cpu = value;
    }

    /// <summary>Relative weight among busy containers; 1024 is normal.</summary>
    [Parameter]
    public long? CpuShare
    {
        get => Given.CpuShare;
        set => Given.CpuShare = value;
    }

    /// <summary>CPUs that it may run on: <c>0-3,8</c>.</summary>
    [Parameter]
    public string? CpuSet
    {
        get => Given.CpuSet;
        set => Given.CpuSet = value;
    }

    /// <summary>Memory nodes that it may use.</summary>
    [Parameter]
    public string? CpuSetMemory
    {
        get => Given.CpuSetMemory;
        set => Given.CpuSetMemory = value;
    }

    /// <summary>Most processes; -1 is unlimited.</summary>
    [Parameter]
    public long? PidLimit
    {
        get => Given.PidLimit;
        set => Given.PidLimit = value;
    }

    /// <summary>Relative weight of its disk traffic, 10 to 1000.</summary>
    [Parameter]
    [ValidateRange(0, 1000)]
    public int? BlkioWeight
    {
        get => Given.BlkioWeight;
        set => Given.BlkioWeight = value;
    }

    /// <summary>Process limits by name: <c>@{nofile = '1024:2048'}</c>.</summary>
    [Parameter]
    [PairsTransformation]
    public IDictionary? Ulimit
    {
        get => Given.Ulimit;
        set => Given.Ulimit = value;
    }

    /// <summary>Do not end it when memory runs out.</summary>
    [Parameter]
    public SwitchParameter OomKillDisable
    {
        get => Given.OomKillDisable ?? false;
        set => Given.OomKillDisable = value;
    }

    /// <summary>How readily it is ended when the host's memory runs out, -1000 to 1000.</summary>
    [Parameter]
    [ValidateRange(-1000, 1000)]
    public int? OomScoreAdjustment
    {
        get => Given.OomScoreAdjustment;
        set => Given.OomScoreAdjustment = value;
    }

    /// <summary>Host devices: <c>/dev/fuse</c>, <c>/dev/sda:/dev/xvda:r</c>.</summary>
    [Parameter]
    public string[]? Device
    {
        get => Given.Device;
        set => Given.Device = value;
    }

    /// <summary>Further rules for devices: <c>c 42:* rmw</c>.</summary>
    [Parameter]
    public string[]? DeviceCgroupRule
    {
        get => Given.DeviceCgroupRule;
        set => Given.DeviceCgroupRule = value;
    }

    /// <summary>The cgroup above the container's.</summary>
    [Parameter]
    public string? CgroupParent
    {
        get => Given.CgroupParent;
        set => Given.CgroupParent = value;
    }
}
