using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gantry.PowerShell.Objects;

/// <summary>Values of PowerShell as JSON, and back: for commands whose types only the engine knows.</summary>
internal static class JsonValues
{
    private const int DeepestLevel = 64;

    /// <summary>Objects become custom objects, arrays arrays, whole numbers Int64.</summary>
    public static object? ToPowerShell(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => ToObject(value),
        JsonValueKind.Array => value.EnumerateArray().Select(ToPowerShell).ToArray(),
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.TryGetInt64(out long whole) ? whole : value.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    private static PSObject ToObject(JsonElement value)
    {
        var result = new PSObject();
        foreach (var property in value.EnumerateObject())
        {
            result.Properties.Remove(property.Name);   // two names that differ only in case: the last one counts
            result.Properties.Add(new PSNoteProperty(property.Name, ToPowerShell(property.Value)));
        }
        return result;
    }

    /// <summary>Tables and custom objects become objects, lists arrays, dates RFC 3339 texts, times seconds; an object of this module becomes its id or name.</summary>
    /// <exception cref="PSArgumentException">It is nested too deeply: it contains itself.</exception>
    public static JsonElement FromPowerShell(object? value) => JsonSerializer.SerializeToElement(ToNode(value, 0), Protocol.Json.WireJson.TypeInfo<JsonNode?>());

    private static JsonNode? ToNode(object? value, int level)
    {
        if (level > DeepestLevel) throw new PSArgumentException("The argument is nested too deeply.");
        object? plain = value is PSObject { BaseObject: not PSCustomObject } wrapped ? wrapped.BaseObject : value;
        return plain switch
        {
            null => null,
            string text => JsonValue.Create(text),
            bool flag => JsonValue.Create(flag),
            SwitchParameter flag => JsonValue.Create(flag.IsPresent),
            sbyte or byte or short or ushort or int or uint or long => JsonValue.Create(Convert.ToInt64(plain, CultureInfo.InvariantCulture)),
            ulong or decimal => JsonValue.Create(Convert.ToDecimal(plain, CultureInfo.InvariantCulture)),
            float or double => JsonValue.Create(Convert.ToDouble(plain, CultureInfo.InvariantCulture)),
            DateTime time => JsonValue.Create(new DateTimeOffset(time).ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture)),
            DateTimeOffset time => JsonValue.Create(Protocol.Json.WireTime.Format(time)),
            TimeSpan time => JsonValue.Create(time.TotalSeconds),
            Container container => JsonValue.Create(container.Id),
            ContainerDetail container => JsonValue.Create(container.Id),
            ContainerImage image => JsonValue.Create(image.Name),
            IDictionary table => FromTable(table, level),
            PSObject custom => FromCustomObject(custom, level),
            IEnumerable items => new JsonArray([.. items.Cast<object?>().Select(item => ToNode(item, level + 1))]),
            _ => JsonValue.Create(LanguagePrimitives.ConvertTo<string>(plain)),
        };
    }

    private static JsonObject FromTable(IDictionary table, int level)
    {
        var result = new JsonObject();
        foreach (DictionaryEntry entry in table) result[Specs.Pairs.Text(entry.Key)] = ToNode(entry.Value, level + 1);
        return result;
    }

    private static JsonObject FromCustomObject(PSObject custom, int level)
    {
        var result = new JsonObject();
        foreach (var property in custom.Properties) result[property.Name] = ToNode(property.Value, level + 1);
        return result;
    }
}
