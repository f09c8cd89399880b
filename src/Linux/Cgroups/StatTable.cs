using System.Buffers.Text;
using System.Collections.Concurrent;

namespace Gantry.Linux.Cgroups;

/// <summary>Parses the kernel's tables of statistics. The names in them are few and always the same, so they are kept.</summary>
internal static class StatTable
{
    private const int NamesKept = 512;
    private static readonly ConcurrentDictionary<string, string> Names = new(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> Lookup = Names.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Lines of <c>name value</c>.</summary>
    public static SortedDictionary<string, ulong> Parse(ReadOnlySpan<byte> text)
    {
        var table = new SortedDictionary<string, ulong>(StringComparer.Ordinal);
        while (ControlFile.NextLine(ref text, out var line))
            if (ControlFile.NextWord(ref line, out var name) && ControlFile.NextWord(ref line, out var value)) table[Intern(name)] = ControlFile.Number(value);
        return table;
    }

    /// <summary>Takes <c>8:0</c> off the start of a line.</summary>
    public static bool TryTakeDevice(ref ReadOnlySpan<byte> line, out uint major, out uint minor)
    {
        minor = 0;
        if (!Utf8Parser.TryParse(line, out major, out int used) || used == line.Length || line[used] != ':') return false;
        line = line[(used + 1)..];
        if (!Utf8Parser.TryParse(line, out minor, out used)) return false;
        line = line[used..];
        return true;
    }

    public static string Intern(ReadOnlySpan<byte> name)
    {
        Span<char> text = stackalloc char[128];
        if (name.Length > text.Length) return ControlFile.Text(name);
        text = text[..System.Text.Encoding.UTF8.GetChars(name, text)];
        if (Lookup.TryGetValue(text, out string? kept)) return kept;
        string made = text.ToString();
        if (Names.Count < NamesKept) Names.TryAdd(made, made);
        return made;
    }
}
