using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Sessions;

/// <summary>The sessions of one runspace, and its default. Each runspace (thread job, <c>ForEach-Object -Parallel</c>) has its own; session objects can be handed over.</summary>
internal sealed class SessionTable
{
    private static readonly ConditionalWeakTable<Runspace, SessionTable> Tables = [];
    private static readonly SessionTable Shared = new();

    private readonly object gate = new();
    private readonly List<EngineSession> sessions = [];
    private EngineSession? @default;

    /// <summary>The table of the runspace that this thread works for.</summary>
    public static SessionTable Current => Runspace.DefaultRunspace is { } runspace ? Tables.GetValue(runspace, static _ => new SessionTable()) : Shared;

    public IReadOnlyList<EngineSession> Sessions
    {
        get
        {
            lock (gate) return [.. sessions];
        }
    }

    /// <summary>The default if there is a usable one: never connects.</summary>
    public EngineSession? Default
    {
        get
        {
            lock (gate) return @default is { } session && IsUsable(session) ? session : null;
        }
    }

    /// <summary>An implicit session follows the environment: when the variable has changed it is not used any more.</summary>
    private static bool IsUsable(EngineSession session) =>
        session.State == EngineSessionState.Connected && (session.ImplicitOrigin is null || session.ImplicitOrigin == SessionConnector.EnvironmentHost);

    /// <summary>The default, connected on first use.</summary>
    /// <exception cref="ContainerEngineException">No engine answers.</exception>
    public async Task<EngineSession> GetDefaultAsync(CancellationToken cancellation)
    {
        if (Default is { } ready) return ready;
        var session = await SessionConnector.ConnectImplicitAsync(cancellation).ConfigureAwait(false);
        Add(session, makeDefault: true);
        return session;
    }

    public void Add(EngineSession session, bool makeDefault)
    {
        lock (gate)
        {
            sessions.RemoveAll(s => s.State == EngineSessionState.Disconnected);
            sessions.Add(session);
            if (makeDefault) MakeDefault(session);
        }
    }

    public void Remove(EngineSession session)
    {
        session.Disconnect();
        lock (gate)
        {
            sessions.Remove(session);
            session.IsDefault = false;
            if (@default == session) MakeDefault(sessions.LastOrDefault(s => s.State == EngineSessionState.Connected));
        }
    }

    private void MakeDefault(EngineSession? session)
    {
        if (@default is not null) @default.IsDefault = false;
        @default = session;
        if (session is not null) session.IsDefault = true;
    }

    /// <summary>Closes every session of every runspace: the module is being removed.</summary>
    public static void DisconnectAll()
    {
        foreach (var (_, table) in Tables)
        {
            foreach (var session in table.Sessions) table.Remove(session);
        }
        foreach (var session in Shared.Sessions) Shared.Remove(session);
    }
}
