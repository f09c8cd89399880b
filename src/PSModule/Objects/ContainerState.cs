namespace Gantry.PowerShell.Objects;

/// <summary>Where a container is in its life (reference 5.0).</summary>
public enum ContainerState
{
    Unknown,
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
}

/// <summary>What a container's health check says.</summary>
public enum ContainerHealth
{
    /// <summary>The container has no health check.</summary>
    None,
    Starting,
    Healthy,
    Unhealthy,
}

/// <summary>An output stream of a process.</summary>
public enum ContainerStream
{
    Stdout,
    Stderr,
}
