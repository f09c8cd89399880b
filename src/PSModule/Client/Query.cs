using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Gantry.Protocol.Json;

namespace Gantry.PowerShell.Client;

/// <summary>The query of a request. Null and false values are left out.</summary>
internal sealed class Query : IEnumerable
{
    private readonly StringBuilder text = new();

    public void Add(string name, string? value)
    {
        if (value is null) return;
        text.Append(text.Length == 0 ? '?' : '&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
    }

    public void Add(string name, bool value) => Add(name, value ? "1" : null);

    public void Add(string name, int? value) => Add(name, value?.ToString(CultureInfo.InvariantCulture));

    /// <summary>Seconds since 1970 with a nine-digit fraction.</summary>
    public void Add(string name, DateTimeOffset? value) => Add(name, value is { } time ? Seconds(time) : null);

    public void Add(string name, IEnumerable<string>? values)
    {
        foreach (string value in values ?? []) Add(name, value);
    }

    public void Add(string name, Filters? filters) => Add(name, filters?.ToJson());

    private static string Seconds(DateTimeOffset time)
    {
        long nanoseconds = WireTime.ToUnixNanoseconds(time);
        return string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1_000_000_000}.{nanoseconds % 1_000_000_000:000000000}");
    }

    public override string ToString() => text.ToString();

    IEnumerator IEnumerable.GetEnumerator() => throw new NotSupportedException();
}

/// <summary>The <c>filters</c> argument of list routes: values of one key are alternatives, keys add up (reference 4.5).</summary>
internal sealed class Filters
{
    private readonly Dictionary<string, List<string>> values = new(StringComparer.Ordinal);

    public bool IsEmpty => values.Count == 0;

    public Filters Add(string key, string value)
    {
        if (!values.TryGetValue(key, out var list)) values[key] = list = [];
        list.Add(value);
        return this;
    }

    public Filters Add(string key, IEnumerable<string>? items)
    {
        foreach (string item in items ?? []) Add(key, item);
        return this;
    }

    public string? ToJson() => IsEmpty ? null : JsonSerializer.Serialize(values, WireJson.TypeInfo<Dictionary<string, List<string>>>());
}
