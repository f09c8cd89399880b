using Gantry.PowerShell.Client;
using Gantry.PowerShell.Completion;

namespace Gantry.PowerShell.Objects;

/// <summary>Whether a session can be used.</summary>
public enum EngineSessionState
{
    Connected,
    Disconnected,
}

/// <summary>A connection to one engine: its address, and the API version that both sides agreed on. Safe to use from several runspaces.</summary>
public sealed class EngineSession
{
    private static int lastId;

    internal EngineSession(EngineClient client, string name)
    {
        Client = client;
        Id = Interlocked.Increment(ref lastId);
        Name = name.Length > 0 ? name : $"Engine{Id}";
        ConnectedAt = DateTimeOffset.Now;
        Completions = new CompletionCache(this);
    }

    /// <summary>Unique in this process.</summary>
    public int Id { get; }

    public string Name { get; }

    /// <summary>The address: <c>unix:///run/gantry/gantry.sock</c>.</summary>
    public string Uri => Client.Address.ToString();

    public EngineSessionState State { get; private set; }

    /// <summary>Whether cmdlets without <c>-Session</c> use it, in the runspace where it was made.</summary>
    public bool IsDefault { get; internal set; }

    /// <summary>The version in use: the lower of the engine's and the module's.</summary>
    public Version ApiVersion => Client.ApiVersion;

    /// <summary>The newest version that the engine speaks.</summary>
    public Version EngineApiVersion { get; internal init; } = new();

    public string EngineVersion { get; internal init; } = "";

    /// <summary>The engine's product name.</summary>
    public string Platform { get; internal init; } = "";

    public string OperatingSystem { get; internal init; } = "";

    public string Architecture { get; internal init; } = "";

    public DateTimeOffset ConnectedAt { get; }

    internal EngineClient Client { get; }

    internal CompletionCache Completions { get; }

    /// <summary>The value of GANTRY_HOST or DOCKER_HOST that an implicit session was made from; null for one that was asked for.</summary>
    internal string? ImplicitOrigin { get; init; }

    internal void Disconnect()
    {
        State = EngineSessionState.Disconnected;
        Client.Dispose();
    }

    public override string ToString() => Name;
}
