using System.Management.Automation;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Shows all that the engine knows about images.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerImageDetail")]
[OutputType(typeof(ContainerImageDetail))]
public sealed class GetContainerImageDetailCommand : ImageCmdlet
{
    private protected override async Task ActAsync(ImageTarget target, CancellationToken cancellation) =>
        WriteObject(new ContainerImageDetail(await target.Client.InspectImageAsync(target.Name, cancellation), target.Session));
}
