using System.Collections;
using System.Management.Automation;

namespace Gantry.PowerShell.Objects.Specs;

/// <summary>Names with values, as people give them (hashtables, <c>NAME=value</c> texts) and as the wire takes them.</summary>
internal static class Pairs
{
    public static SortedDictionary<string, string>? ToSorted(IDictionary? pairs)
    {
        if (pairs is null) return null;
        var sorted = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry pair in pairs) sorted[Text(pair.Key)] = Text(pair.Value);
        return sorted;
    }

    /// <summary><c>NAME=value</c> texts in the order of the names; a null value gives <c>NAME</c> alone, which removes a variable of the image.</summary>
    public static List<string>? ToList(IDictionary? pairs)
    {
        if (pairs is null) return null;
        var list = new List<string>();
        foreach (DictionaryEntry pair in pairs) list.Add(pair.Value is null ? Text(pair.Key) : $"{Text(pair.Key)}={Text(pair.Value)}");
        if (pairs is not System.Collections.Specialized.IOrderedDictionary) list.Sort(StringComparer.Ordinal);
        return list;
    }

    /// <summary>Values in PowerShell's culture-free form: <c>True</c>, <c>1.5</c>.</summary>
    public static string Text(object? value) => LanguagePrimitives.ConvertTo<string>(value) ?? "";

    /// <summary>Splits <c>NAME=value</c>; a name alone has no value.</summary>
    public static (string Name, string? Value) Split(string text)
    {
        int split = text.IndexOf('=', StringComparison.Ordinal);
        return split < 0 ? (text, null) : (text[..split], text[(split + 1)..]);
    }
}
