namespace Gantry.PowerShell.Objects;

public enum ContainerChangeKind
{
    Modified = 0,
    Added = 1,
    Deleted = 2,
}

/// <summary>One thing that a container has changed of its image's files.</summary>
public sealed class ContainerChange
{
    internal ContainerChange(string container, string containerId, string path, int kind)
    {
        Container = container;
        ContainerId = containerId;
        Path = path;
        Kind = (ContainerChangeKind)kind;
    }

    /// <summary>The container's name.</summary>
    public string Container { get; }

    public string ContainerId { get; }

    public ContainerChangeKind Kind { get; }

    /// <summary>Absolute, in the container.</summary>
    public string Path { get; }

    public override string ToString() => $"{Kind} {Path}";
}
