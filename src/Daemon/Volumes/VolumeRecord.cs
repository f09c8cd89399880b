using System.Text.Json.Serialization;

namespace Gantry.Daemon.Volumes;

/// <summary>A volume as the database keeps it.</summary>
internal sealed record VolumeRecord
{
    public required string Name { get; init; }

    public required DateTimeOffset Created { get; init; }

    public SortedDictionary<string, string>? Labels { get; init; }

    public SortedDictionary<string, string>? Options { get; init; }
}

[JsonSerializable(typeof(VolumeRecord))]
internal sealed partial class VolumeJson : JsonSerializerContext;
