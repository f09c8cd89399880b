using System.Globalization;

namespace Gantry.PowerShell.Objects;

/// <summary>Points in time as people say them.</summary>
public static class Age
{
    /// <summary>How long ago, in one unit: <c>3 minutes ago</c>.</summary>
    public static string Format(DateTimeOffset time)
    {
        var age = DateTimeOffset.Now - time;
        if (age < TimeSpan.Zero) age = TimeSpan.Zero;
        var (number, unit) = age switch
        {
            { TotalSeconds: < 60 } => ((int)age.TotalSeconds, "second"),
            { TotalMinutes: < 60 } => ((int)age.TotalMinutes, "minute"),
            { TotalHours: < 48 } => ((int)age.TotalHours, "hour"),
            { TotalDays: < 14 } => ((int)age.TotalDays, "day"),
            { TotalDays: < 60 } => ((int)(age.TotalDays / 7), "week"),
            { TotalDays: < 730 } => ((int)(age.TotalDays / 30), "month"),
            _ => ((int)(age.TotalDays / 365), "year"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{number} {unit}{(number == 1 ? "" : "s")} ago");
    }
}
