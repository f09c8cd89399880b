using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Gives a container another name.</summary>
[Cmdlet(VerbsCommon.Rename, "Container", SupportsShouldProcess = true)]
[OutputType(typeof(Container))]
public sealed class RenameContainerCommand : ContainerChangeCmdlet
{
    /// <summary>The new name: letters, digits, underscore, dot and dash.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string NewName { get; set; } = "";

    private protected override string Change => $"Rename to {NewName}";

    private protected override async Task ChangeAsync(ContainerTarget target, CancellationToken cancellation)
    {
        await target.Client.RenameContainerAsync(target.Id, NewName, cancellation);
        WriteVerbose($"Renamed {target} to {NewName}.");
    }
}
