using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Shows all that the engine knows about containers.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerDetail")]
[OutputType(typeof(ContainerDetail))]
public sealed class GetContainerDetailCommand : ContainerCmdlet
{
    /// <summary>Find out how much disk space they take. This costs the engine time.</summary>
    [Parameter]
    public SwitchParameter Size { get; set; }

    private protected override async Task ActAsync(ContainerTarget target, CancellationToken cancellation) =>
        WriteObject(new ContainerDetail(await target.Client.InspectContainerAsync(target.Id, Size, cancellation), target.Session));
}
