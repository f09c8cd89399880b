using System.Management.Automation;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Removes checkpoints of containers.</summary>
[Cmdlet(VerbsCommon.Remove, "ContainerCheckpoint", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(void))]
public sealed class RemoveContainerCheckpointCommand : ContainerCmdlet
{
    /// <summary>The checkpoint: an object of Get-ContainerCheckpoint, or a name.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("CheckpointName")]
    [ValidateNotNullOrEmpty]
    public string Checkpoint { get; set; } = "";

    /// <summary>The directory of the engine's host that it is kept in. Default: the engine's own place.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? Path { get; set; }

    /// <summary>Do not ask.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override bool MayChange(ContainerTarget target) => Approve($"{target}: {Checkpoint}", "Remove the checkpoint", Force);

    private protected override Task ActAsync(ContainerTarget target, CancellationToken cancellation) =>
        target.Client.RemoveCheckpointAsync(target.Id, Checkpoint, string.IsNullOrEmpty(Path) ? null : Path, cancellation);
}
