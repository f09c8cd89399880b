using System.Globalization;
using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;
using Gantry.Protocol.Containers;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Writes the state of running containers down, so that they can go on from it later.</summary>
[Cmdlet(VerbsData.Checkpoint, "Container", SupportsShouldProcess = true)]
[OutputType(typeof(ContainerCheckpoint))]
public sealed class CheckpointContainerCommand : ContainerCmdlet, IRunsAsJob
{
    /// <summary>The checkpoint's name. Default: <c>cp</c> and the time.</summary>
    [Parameter(Position = 1)]
    [Alias("CheckpointName")]
    [ValidateNotNullOrEmpty]
    public string Checkpoint { get; set; } = "cp" + DateTime.UtcNow.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture);

    /// <summary>A directory of the engine's host to keep it in. Default: the engine's own place.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>Let the containers run on.</summary>
    [Parameter]
    public SwitchParameter LeaveRunning { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override string Change => $"Make the checkpoint {Checkpoint}{(LeaveRunning ? "" : " and stop")}";

    private protected override async Task ActAsync(ContainerTarget target, CancellationToken cancellation)
    {
        await target.Client.CreateCheckpointAsync(target.Id, new CheckpointCreateRequest { CheckpointID = Checkpoint, CheckpointDir = Path ?? "", Exit = !LeaveRunning }, cancellation);
        WriteObject(new ContainerCheckpoint(Checkpoint, target.Name, target.Id, Path, target.Session));
    }
}
