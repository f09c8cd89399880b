using System.Globalization;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Events;

/// <summary>Reads the times of <c>since</c> and <c>until</c>: Unix seconds, with a fraction or without, or RFC 3339.</summary>
internal static class EventTime
{
    /// <summary>Unix nanoseconds; null for no text.</summary>
    /// <exception cref="EngineException">400: neither form.</exception>
    public static long? Parse(string name, string? text)
    {
        if (string.IsNullOrEmpty(text)) return null;
        int dot = text.IndexOf('.');
        string whole = dot < 0 ? text : text[..dot], fraction = dot < 0 ? "" : text[(dot + 1)..];
        if (long.TryParse(whole, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seconds)
            && Math.Abs(seconds) < long.MaxValue / 1_000_000_000
            && fraction.AsSpan().IndexOfAnyExceptInRange('0', '9') < 0)
            return seconds * 1_000_000_000 + (fraction.Length == 0 ? 0 : long.Parse(fraction.PadRight(9, '0').AsSpan(0, 9), CultureInfo.InvariantCulture));
        return text.Contains('T') && WireTime.Parse(text) is { } time
            ? WireTime.ToUnixNanoseconds(time)
            : throw EngineException.InvalidParameter($"invalid value for '{name}': \"{text}\" is neither Unix seconds nor an RFC 3339 time");
    }
}
