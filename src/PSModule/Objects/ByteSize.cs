using System.Globalization;

namespace Gantry.PowerShell.Objects;

/// <summary>Byte counts as people write and read them.</summary>
public static class ByteSize
{
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

    /// <summary>Three significant digits in steps of 1000, as Docker shows sizes: <c>1.99MB</c>. Null gives the empty text.</summary>
    public static string Format(long? bytes) => bytes is null ? "" : Scale(bytes.Value, 1000, Units);

    /// <summary>In steps of 1024, as memory is counted: <c>512MiB</c>.</summary>
    public static string FormatBinary(long? bytes) => bytes is null ? "" : Scale(bytes.Value, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]);

    private static string Scale(long bytes, double step, string[] units)
    {
        double value = bytes;
        int unit = 0;
        while (Math.Abs(value) >= step && unit < units.Length - 1)
        {
            value /= step;
            unit++;
        }
        string format = unit == 0 || Math.Abs(value) >= 100 ? "0" : Math.Abs(value) >= 10 ? "0.#" : "0.##";
        return value.ToString(format, CultureInfo.InvariantCulture) + units[unit];
    }

    /// <summary>Reads <c>512m</c>, <c>1.5GB</c>, <c>64KiB</c> or a plain number; the letters k, m, g, t and p mean powers of 1024, as in docker's options.</summary>
    /// <exception cref="FormatException">It is none of these.</exception>
    public static long Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string trimmed = text.Trim();
        int digits = trimmed.Length;
        while (digits > 0 && !char.IsAsciiDigit(trimmed[digits - 1])) digits--;
        string unit = trimmed[digits..].Trim().ToLowerInvariant();
        if (!double.TryParse(trimmed.AsSpan(0, digits), NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out double value)) throw Invalid(text);
        int power = unit switch
        {
            "" or "b" => 0,
            "k" or "kb" or "kib" => 1,
            "m" or "mb" or "mib" => 2,
            "g" or "gb" or "gib" => 3,
            "t" or "tb" or "tib" => 4,
            "p" or "pb" or "pib" => 5,
            _ => throw Invalid(text),
        };
        double bytes = value * Math.Pow(1024, power);
        return bytes is >= long.MinValue and <= long.MaxValue ? (long)bytes : throw Invalid(text);
    }

    private static FormatException Invalid(string text) => new($"'{text}' is not a size in bytes: write a number, or one with k, m, g or t behind it.");
}
