namespace Gantry.PowerShell.Objects;

/// <summary>How a container ended.</summary>
public sealed class ContainerExit
{
    internal ContainerExit(string id, string name, int exitCode, string? error, EngineSession session)
    {
        Id = id;
        Name = name;
        ExitCode = exitCode;
        Error = error;
        Session = session;
    }

    public string Name { get; }

    public string Id { get; }

    /// <summary>The process's status; 128 + n when signal n ended it.</summary>
    public int ExitCode { get; }

    /// <summary>Why the engine could not say better; null when all went well.</summary>
    public string? Error { get; }

    public EngineSession Session { get; }

    public override string ToString() => $"{Name}: {ExitCode}";
}
