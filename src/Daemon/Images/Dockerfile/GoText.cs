using System.Globalization;
using System.Text;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>Texts in the notations of Go, which the API's messages and durations use.</summary>
internal static class GoText
{
    /// <summary>A double-quoted string with escapes, as <c>%q</c> prints it.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char c in text)
        {
            quoted.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < ' ' or '\x7f' => string.Create(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"),
                _ => c.ToString(),
            });
        }
        return quoted.Append('"').ToString();
    }

    /// <summary>A list of double-quoted strings: <c>["a" "b"]</c>.</summary>
    public static string QuoteList(IEnumerable<string>? words) => $"[{string.Join(' ', (words ?? []).Select(Quote))}]";

    /// <summary>A list as <c>%v</c> prints it: <c>[a b]</c>.</summary>
    public static string List(IEnumerable<string>? words) => $"[{string.Join(' ', words ?? [])}]";

    /// <summary>Nanoseconds as <c>1h0m5s</c>, <c>1.5s</c>, <c>200ms</c>, <c>0s</c>.</summary>
    public static string DurationText(long nanoseconds)
    {
        if (nanoseconds == 0) return "0s";
        if (nanoseconds < 0) return "-" + DurationText(-nanoseconds);
        string Part(decimal divisor, string unit) => (nanoseconds / divisor).ToString("0.#########", CultureInfo.InvariantCulture) + unit;
        if (nanoseconds < 1_000) return Part(1, "ns");
        if (nanoseconds < 1_000_000) return Part(1_000, "µs");
        if (nanoseconds < 1_000_000_000) return Part(1_000_000, "ms");
        long minutes = nanoseconds / 60_000_000_000;
        string seconds = (nanoseconds % 60_000_000_000 / 1_000_000_000m).ToString("0.#########", CultureInfo.InvariantCulture) + "s";
        if (minutes == 0) return seconds;
        return minutes < 60 ? string.Create(CultureInfo.InvariantCulture, $"{minutes}m{seconds}") : string.Create(CultureInfo.InvariantCulture, $"{minutes / 60}h{minutes % 60}m{seconds}");
    }

    /// <summary>Reads a duration such as <c>1h30m</c>, <c>1.5s</c>, <c>-200ms</c>.</summary>
    /// <returns>Nanoseconds; null when it is none.</returns>
    public static long? Duration(string text)
    {
        var rest = text.AsSpan();
        bool negative = rest.StartsWith("-");
        if (rest.StartsWith("-") || rest.StartsWith("+")) rest = rest[1..];
        if (rest is "0") return 0;
        if (rest.IsEmpty) return null;
        decimal total = 0;
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept("0123456789.");
            if (digits <= 0) return null;
            if (!decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)) return null;
            rest = rest[digits..];
            int length = rest.IndexOfAny("0123456789.");
            if (length < 0) length = rest.Length;
            decimal? unit = rest[..length] switch
            {
                "ns" => 1,
                "us" or "µs" or "μs" => 1_000,
                "ms" => 1_000_000,
                "s" => 1_000_000_000,
                "m" => 60_000_000_000,
                "h" => 3_600_000_000_000,
                _ => null,
            };
            if (unit is null || number > long.MaxValue / unit) return null;
            total += number * unit.Value;
            if (total > long.MaxValue) return null;
            rest = rest[length..];
        }
        return negative ? -(long)total : (long)total;
    }
}
