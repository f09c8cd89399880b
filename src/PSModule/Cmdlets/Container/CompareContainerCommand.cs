using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Lists what containers have changed of their images' files.</summary>
[Cmdlet(VerbsData.Compare, "Container")]
[Alias("Diff-Container")]
[OutputType(typeof(ContainerChange))]
public sealed class CompareContainerCommand : ContainerCmdlet
{
    /// <summary>Only changes of these kinds: Added, Modified, Deleted.</summary>
    [Parameter(Position = 1)]
    public ContainerChangeKind[]? Kind { get; set; }

    private protected override async Task ActAsync(ContainerTarget target, CancellationToken cancellation)
    {
        foreach (var change in await target.Client.ReadChangesAsync(target.Id, cancellation))
        {
            var result = new ContainerChange(target.Name, target.Id, change.Path, change.Kind);
            if (Kind is null || Kind.Contains(result.Kind)) WriteObject(result);
        }
    }
}
