using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gantry.Daemon.Engine;

/// <summary>Says what is wrong with a JSON text in the words of Go's decoder, which API clients and their tests know.</summary>
/// <remarks>
/// Syntax first; else the text is walked beside the type's metadata to the first value that does not fit:
/// <c>json: cannot unmarshal number into Go struct field .HostConfig.Binds of type []string</c>.
/// </remarks>
internal static class GoJsonError
{
    public static string Describe(ReadOnlySpan<byte> json, JsonTypeInfo type, JsonException error)
    {
        if (GoJsonSyntax.Check(json) is { } syntax) return syntax;
        try
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            return Find(ref reader, type, null, []) is { } mismatch ? "json: cannot unmarshal " + mismatch.Text(GoTypes.Root(type.Type)) : error.Message;
        }
        catch (JsonException deeper)
        {
            return deeper.Message;   // nested deeper than any request
        }
    }

    /// <summary>Where and how a value does not fit.</summary>
    private sealed record Mismatch(string Value, string[] Path, string GoType, bool InElement, bool CommandLine)
    {
        public string Text(string root) =>
            Path.Length == 0 || (CommandLine && root.Length == 0) ? $"{Value} into Go value of type {(CommandLine ? "string" : GoType)}"
            : InElement ? $"{Value} into {root}.{string.Join('.', Path)} of type {GoType}"
            : $"{Value} into Go struct field {root}.{string.Join('.', Path)} of type {GoType}";
    }

    private static Mismatch? Find(ref Utf8JsonReader reader, JsonTypeInfo type, JsonPropertyInfo? property, List<string> path)
    {
        if (reader.TokenType == JsonTokenType.Null) return null;
        Type target = Nullable.GetUnderlyingType(type.Type) ?? type.Type;

        // A command line: one string, or a list of them. A container's own type for it complains without the field's name.
        if (property?.CustomConverter is not null && target == typeof(List<string>))
        {
            bool list = reader.TokenType == JsonTokenType.StartArray;
            var elements = reader;
            bool fits = reader.TokenType == JsonTokenType.String;
            if (list)
            {
                fits = true;
                while (elements.Read() && elements.TokenType != JsonTokenType.EndArray)
                {
                    fits &= elements.TokenType == JsonTokenType.String;
                    elements.Skip();
                }
            }
            string shape = Kind(reader.TokenType);
            reader.Skip();
            return fits ? null : new Mismatch(shape, [.. path], "[]string", false, CommandLine: true);
        }

        switch (type.Kind)
        {
            case JsonTypeInfoKind.Object when reader.TokenType == JsonTokenType.StartObject:
                return FindInObject(ref reader, type, path);
            case JsonTypeInfoKind.Dictionary when reader.TokenType == JsonTokenType.StartObject:
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    if (Step(ref reader, type.Options.GetTypeInfo(type.ElementType!), null, path, reader.GetString()!) is { } found) return found;
                }
                return null;
            case JsonTypeInfoKind.Enumerable when reader.TokenType == JsonTokenType.StartArray:
                for (int index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
                {
                    path.Add(index.ToString(System.Globalization.CultureInfo.InvariantCulture));
                    if (Find(ref reader, type.Options.GetTypeInfo(type.ElementType!), null, path) is { } found)
                        return found.Path.Length == path.Count ? found with { InElement = true } : found;
                    path.RemoveAt(path.Count - 1);
                }
                return null;
            case JsonTypeInfoKind.None when GoTypes.Accepts(target, ref reader):
                reader.Skip();
                return null;
        }

        string value = Kind(reader.TokenType);
        if (reader.TokenType == JsonTokenType.Number && GoTypes.IsNumber(target)) value += " " + Encoding.UTF8.GetString(reader.ValueSpan);
        return new Mismatch(value, [.. path], GoTypes.Name(target, path), false, false);
    }

    private static Mismatch? FindInObject(ref Utf8JsonReader reader, JsonTypeInfo type, List<string> path)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            var property = type.Properties.FirstOrDefault(p => p.Name == name) ?? type.Properties.FirstOrDefault(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (property is null)
            {
                reader.Skip();
                continue;
            }
            if (Step(ref reader, type.Options.GetTypeInfo(property.PropertyType), property, path, name) is { } found) return found;
        }
        return null;
    }

    /// <summary>From a property's name into its value; the name is kept as it was sent, escaped as in a JSON pointer.</summary>
    private static Mismatch? Step(ref Utf8JsonReader reader, JsonTypeInfo type, JsonPropertyInfo? property, List<string> path, string name)
    {
        reader.Read();
        path.Add(name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal));
        var found = Find(ref reader, type, property, path);
        path.RemoveAt(path.Count - 1);
        return found;
    }

    private static string Kind(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "object",
        JsonTokenType.StartArray => "array",
        JsonTokenType.String => "string",
        JsonTokenType.Number => "number",
        _ => "bool",
    };
}
