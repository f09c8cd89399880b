using System.Globalization;

namespace Gantry.Protocol.Json;

/// <summary>Times as the API writes them: RFC 3339 in UTC, the fraction without trailing zeros; a time that never was is year 1.</summary>
public static class WireTime
{
    public const string Never = "0001-01-01T00:00:00Z";

    /// <summary><c>2026-11-21T22:19:08.74304503Z</c>; <c>null</c> gives <see cref="Never"/>.</summary>
    public static string Format(DateTimeOffset? time) =>
        time is { } t ? t.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture) : Never;

    /// <summary>Nine digits of fraction, always: the form of log timestamps (<c>2026-11-21T22:19:08.603273216Z</c>).</summary>
    public static string FormatFixed(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z'", CultureInfo.InvariantCulture);

    /// <summary>Nanoseconds since 1970.</summary>
    public static long ToUnixNanoseconds(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) * 100;

    public static DateTimeOffset FromUnixNanoseconds(long nanoseconds) => DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / 100);

    /// <summary>Reads an RFC 3339 time of any fraction length; <see cref="Never"/> and empty text give <c>null</c>.</summary>
    public static DateTimeOffset? Parse(string? text)
    {
        if (string.IsNullOrEmpty(text) || text == Never) return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : null;
    }
}
