using System.Text.Json.Serialization;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Networks;

namespace Gantry.Daemon.Containers;

/// <summary>How a container goes. Immutable; replaced whole.</summary>
public sealed record ContainerStatus
{
    public static readonly ContainerStatus New = new();

    /// <summary>True too while it is paused, or waits for its automatic restart (reference 5.0).</summary>
    public bool Running { get; init; }

    public bool Paused { get; init; }

    public bool Restarting { get; init; }

    /// <summary>Its removal failed after the point of no return.</summary>
    public bool Dead { get; init; }

    public bool OutOfMemory { get; init; }

    /// <summary>Being removed now. Not kept: a crash makes it dead.</summary>
    [JsonIgnore] public bool Removing { get; init; }

    public int Pid { get; init; }

    public int ExitCode { get; init; }

    public string Error { get; init; } = "";

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    public bool StoppedByUser { get; init; }

    public int RestartCount { get; init; }

    public NetworkStatus? Network { get; init; }

    /// <summary>The control group of its last start; empty when that is not known.</summary>
    public string CgroupPath { get; init; } = "";

    public Health? Health { get; init; }

    /// <summary>The shown state; first match counts (reference 5.0).</summary>
    [JsonIgnore]
    public string Name =>
        Running && Paused ? "paused"
        : Running && Restarting ? "restarting"
        : Running ? "running"
        : Removing ? "removing"
        : Dead ? "dead"
        : StartedAt is null ? "created"
        : "exited";

    /// <summary>A process of it exists.</summary>
    [JsonIgnore] public bool HasProcess => Running && !Restarting;
}

/// <summary>The network that a running container has; a stopped one keeps the ids of its networks.</summary>
public sealed record NetworkStatus
{
    public string SandboxId { get; init; } = "";

    public SortedDictionary<string, EndpointSettings> Endpoints { get; init; } = [];

    public SortedDictionary<string, List<PortBinding>?> Ports { get; init; } = [];
}
