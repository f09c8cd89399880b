using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gantry.Supervisor.Protocol;

/// <summary>A JSON value that is passed on as it is, not parsed. Equal by its bytes.</summary>
[JsonConverter(typeof(RawJsonConverter))]
public sealed class RawJson(byte[] utf8) : IEquatable<RawJson>
{
    private readonly int hash = Hash(utf8);

    public ReadOnlyMemory<byte> Utf8 { get; } = utf8;

    private static int Hash(byte[] bytes)
    {
        var hash = new HashCode();
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }

    public bool Equals(RawJson? other) => other is not null && hash == other.hash && Utf8.Span.SequenceEqual(other.Utf8.Span);

    public override bool Equals(object? obj) => Equals(obj as RawJson);

    public override int GetHashCode() => hash;
}

internal sealed class RawJsonConverter : JsonConverter<RawJson>
{
    public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.HasValueSequence || reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
        {
            using var document = JsonDocument.ParseValue(ref reader);
            return new RawJson(JsonSerializer.SerializeToUtf8Bytes(document.RootElement, SupervisorJson.Default.JsonElement));
        }
        using var parsed = JsonDocument.ParseValue(ref reader);
        return new RawJson(System.Text.Encoding.UTF8.GetBytes(parsed.RootElement.GetRawText()));
    }

    public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options) => writer.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
}
