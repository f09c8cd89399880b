using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Daemon.Options;
using Gantry.Protocol.Engine;

namespace Gantry.Daemon.Client;

/// <summary>Turns the words after a command into its arguments, by the engine's own description of it.</summary>
/// <remarks>
/// Parameters with a position may be given without their names. A command whose request has an object as its body takes the object's fields too:
/// <c>--Image busybox --HostConfig.Memory 64000000 --Env A=1 --Env B=2</c>, each value as JSON where it is JSON, else as text.
/// </remarks>
internal static class CommandWords
{
    /// <exception cref="OptionsException">They do not fit the description.</exception>
    public static JsonObject Read(CommandDescription command, IReadOnlyList<string> words)
    {
        var arguments = new JsonObject();
        var positional = command.Parameters.Where(p => p.Position >= 0).OrderBy(p => p.Position).ToList();
        bool hasBody = command.Parameters.Exists(p => p is { In: "body", Type: "object" });
        bool flagsEnded = false;
        for (int i = 0; i < words.Count; i++)
        {
            string word = words[i];
            if (!flagsEnded && word == "--")
            {
                flagsEnded = true;
            }
            else if (!flagsEnded && word.Length > 2 && word.StartsWith("--", StringComparison.Ordinal))
            {
                int equals = word.IndexOf('=');
                string name = equals < 0 ? word[2..] : word[2..equals];
                string? value = equals < 0 ? null : word[(equals + 1)..];
                var parameter = command.Parameters.Find(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase) && p.Type != "stream");
                bool isSwitch = parameter?.Type == "boolean" || (parameter is null && (i + 1 == words.Count || words[i + 1].StartsWith("--", StringComparison.Ordinal)));
                if (parameter is null && !hasBody) throw new OptionsException($"{command.Name}: flag provided but not defined: --{name}", usage: true);
                if (value is null && isSwitch) value = "true";
                else if (value is null && ++i < words.Count) value = words[i];
                if (value is null) throw new OptionsException($"{command.Name}: flag needs an argument: --{name}", usage: true);
                if (parameter is not null) Add(arguments, parameter.Name, Value(command, parameter, value), parameter.Type == "strings");
                else AddField(arguments, name, value);
            }
            else
            {
                if (positional.Count == 0) throw new OptionsException($"{command.Name}: unexpected argument: {word}", usage: true);
                var parameter = positional[0];
                bool takesRest = parameter.Type == "strings";
                if (!takesRest) positional.RemoveAt(0);
                Add(arguments, parameter.Name, Value(command, parameter, word), takesRest);
            }
        }
        if (command.Parameters.Find(p => p.Required && p.Type is not ("stream" or "object") && !arguments.ContainsKey(p.Name)) is { } missing)
            throw new OptionsException($"{command.Name}: the argument '{missing.Name}' is missing", usage: true);
        return arguments;
    }

    private static JsonNode? Value(CommandDescription command, ParameterDescription parameter, string text)
    {
        switch (parameter.Type)
        {
            case "integer":
                return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
                    ? JsonValue.Create(number)
                    : throw new OptionsException($"{command.Name}: invalid value \"{text}\" for --{parameter.Name}: it is not a whole number", usage: true);
            case "boolean":
                return text switch
                {
                    "1" or "t" or "T" or "TRUE" or "true" or "True" => JsonValue.Create(true),
                    "0" or "f" or "F" or "FALSE" or "false" or "False" => JsonValue.Create(false),
                    _ => throw new OptionsException($"{command.Name}: invalid boolean value \"{text}\" for --{parameter.Name}", usage: true),
                };
            case "object":
                try
                {
                    return JsonNode.Parse(text);
                }
                catch (JsonException e)
                {
                    throw new OptionsException($"{command.Name}: invalid value for --{parameter.Name}: it is not JSON: {e.Message}", usage: true);
                }
            default:
                return JsonValue.Create(text);
        }
    }

    /// <summary>A field of the body; dots lead into nested objects.</summary>
    private static void AddField(JsonObject arguments, string name, string text)
    {
        string[] path = name.Split('.');
        var target = arguments;
        foreach (string step in path[..^1])
        {
            if (target[step] is not JsonObject inner) target[step] = inner = [];
            target = inner;
        }
        Add(target, path[^1], Guess(text), isList: false);
    }

    private static JsonNode? Guess(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }

    /// <summary>What is given twice is a list.</summary>
    private static void Add(JsonObject target, string name, JsonNode? value, bool isList)
    {
        if (target[name] is JsonArray list && (isList || target.ContainsKey(name))) list.Add(value);
        else if (target.ContainsKey(name)) target[name] = new JsonArray(target[name]?.DeepClone(), value);
        else target[name] = isList ? new JsonArray(value) : value;
    }
}
