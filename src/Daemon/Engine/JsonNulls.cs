using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gantry.Daemon.Engine;

/// <summary>Makes <c>null</c> mean "not given", as Go's decoder does: clients such as docker-py send it for every field that they leave alone.</summary>
/// <remarks>Only fields of records are dropped. An entry of a map stays: <c>{"EndpointsConfig": {"net1": null}}</c> names a network.</remarks>
internal static class JsonNulls
{
    /// <summary>The text without fields that are null; the text itself when it has none.</summary>
    /// <exception cref="JsonException">It is not valid JSON.</exception>
    public static ReadOnlySpan<byte> Strip(ReadOnlySpan<byte> json, JsonTypeInfo type)
    {
        if (json.IndexOf("null"u8) < 0) return json;
        var output = new ArrayBufferWriter<byte>(json.Length);
        using var writer = new Utf8JsonWriter(output, new JsonWriterOptions { SkipValidation = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        var reader = new Utf8JsonReader(json);
        reader.Read();
        Copy(ref reader, writer, type);
        writer.Flush();
        output.Write(json[(int)reader.BytesConsumed..]);
        return output.WrittenSpan;
    }

    private static void Copy(ref Utf8JsonReader reader, Utf8JsonWriter writer, JsonTypeInfo? type)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject when type is { Kind: JsonTypeInfoKind.Object }:
                writer.WriteStartObject();
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    string name = reader.GetString()!;
                    reader.Read();
                    if (reader.TokenType == JsonTokenType.Null) continue;
                    writer.WritePropertyName(name);
                    var property = type.Properties.FirstOrDefault(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
                    Copy(ref reader, writer, property is null ? null : type.Options.GetTypeInfo(property.PropertyType));
                }
                writer.WriteEndObject();
                break;
            case JsonTokenType.StartObject when type is { Kind: JsonTypeInfoKind.Dictionary }:
                writer.WriteStartObject();
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    writer.WritePropertyName(reader.GetString()!);
                    reader.Read();
                    Copy(ref reader, writer, type.Options.GetTypeInfo(type.ElementType!));
                }
                writer.WriteEndObject();
                break;
            case JsonTokenType.StartArray when type is { Kind: JsonTypeInfoKind.Enumerable }:
                writer.WriteStartArray();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) Copy(ref reader, writer, type.Options.GetTypeInfo(type.ElementType!));
                writer.WriteEndArray();
                break;
            default:
                using (var value = JsonDocument.ParseValue(ref reader)) value.RootElement.WriteTo(writer);
                break;
        }
    }
}
