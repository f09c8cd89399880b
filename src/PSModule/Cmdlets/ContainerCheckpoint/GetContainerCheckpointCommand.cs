using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Lists the checkpoints of containers.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerCheckpoint")]
[OutputType(typeof(ContainerCheckpoint))]
public sealed class GetContainerCheckpointCommand : ContainerCmdlet
{
    /// <summary>Names of checkpoints, with wildcards.</summary>
    [Parameter(Position = 1)]
    [Alias("CheckpointName")]
    [SupportsWildcards]
    public string[]? Checkpoint { get; set; }

    /// <summary>The directory of the engine's host that they are kept in. Default: the engine's own place.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    private protected override async Task ActAsync(ContainerTarget target, CancellationToken cancellation)
    {
        var names = (await target.Client.ListCheckpointsAsync(target.Id, Path, cancellation)).Select(c => c.Name).ToList();
        foreach (string name in names.Where(n => Checkpoint is null || Checkpoint.Any(c => new WildcardPattern(c, WildcardOptions.IgnoreCase).IsMatch(n))))
            WriteObject(new ContainerCheckpoint(name, target.Name, target.Id, Path, target.Session));
        foreach (string wanted in (Checkpoint ?? []).Where(c => !WildcardPattern.ContainsWildcardCharacters(c) && !names.Contains(c, StringComparer.OrdinalIgnoreCase)))
            WriteError(ErrorRecords.Missing("Checkpoint", wanted));
    }
}
