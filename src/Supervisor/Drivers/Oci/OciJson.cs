using System.Text.Json.Serialization;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Oci;

/// <summary>The files that OCI runtimes read. Unlike the supervisor's own messages they say zero and false: the specification's schema requires many of them.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RuntimeSpec))]
[JsonSerializable(typeof(ProcessSpec))]
[JsonSerializable(typeof(ResourcesSpec))]
[JsonSerializable(typeof(RuntimeLogLine))]
internal sealed partial class OciJson : JsonSerializerContext;

/// <summary>A line of a runtime's log in its JSON format.</summary>
internal sealed record RuntimeLogLine
{
    [JsonPropertyName("level")] public string? Level { get; set; }
    [JsonPropertyName("msg")] public string? Message { get; set; }
}
