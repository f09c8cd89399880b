using System.Globalization;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Dockerfile;

namespace Gantry.Daemon.Images.Queries;

/// <summary>Moments as filters give them: how long ago (<c>10m</c>, <c>1h30m</c>), Unix seconds with a fraction or without, or a date of RFC 3339, whole or shortened.</summary>
internal static class Timestamps
{
    private static readonly string[] DateForms =
    [
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HHK", "yyyy-MM-ddK",
    ];

    /// <exception cref="EngineException">500, as dockerd answers.</exception>
    public static DateTimeOffset Parse(string text, DateTimeOffset now)
    {
        if (text != "0" && GoText.Duration(text) is { } ago) return now - TimeSpan.FromTicks(ago / 100);
        if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal seconds) && seconds < 1e11m)
            return DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond));
        if (DateTimeOffset.TryParseExact(text, DateForms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var time)) return time;
        throw EngineException.System($"failed to parse value as time or duration: {GoText.Quote(text)}");
    }
}
