using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Sessions;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Closes sessions with container engines. Containers and engines go on.</summary>
[Cmdlet(VerbsCommunications.Disconnect, "ContainerEngine", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Low)]
[OutputType(typeof(void))]
public sealed class DisconnectContainerEngineCommand : PSCmdlet
{
    /// <summary>Sessions: objects, names or ids. Default: the default session.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [SessionTransformation]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public EngineSession[]? Session { get; set; }

    protected override void ProcessRecord()
    {
        var table = SessionTable.Current;
        var sessions = Session ?? (table.Default is { } current ? [current] : []);
        foreach (var session in sessions)
        {
            if (ShouldProcess($"{session.Name} ({session.Uri})", "Disconnect")) table.Remove(session);
        }
    }
}
