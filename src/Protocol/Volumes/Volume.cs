using System.Text.Json.Serialization;

namespace Gantry.Protocol.Volumes;

/// <summary>Answer of <c>GET /volumes/{name}</c>.</summary>
public sealed record Volume
{
    public string CreatedAt { get; set; } = "";
    public string Driver { get; set; } = "local";
    public SortedDictionary<string, string>? Labels { get; set; }
    public string Mountpoint { get; set; } = "";
    public string Name { get; set; } = "";
    public SortedDictionary<string, string>? Options { get; set; }
    public string Scope { get; set; } = "local";
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public VolumeUsage? UsageData { get; set; }
}

public sealed record VolumeUsage
{
    public long RefCount { get; set; }
    public long Size { get; set; }
}

public sealed record VolumeCreateRequest
{
    public string Name { get; set; } = "";
    public string Driver { get; set; } = "";
    public SortedDictionary<string, string>? DriverOpts { get; set; }
    public SortedDictionary<string, string>? Labels { get; set; }
}

public sealed record VolumeListResponse
{
    public List<Volume> Volumes { get; set; } = [];
    public List<string>? Warnings { get; set; }
}

public sealed record VolumesPruneResponse
{
    public List<string>? VolumesDeleted { get; set; }
    public long SpaceReclaimed { get; set; }
}
