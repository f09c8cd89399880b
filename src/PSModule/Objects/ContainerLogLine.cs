namespace Gantry.PowerShell.Objects;

/// <summary>One line that a container wrote.</summary>
public sealed class ContainerLogLine
{
    internal ContainerLogLine(string container, string containerId, ContainerStream stream, DateTimeOffset? timestamp, string line)
    {
        Container = container;
        ContainerId = containerId;
        Stream = stream;
        Timestamp = timestamp;
        Line = line;
    }

    public DateTimeOffset? Timestamp { get; }

    /// <summary>The container's name.</summary>
    public string Container { get; }

    public string ContainerId { get; }

    public ContainerStream Stream { get; }

    /// <summary>Without its line end.</summary>
    public string Line { get; }

    /// <summary>The line alone, so that text tools such as Select-String see what was written.</summary>
    public override string ToString() => Line;
}
