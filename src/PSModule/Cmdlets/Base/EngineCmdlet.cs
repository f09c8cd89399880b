using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Sessions;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>The base of cmdlets that talk to an engine.</summary>
public abstract class EngineCmdlet : AsyncCmdlet
{
    /// <summary>The engine to talk to. Default: that of a piped object, else the runspace's default session.</summary>
    [Parameter]
    [SessionTransformation]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [ValidateNotNull]
    public EngineSession? Session { get; set; }

    private protected override string Location => (Session ?? SessionTable.Current.Default)?.Uri ?? "";

    /// <summary>The session to use for something that has one of its own: <c>-Session</c> wins, then the object's, then the default.</summary>
    internal async Task<EngineSession> SessionForAsync(EngineSession? own, CancellationToken cancellation) =>
        Session ?? own ?? await SessionTable.Current.GetDefaultAsync(cancellation);

    internal async Task<EngineClient> ClientAsync(CancellationToken cancellation) => (await SessionForAsync(null, cancellation)).Client;
}
