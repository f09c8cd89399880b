using System.Collections;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Completion;

/// <summary>Containers that the command can do something with, by name; by id when no name begins like that.</summary>
public sealed class ContainerCompleter : EngineCompleter
{
    private protected override IEnumerable<Suggestion> Suggest(string command, string parameter, string prefix, IDictionary bound)
    {
        if (Session(bound) is not { } session) yield break;
        var containers = session.Completions.Containers.Get().Where(c => Suits(command, c.State)).ToList();
        bool byId = parameter.Equals("Id", StringComparison.OrdinalIgnoreCase)
            || (prefix.Length > 0 && prefix.All(char.IsAsciiHexDigitLower) && !containers.Exists(c => c.Name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)));
        foreach (var container in containers) yield return new Suggestion(byId ? container.Id[..12] : container.Name, $"{container.Name}: {container.Image}, {container.Status}");
    }

    private static bool Suits(string command, ContainerState state) => command switch
    {
        "Start-Container" or "Restore-Container" => state is ContainerState.Created or ContainerState.Exited,
        "Resume-Container" => state is ContainerState.Paused,
        "Suspend-Container" or "Start-ContainerProcess" or "Invoke-ContainerCommand" or "Get-ContainerProcess" or "Checkpoint-Container" or "Enter-ContainerSession" or "Receive-ContainerOutput"
            or "Resize-ContainerTerminal" => state is ContainerState.Running,
        "Stop-Container" or "Send-ContainerSignal" or "Measure-Container" => state is ContainerState.Running or ContainerState.Paused or ContainerState.Restarting,
        _ => true,
    };
}
