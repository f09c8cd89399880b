using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gantry.Daemon.Engine;

/// <summary>Decodes a request's JSON, and turns what is wrong with it into the texts that API clients know.</summary>
internal static class RequestJson
{
    /// <exception cref="EngineException">400 <c>invalid JSON: …</c> or <c>unexpected content after JSON</c>.</exception>
    public static T? Decode<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type) where T : class
    {
        T? value;
        long consumed;
        ReadOnlySpan<byte> text = json;
        try
        {
            text = JsonNulls.Strip(json, type);
            var reader = new Utf8JsonReader(text);
            value = JsonSerializer.Deserialize(ref reader, type);
            consumed = reader.BytesConsumed;
        }
        catch (JsonException e)
        {
            throw EngineException.InvalidParameter("invalid JSON: " + GoJsonError.Describe(json, type, e), e);
        }
        if (text[(int)consumed..].Trim(" \t\r\n"u8).Length > 0) throw EngineException.InvalidParameter("unexpected content after JSON");
        return value;
    }
}
