using System.Text;
using System.Text.Json;

namespace Gantry.Daemon.Options;

/// <summary><c>daemon.json</c>: one object whose keys are those of <see cref="Settings"/>.</summary>
internal static class ConfigurationFile
{
    /// <summary>Reads the file into the texts that flags would have had, by setting. An empty file sets nothing.</summary>
    /// <exception cref="OptionsException">It is not JSON, has unknown keys, or a value is of the wrong type.</exception>
    public static Dictionary<Setting, IReadOnlyList<string>> Read(byte[] text)
    {
        var values = new Dictionary<Setting, IReadOnlyList<string>>();
        ReadOnlySpan<byte> json = text.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? text.AsSpan(3) : text;
        if (json.Trim(" \t\r\n"u8).IsEmpty) return values;

        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json.ToArray());
        }
        catch (JsonException e)
        {
            throw new OptionsException($"invalid JSON: {Engine.GoJsonSyntax.Check(json) ?? e.Message}");
        }
        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new OptionsException("invalid JSON: the configuration must be one object");
            var known = Settings.All.Where(s => s.Key is not null).ToDictionary(s => s.Key!, StringComparer.Ordinal);
            string[] unknown = [.. document.RootElement.EnumerateObject().Select(p => p.Name).Where(n => !known.ContainsKey(n)).Order(StringComparer.Ordinal)];
            if (unknown.Length > 0) throw new OptionsException($"the following directives don't match any configuration option: {string.Join(", ", unknown)}");
            foreach (var property in document.RootElement.EnumerateObject()) values[known[property.Name]] = Texts(known[property.Name], property.Value);
        }
        return values;
    }

    private static IReadOnlyList<string> Texts(Setting setting, JsonElement value)
    {
        try
        {
            if (setting.ReadJson is { } read) return read(value);
            return (setting.Kind, value.ValueKind) switch
            {
                (SettingKind.Switch, JsonValueKind.True) => ["true"],
                (SettingKind.Switch, JsonValueKind.False) => ["false"],
                (SettingKind.Number, JsonValueKind.Number) => [value.GetRawText()],
                (SettingKind.Text, JsonValueKind.String) => [value.GetString()!],
                (SettingKind.Text, JsonValueKind.Number) => [value.GetRawText()],
                (SettingKind.List, JsonValueKind.Array) => [.. value.EnumerateArray().Select(item => item.GetString() ?? "")],
                (SettingKind.Map, JsonValueKind.Object) => [.. value.EnumerateObject().Select(item => $"{item.Name}={item.Value.GetString()}")],
                _ => throw new FormatException(),
            };
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new OptionsException($"invalid JSON: the value of \"{setting.Key}\" must be {Shape(setting)}");
        }
    }

    private static string Shape(Setting setting) => setting.Name switch
    {
        "add-runtime" => "an object of {\"path\": …, \"runtimeArgs\": […]}",
        "default-address-pool" => "a list of {\"base\": …, \"size\": …}",
        "default-ulimit" => "an object of {\"Name\": …, \"Soft\": …, \"Hard\": …}",
        _ => setting.Kind switch
        {
            SettingKind.Switch => "true or false",
            SettingKind.Number => "a number",
            SettingKind.Text => "a string",
            SettingKind.List => "a list of strings",
            _ => "an object of strings",
        },
    };
}
