using System.Globalization;
using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Sessions;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Lists the sessions of this runspace. Asks no engine.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerEngineSession", DefaultParameterSetName = "Name")]
[OutputType(typeof(EngineSession))]
public sealed class GetContainerEngineSessionCommand : PSCmdlet
{
    /// <summary>Names, with wildcards.</summary>
    [Parameter(Position = 0, ParameterSetName = "Name", ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [SupportsWildcards]
    public string[]? Name { get; set; }

    /// <summary>Ids.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Id")]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public int[]? Id { get; set; }

    /// <summary>Only the default session.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Default")]
    public SwitchParameter Default { get; set; }

    protected override void ProcessRecord()
    {
        var sessions = SessionTable.Current.Sessions;
        if (Default) WriteObject(sessions.Where(s => s.IsDefault), true);
        else if (Id is not null) WriteFound(Id, id => id.ToString(CultureInfo.InvariantCulture), (session, id) => session.Id == id);
        else if (Name is not null) WriteFound(Name, name => WildcardPattern.ContainsWildcardCharacters(name) ? null : name, (session, name) => new WildcardPattern(name, WildcardOptions.IgnoreCase).IsMatch(session.Name));
        else WriteObject(sessions, true);
    }

    /// <param name="literal">What to complain about when nothing is found; null for a pattern.</param>
    private void WriteFound<T>(IEnumerable<T> wanted, Func<T, string?> literal, Func<EngineSession, T, bool> match)
    {
        foreach (var item in wanted)
        {
            var found = SessionTable.Current.Sessions.Where(s => match(s, item)).ToList();
            if (found.Count == 0 && literal(item) is { } text)
            {
                WriteError(ErrorRecords.Create(
                    new ItemNotFoundException($"This runspace has no engine session '{text}'."), "EngineSessionNotFound", ErrorCategory.ObjectNotFound, text, "Make one with Connect-ContainerEngine."));
            }
            WriteObject(found, true);
        }
    }
}
