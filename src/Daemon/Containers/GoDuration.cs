using System.Globalization;

namespace Gantry.Daemon.Containers;

/// <summary>Durations as Go writes them: <c>1h30m</c>, <c>300ms</c>.</summary>
internal static class GoDuration
{
    private static readonly (string Unit, double Milliseconds)[] Units = [("ms", 1), ("us", 1e-3), ("µs", 1e-3), ("ns", 1e-6), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];

    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        double milliseconds = 0;
        var rest = text.AsSpan();
        if (rest.IsEmpty) return false;
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept("0123456789.");
            if (digits <= 0 || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)) return false;
            rest = rest[digits..];
            bool found = false;
            foreach (var (unit, value) in Units)
            {
                if (!rest.StartsWith(unit, StringComparison.Ordinal)) continue;
                milliseconds += number * value;
                rest = rest[unit.Length..];
                found = true;
                break;
            }
            if (!found) return false;
        }
        duration = TimeSpan.FromMilliseconds(milliseconds);
        return true;
    }
}
