using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Shows what the engine can do: its commands, with their arguments, answers and routes.</summary>
[Cmdlet(VerbsCommon.Get, "EngineCommand")]
[OutputType(typeof(EngineCommand))]
public sealed class GetEngineCommandCommand : EngineCmdlet
{
    /// <summary>Names, with wildcards.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(CommandCompleter))]
    [SupportsWildcards]
    public string[]? Name { get; set; }

    /// <summary>Only commands that need these rights.</summary>
    [Parameter]
    [ValidateSet("read", "write", "admin")]
    public string[]? Permission { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        var session = await SessionForAsync(null, cancellation);
        var wanted = Name?.Select(n => (Text: n, Pattern: new WildcardPattern(n, WildcardOptions.IgnoreCase))).ToList();
        var found = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        await foreach (var description in session.Client.ListCommandsAsync(cancellation))
        {
            var matches = wanted?.Where(w => w.Pattern.IsMatch(description.Name)).ToList();
            if (matches is { Count: 0 }) continue;
            foreach (var match in matches ?? []) found.Add(match.Text);
            if (Permission is null || Permission.Contains(description.Permission, StringComparer.OrdinalIgnoreCase)) WriteObject(new EngineCommand(description, session));
        }
        foreach (var (text, _) in wanted ?? [])
        {
            if (!found.Contains(text) && !WildcardPattern.ContainsWildcardCharacters(text)) WriteError(ErrorRecords.Missing("EngineCommand", text));
        }
    }
}
