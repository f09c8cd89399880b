using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;
using Gantry.Protocol.Containers;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Changes limits and the restart policy of containers, also while they run. What is not named stays as it is.</summary>
[Cmdlet(VerbsCommon.Set, "Container", SupportsShouldProcess = true)]
[Alias("Update-Container")]
[OutputType(typeof(Container))]
public sealed class SetContainerCommand : ContainerChangeCmdlet
{
    /// <summary>Memory limit in bytes.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long? Memory { get; set; }

    /// <summary>Memory that is left to it under pressure, in bytes.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long? MemoryReservation { get; set; }

    /// <summary>Limit of memory and swap together in bytes; -1 is unlimited.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long? MemorySwap { get; set; }

    /// <summary>CPUs that it may use: 1.5.</summary>
    [Parameter]
    [ValidateRange(0.01, 4096.0)]
    public double? Cpu { get; set; }

    /// <summary>Relative weight among busy containers; 1024 is normal.</summary>
    [Parameter]
    public long? CpuShare { get; set; }

    /// <summary>CPUs that it may run on: <c>0-3,8</c>.</summary>
    [Parameter]
    public string? CpuSet { get; set; }

    /// <summary>Memory nodes that it may use.</summary>
    [Parameter]
    public string? CpuSetMemory { get; set; }

    /// <summary>Most processes; -1 is unlimited.</summary>
    [Parameter]
    public long? PidLimit { get; set; }

    /// <summary>Relative weight of its disk traffic, 10 to 1000.</summary>
    [Parameter]
    [ValidateRange(10, 1000)]
    public int? BlkioWeight { get; set; }

    /// <summary>When the engine starts it again by itself.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(RestartPolicyCompleter))]
    public ContainerRestartPolicy? RestartPolicy { get; set; }

    private protected override string Change => "Change limits or restart policy";

    private protected override async Task ChangeAsync(ContainerTarget target, CancellationToken cancellation)
    {
        var answer = await target.Client.UpdateContainerAsync(target.Id, new ContainerUpdateRequest
        {
            Memory = Memory ?? 0,
            MemoryReservation = MemoryReservation ?? 0,
            MemorySwap = MemorySwap ?? 0,
            NanoCpus = (long)((Cpu ?? 0) * 1e9),
            CpuShares = CpuShare ?? 0,
            CpusetCpus = CpuSet ?? "",
            CpusetMems = CpuSetMemory ?? "",
            PidsLimit = PidLimit,
            BlkioWeight = (ushort)(BlkioWeight ?? 0),
            RestartPolicy = RestartPolicy?.ToWire(),
        }, cancellation);
        foreach (string warning in answer.Warnings ?? []) WriteWarning(warning);
    }
}
