using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gantry.Daemon.Engine;

/// <summary>The <c>filters</c> argument of lists, prunes and events (reference 4.5): values of one key are alternatives, keys are joined by "and".</summary>
public sealed class Filters
{
    public static readonly Filters None = new([]);

    private readonly Dictionary<string, List<string>> values;

    private Filters(Dictionary<string, List<string>> values) => this.values = values;

    public bool IsEmpty => values.Count == 0;

    public IReadOnlyCollection<string> Keys => values.Keys;

    public bool Contains(string key) => values.ContainsKey(key);

    /// <summary>The values given for a key; none when it was not given.</summary>
    public IReadOnlyList<string> this[string key] => values.GetValueOrDefault(key) ?? [];

    /// <summary>Reads <c>{"key": {"value": true}}</c> or <c>{"key": ["value"]}</c>.</summary>
    /// <param name="known">The keys that make sense here; null accepts any.</param>
    /// <exception cref="EngineException">400 <c>invalid filter</c>, <c>invalid filter 'key'</c>.</exception>
    public static Filters Parse(string? text, IReadOnlySet<string>? known = null)
    {
        if (string.IsNullOrEmpty(text)) return None;
        var values = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        try
        {
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind == JsonValueKind.Null) return None;
            foreach (var key in document.RootElement.EnumerateObject())
            {
                values[key.Name] = key.Value.ValueKind switch
                {
                    JsonValueKind.Object => [.. key.Value.EnumerateObject().Where(v => v.Value.GetBoolean()).Select(v => v.Name)],
                    JsonValueKind.Array => [.. key.Value.EnumerateArray().Select(v => v.GetString() ?? "")],
                    _ => throw new JsonException(),
                };
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw EngineException.InvalidParameter("invalid filter", e);
        }
        if (known is not null && values.Keys.FirstOrDefault(k => !known.Contains(k)) is { } unknown)
            throw EngineException.InvalidParameter($"invalid filter '{unknown}'");
        return new Filters(values);
    }

    /// <summary>True when the key was not given, or one of its values is the text.</summary>
    public bool MatchesExactly(string key, string? text) => !values.TryGetValue(key, out var wanted) || wanted.Count == 0 || (text is not null && wanted.Contains(text));

    /// <summary>True when the key was not given, or the text starts with one of its values.</summary>
    public bool MatchesPrefix(string key, string? text) =>
        !values.TryGetValue(key, out var wanted) || wanted.Count == 0 || (text is not null && wanted.Exists(w => text.StartsWith(w, StringComparison.Ordinal)));

    /// <summary>True when the key was not given, or one of its values matches as a regular expression or is part of the text.</summary>
    public bool MatchesPattern(string key, string text) =>
        !values.TryGetValue(key, out var wanted) || wanted.Count == 0 || wanted.Exists(w => text.Contains(w, StringComparison.Ordinal) || IsMatch(w, text));

    /// <summary>True when every value of the key, <c>name</c> or <c>name=value</c>, is among the labels.</summary>
    public bool MatchesLabels(string key, IReadOnlyDictionary<string, string>? labels)
    {
        if (!values.TryGetValue(key, out var wanted)) return true;
        return wanted.TrueForAll(w =>
        {
            int equals = w.IndexOf('=');
            return labels is not null && labels.TryGetValue(equals < 0 ? w : w[..equals], out string? value) && (equals < 0 || value == w[(equals + 1)..]);
        });
    }

    /// <summary>The key's value as true or false; null when it was not given.</summary>
    /// <exception cref="EngineException">400 <c>invalid filter 'key=[X]'</c>.</exception>
    public bool? Boolean(string key)
    {
        if (!values.TryGetValue(key, out var given) || given.Count == 0) return null;
        bool yes = given.Exists(v => v is "1" or "true"), no = given.Exists(v => v is "0" or "false");
        return yes != no ? yes : throw EngineException.InvalidParameter($"invalid filter '{key}=[{string.Join(' ', given)}]'");
    }

    private static bool IsMatch(string pattern, string text)
    {
        try
        {
            return Regex.IsMatch(text, pattern, RegexOptions.CultureInvariant, TimeSpan.FromMilliseconds(100));
        }
        catch (Exception e) when (e is ArgumentException or RegexMatchTimeoutException)
        {
            return false;
        }
    }
}
