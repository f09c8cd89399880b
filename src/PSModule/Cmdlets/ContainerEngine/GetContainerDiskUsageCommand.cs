using System.Management.Automation;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Shows what images, containers, volumes and build cache take of the engine's disk.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerDiskUsage")]
[OutputType(typeof(ContainerDiskUsage))]
public sealed class GetContainerDiskUsageCommand : EngineCmdlet
{
    /// <summary>What to measure: Image, Container, Volume, BuildCache. Default: all of them.</summary>
    [Parameter(Position = 0)]
    [ValidateSet("Image", "Container", "Volume", "BuildCache")]
    public ContainerResourceType[]? Type { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        var client = await ClientAsync(cancellation);
        var usage = await client.ReadDiskUsageAsync((Type ?? []).Select(Word), cancellation);
        foreach (var row in ContainerDiskUsage.From(usage))
        {
            if (Type is null || Type.Contains(row.Type)) WriteObject(row);   // engines before API 1.42 measure everything
        }
    }

    private static string Word(ContainerResourceType type) => type switch
    {
        ContainerResourceType.BuildCache => "build-cache",
        _ => type.ToString().ToLowerInvariant(),
    };
}
