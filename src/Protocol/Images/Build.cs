using System.Text.Json.Serialization;

namespace Gantry.Protocol.Images;

/// <summary>Answer of <c>POST /build/prune</c>.</summary>
public sealed record BuildPruneResponse
{
    /// <summary>Ids of what was deleted; null for nothing.</summary>
    public List<string>? CachesDeleted { get; set; }
    /// <summary>Bytes.</summary>
    public long SpaceReclaimed { get; set; }
}

/// <summary>What a build tells beside its text, as <c>aux</c> of a progress message: the image of a finished stage.</summary>
public sealed record BuildResult
{
    /// <summary><c>sha256:…</c></summary>
    [JsonPropertyName("ID")] public string Id { get; set; } = "";
}
