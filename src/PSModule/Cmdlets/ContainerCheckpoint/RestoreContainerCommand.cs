using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Starts containers from a checkpoint: they go on where they were.</summary>
[Cmdlet(VerbsData.Restore, "Container", SupportsShouldProcess = true)]
[OutputType(typeof(Container))]
public sealed class RestoreContainerCommand : ContainerChangeCmdlet, IRunsAsJob
{
    /// <summary>The checkpoint: an object of Get-ContainerCheckpoint, or a name.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("CheckpointName")]
    [ValidateNotNullOrEmpty]
    public string Checkpoint { get; set; } = "";

    /// <summary>The directory of the engine's host that it is kept in. Default: the engine's own place.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? Path { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override string Change => $"Start from the checkpoint {Checkpoint}";

    private protected override Task ChangeAsync(ContainerTarget target, CancellationToken cancellation) =>
        target.Client.StartContainerAsync(target.Id, cancellation, Checkpoint, string.IsNullOrEmpty(Path) ? null : Path);
}
