using System.Text.Json;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Api;

/// <summary>Arguments as <c>POST /engine/commands/{name}</c> carries them: JSON values by parameter name, in any case.</summary>
/// <remarks>For a command whose request has an object as its body, values under other names are the body's fields.</remarks>
internal sealed class JsonArguments : CommandArguments
{
    private const int LongestPrinted = 200;
    private readonly Dictionary<string, JsonElement> values = new(StringComparer.OrdinalIgnoreCase);
    private readonly ReadOnlyMemory<byte> body;

    /// <exception cref="EngineException">400: a name that the command does not take, or one that it needs and did not get.</exception>
    public JsonArguments(Command command, IReadOnlyDictionary<string, JsonElement> arguments)
    {
        var bodyParameter = command.Parameters.FirstOrDefault(p => p is { Location: ParameterLocation.Body, Type: ParameterType.Object });
        var fields = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var (name, value) in arguments)
        {
            if (command.Parameters.Any(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase))) values[name] = value;
            else if (bodyParameter is not null) fields[name] = value;
            else throw EngineException.InvalidParameter($"{command.Name}: there is no parameter '{name}'; it takes {Names(command)}");
        }
        if (command.Parameters.FirstOrDefault(p => p.Required && p.Type != ParameterType.Stream && p != bodyParameter && !values.ContainsKey(p.Name)) is { } missing)
            throw EngineException.InvalidParameter($"{command.Name}: the parameter '{missing.Name}' is missing; it takes {Names(command)}");
        body = bodyParameter is null ? default : Body(command, bodyParameter, fields);
    }

    private static string Names(Command command) => command.Parameters.Count == 0 ? "none" : string.Join(", ", command.Parameters.Select(p => p.Name));

    private ReadOnlyMemory<byte> Body(Command command, Parameter parameter, Dictionary<string, JsonElement> fields)
    {
        if (values.Remove(parameter.Name, out var whole))
        {
            if (fields.Count == 0) return JsonSerializer.SerializeToUtf8Bytes(whole, Protocol.Json.WireJson.TypeInfo<JsonElement>());
            if (whole.ValueKind != JsonValueKind.Object) throw EngineException.InvalidParameter($"{command.Name}: the parameter '{parameter.Name}' must be an object");
            foreach (var field in whole.EnumerateObject()) fields.TryAdd(field.Name, field.Value);
        }
        return fields.Count == 0 ? default : JsonSerializer.SerializeToUtf8Bytes(fields, Protocol.Json.WireJson.TypeInfo<Dictionary<string, JsonElement>>());
    }

    public override string? Find(string name) => values.TryGetValue(name, out var value) ? Text(value) : null;

    public override IReadOnlyList<string> FindAll(string name)
    {
        if (!values.TryGetValue(name, out var value)) return [];
        if (value.ValueKind == JsonValueKind.Array) return [.. value.EnumerateArray().Select(Text).OfType<string>()];
        return Text(value) is { } text ? [text] : [];
    }

    protected override ReadOnlyMemory<byte> BodyBytes => body;

    public override IEnumerable<KeyValuePair<string, string>> Printable =>
        values.Where(v => v.Value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null) && !v.Key.StartsWith("X-Registry", StringComparison.OrdinalIgnoreCase))
            .Select(v => new KeyValuePair<string, string>(v.Key, Text(v.Value)!))
            .Select(p => p.Value.Length <= LongestPrinted ? p : new(p.Key, p.Value[..LongestPrinted] + "…"));

    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        JsonValueKind.String => value.GetString(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => value.GetRawText(),
    };
}
