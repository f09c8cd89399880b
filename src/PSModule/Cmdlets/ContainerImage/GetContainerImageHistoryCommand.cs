using System.Management.Automation;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Lists the steps by which images were made, newest first.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerImageHistory")]
[OutputType(typeof(ContainerImageHistory))]
public sealed class GetContainerImageHistoryCommand : ImageCmdlet
{
    private protected override async Task ActAsync(ImageTarget target, CancellationToken cancellation)
    {
        foreach (var item in await target.Client.ReadImageHistoryAsync(target.Name, cancellation)) WriteObject(new ContainerImageHistory(target.Name, item, target.Session));
    }
}
