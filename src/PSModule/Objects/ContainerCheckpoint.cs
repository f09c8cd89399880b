namespace Gantry.PowerShell.Objects;

/// <summary>A frozen state of a container, from which it can go on.</summary>
public sealed class ContainerCheckpoint
{
    internal ContainerCheckpoint(string name, string container, string containerId, string? path, EngineSession session)
    {
        Name = name;
        Container = container;
        ContainerId = containerId;
        Path = path;
        Session = session;
    }

    public string Name { get; }

    /// <summary>The container's name.</summary>
    public string Container { get; }

    public string ContainerId { get; }

    /// <summary>Where it is kept on the engine's host; null for the engine's own place.</summary>
    public string? Path { get; }

    public EngineSession Session { get; }

    public override string ToString() => Name;
}
