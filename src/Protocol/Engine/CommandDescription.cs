using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gantry.Protocol.Engine;

/// <summary>An engine command as <c>GET /engine/commands</c> describes it.</summary>
public sealed record CommandDescription
{
    public string Name { get; set; } = "";
    /// <summary>One sentence.</summary>
    public string Synopsis { get; set; } = "";
    public List<ParameterDescription> Parameters { get; set; } = [];
    /// <summary>The request record's name; empty for a command without arguments.</summary>
    public string Request { get; set; } = "";
    /// <summary>The response record's name, or <c>stream of X</c>, or <c>nothing</c>.</summary>
    public string Response { get; set; } = "";
    /// <summary>Methods and paths of the Docker API that run this command: <c>POST /containers/{name}/start</c>.</summary>
    public List<string> Routes { get; set; } = [];
    /// <summary>The API version that has it first; <c>gantry</c> where Docker has no such thing.</summary>
    public string Since { get; set; } = "";
    /// <summary><c>read</c>, <c>write</c> or <c>admin</c>.</summary>
    public string Permission { get; set; } = "";
    /// <summary>Served by the engine itself and not to be run by a client (<c>serveapi</c>).</summary>
    public bool Internal { get; set; }
    /// <summary>Runs to its end although the client that asked has gone.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool OutlivesClient { get; set; }
}

public sealed record ParameterDescription
{
    public string Name { get; set; } = "";
    /// <summary><c>string</c>, <c>integer</c>, <c>boolean</c>, <c>strings</c>, <c>duration</c>, <c>object</c>, <c>stream</c>.</summary>
    public string Type { get; set; } = "";
    /// <summary>Where the Docker API carries it: <c>path</c>, <c>query</c>, <c>header</c>, <c>body</c>; empty when it has no route.</summary>
    public string In { get; set; } = "";
    public bool Required { get; set; }
    /// <summary>The order in which <c>gantry NAME …</c> takes it without its name; −1 when only by name.</summary>
    public int Position { get; set; } = -1;
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Default { get; set; }
    public string Description { get; set; } = "";
}

/// <summary>A run of a command, as <c>GET /engine/jobs</c> shows it.</summary>
public sealed record JobDescription
{
    public string Id { get; set; } = "";
    public string Command { get; set; } = "";
    public SortedDictionary<string, string> Arguments { get; set; } = [];
    /// <summary><c>created</c>, <c>running</c>, <c>succeeded</c>, <c>failed</c> or <c>cancelled</c>.</summary>
    public string Status { get; set; } = "";
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Parent { get; set; }
    public string CreatedAt { get; set; } = "";
    public string StartedAt { get; set; } = "";
    public string FinishedAt { get; set; } = "";
    /// <summary>The response of a detached run that succeeded and has one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public JsonElement? Result { get; set; }
    /// <summary>The last 64 KiB that a detached run of a streaming command has written.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Output { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Error { get; set; }
    /// <summary>HTTP status that the error maps to; 0 without an error.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int ErrorCode { get; set; }
}

/// <summary>Body of <c>POST /engine/commands/{name}</c>.</summary>
public sealed record CommandRunRequest
{
    public Dictionary<string, JsonElement> Arguments { get; set; } = [];
    /// <summary>Answer at once with the job and let it run on; its result is kept for <c>GET /engine/jobs/{id}</c>.</summary>
    public bool Detach { get; set; }
}
