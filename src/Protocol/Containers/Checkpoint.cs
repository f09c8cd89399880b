namespace Gantry.Protocol.Containers;

/// <summary>Body of <c>POST /containers/{id}/checkpoints</c> (experimental in Docker, not in its public description).</summary>
public sealed record CheckpointCreateRequest
{
    public string CheckpointID { get; set; } = "";
    /// <summary>Where it is kept on the engine's host; empty for the engine's own place.</summary>
    public string CheckpointDir { get; set; } = "";
    /// <summary>The container ends when the checkpoint is made.</summary>
    public bool Exit { get; set; }
}

/// <summary>One row of <c>GET /containers/{id}/checkpoints</c>.</summary>
public sealed record CheckpointSummary
{
    public string Name { get; set; } = "";
}
