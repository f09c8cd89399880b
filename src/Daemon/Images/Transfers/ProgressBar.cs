using System.Globalization;

namespace Gantry.Daemon.Images.Transfers;

/// <summary>A progress as a bar of text (golden 142), for clients that draw none of their own.</summary>
internal static class ProgressBar
{
    private const int Width = 50;

    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB", "PB"];

    /// <summary><c>[====&gt;    ]  44.54kB/1.985MB</c>; empty when nothing is known.</summary>
    public static string Format(long current, long total)
    {
        if (current <= 0 && total <= 0) return "";
        if (total <= 0) return Size(current).PadLeft(8);
        int done = (int)Math.Min(current * 100.0 / total / 2, Width);
        string numbers = current > total ? Size(current).PadLeft(8) : $"{Size(current),8}/{Size(total)}";
        return $"[{new string('=', done)}>{new string(' ', Width - done)}] {numbers}";
    }

    /// <summary>Bytes with four digits and a decimal unit.</summary>
    public static string Size(long bytes)
    {
        double value = bytes;
        int unit = 0;
        for (; value >= 1000 && unit < Units.Length - 1; unit++) value /= 1000;
        return value.ToString("G4", CultureInfo.InvariantCulture) + Units[unit];
    }
}
