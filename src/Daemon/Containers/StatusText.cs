using System.Globalization;

namespace Gantry.Daemon.Containers;

/// <summary>The words of <c>docker ps</c>: <c>Up 5 minutes (healthy)</c>, <c>Exited (0) 3 weeks ago</c> (reference 5.0).</summary>
internal static class StatusText
{
    public static string Of(ContainerStatus status, DateTimeOffset now)
    {
        if (status.Running)
        {
            if (status.Restarting) return string.Create(CultureInfo.InvariantCulture, $"Restarting ({status.ExitCode}) {Since(status.FinishedAt, now)} ago");
            string up = "Up " + Since(status.StartedAt, now);
            if (status.Paused) return up + " (Paused)";
            return status.Health?.Status switch
            {
                null or "" or "none" => up,
                "starting" => up + " (health: starting)",
                var health => $"{up} ({health})",
            };
        }
        if (status.Removing) return "Removal In Progress";
        if (status.Dead) return "Dead";
        if (status.StartedAt is null) return "Created";
        return string.Create(CultureInfo.InvariantCulture, $"Exited ({status.ExitCode}) {Since(status.FinishedAt, now)} ago");
    }

    private static string Since(DateTimeOffset? time, DateTimeOffset now) => Duration(time is { } t ? now - t : TimeSpan.Zero);

    /// <summary>A duration in one unit, cut and not rounded.</summary>
    public static string Duration(TimeSpan duration)
    {
        long seconds = (long)duration.TotalSeconds, minutes = (long)duration.TotalMinutes;
        // Hours are rounded to the nearest, as in the original.
        long hours = (long)Math.Round(duration.TotalHours, MidpointRounding.AwayFromZero);
        return (seconds, minutes, hours) switch
        {
            ( < 1, _, _) => "Less than a second",
            (1, _, _) => "1 second",
            ( < 60, _, _) => Text(seconds, "seconds"),
            (_, 1, _) => "About a minute",
            (_, < 60, _) => Text(minutes, "minutes"),
            (_, _, 1) => "About an hour",
            (_, _, < 48) => Text(hours, "hours"),
            (_, _, < 24 * 14) => Text(hours / 24, "days"),
            (_, _, < 24 * 30 * 2) => Text(hours / 24 / 7, "weeks"),
            (_, _, < 24 * 365 * 2) => Text(hours / 24 / 30, "months"),
            _ => Text(hours / 24 / 365, "years"),
        };
    }

    private static string Text(long count, string unit) => string.Create(CultureInfo.InvariantCulture, $"{count} {unit}");
}
