using System.Text.Json.Serialization;

namespace Gantry.Protocol.SystemInfo;

/// <summary>One line of <c>GET /events</c>. The first three fields are the form that clients below API 1.52 expect of container and image events.</summary>
public sealed record EventMessage
{
    [JsonPropertyName("status"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Status { get; set; }
    [JsonPropertyName("id"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Id { get; set; }
    [JsonPropertyName("from"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? From { get; set; }
    public string Type { get; set; } = "";
    public string Action { get; set; } = "";
    public EventActor Actor { get; set; } = new();
    [JsonPropertyName("scope")] public string Scope { get; set; } = "local";
    /// <summary>Unix seconds.</summary>
    [JsonPropertyName("time")] public long Time { get; set; }
    /// <summary>Unix nanoseconds.</summary>
    [JsonPropertyName("timeNano")] public long TimeNano { get; set; }
}

public sealed record EventActor
{
    public string ID { get; set; } = "";
    public SortedDictionary<string, string> Attributes { get; set; } = [];
}

/// <summary>Answer of the engine command <c>subscribers_count</c>.</summary>
public sealed record SubscribersCount
{
    public int Count { get; set; }
}
