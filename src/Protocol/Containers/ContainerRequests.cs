using System.Text.Json.Serialization;
using Gantry.Protocol.Networks;

namespace Gantry.Protocol.Containers;

/// <summary>Body of <c>POST /containers/create</c>: the config's fields at the top, the two host-bound objects beside them.</summary>
public sealed record ContainerCreateRequest : ContainerConfig
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public HostConfig? HostConfig { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public NetworkingConfig? NetworkingConfig { get; set; }

    /// <summary>The portable part alone.</summary>
    public ContainerConfig ToConfig() => CopyConfig();
}

public sealed record NetworkingConfig
{
    public SortedDictionary<string, EndpointSettings?>? EndpointsConfig { get; set; }
}

public sealed record ContainerCreateResponse
{
    public string Id { get; set; } = "";
    public List<string> Warnings { get; set; } = [];
}

/// <summary>Body of <c>POST /containers/{id}/update</c>: limits that change, and the restart policy. Absent fields stay as they are.</summary>
public sealed record ContainerUpdateRequest : Resources
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public RestartPolicy? RestartPolicy { get; set; }
}

public sealed record ContainerUpdateResponse
{
    public List<string>? Warnings { get; set; }
}

public sealed record ContainerWaitResponse
{
    public long StatusCode { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public WaitError? Error { get; set; }
}

public sealed record WaitError
{
    public string Message { get; set; } = "";
}

public sealed record ContainerTopResponse
{
    public List<List<string>> Processes { get; set; } = [];
    public List<string> Titles { get; set; } = [];
}

/// <summary>One difference of a container's file system to its image. Kind 0 modified, 1 added, 2 deleted.</summary>
public sealed record ContainerChange
{
    public string Path { get; set; } = "";
    public int Kind { get; set; }
}

public sealed record ContainersPruneResponse
{
    public List<string>? ContainersDeleted { get; set; }
    public long SpaceReclaimed { get; set; }
}

/// <summary>The decoded <c>X-Docker-Container-Path-Stat</c> header. <c>mode</c> uses Go's file mode bits (reference 4.12).</summary>
public sealed record PathStat
{
    [JsonPropertyName("name")] public string Name { get; set; } = "";
    [JsonPropertyName("size")] public long Size { get; set; }
    [JsonPropertyName("mode")] public uint Mode { get; set; }
    [JsonPropertyName("mtime")] public string Mtime { get; set; } = "";
    [JsonPropertyName("linkTarget")] public string LinkTarget { get; set; } = "";
}
