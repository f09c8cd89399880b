using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Containers;

/// <summary>The rules of health checks: when to probe next, and what a result makes of the container's health (reference 5.4).</summary>
internal static class HealthRules
{
    public const string Starting = "starting", Healthy = "healthy", Unhealthy = "unhealthy";
    public const int TimedOut = -1;
    private const int LogEntries = 5, DefaultRetries = 3;

    public static bool IsChecked(HealthConfig? config) => config?.Test is { Count: > 0 } test && test[0] != "NONE";

    public static TimeSpan Timeout(HealthConfig config) => Duration(config.Timeout, TimeSpan.FromSeconds(30));

    public static TimeSpan StartPeriod(HealthConfig config) => Duration(config.StartPeriod, TimeSpan.Zero);

    /// <summary>From the end of one probe to the start of the next; shorter while the container is still starting.</summary>
    public static TimeSpan Interval(HealthConfig config, Health health, DateTimeOffset started, DateTimeOffset now)
    {
        bool starting = health.Status == Starting && now - started < StartPeriod(config);
        return starting ? Duration(config.StartInterval, TimeSpan.FromSeconds(5)) : Duration(config.Interval, TimeSpan.FromSeconds(30));
    }

    private static TimeSpan Duration(long nanoseconds, TimeSpan @default) => nanoseconds == 0 ? @default : TimeSpan.FromTicks(nanoseconds / 100);

    /// <summary>The command of a probe: as given, or as a line for the container's shell.</summary>
    public static List<string> Command(ContainerConfig config)
    {
        var test = config.Healthcheck!.Test!;
        if (test[0] == "CMD") return test[1..];
        return [.. config.Shell is { Count: > 0 } shell ? shell : ["/bin/sh", "-c"], string.Join(' ', test.Skip(1))];
    }

    /// <summary>Adds a result. A failure within the start period does not count while the container is still starting.</summary>
    public static Health Apply(HealthConfig config, Health before, HealthResult result, bool inStartPeriod)
    {
        var log = before.Log.Append(result).TakeLast(LogEntries).ToList();
        if (result.ExitCode == 0) return new Health { Status = Healthy, FailingStreak = 0, Log = log };
        if (inStartPeriod && before.Status == Starting) return before with { Log = log };
        int streak = before.FailingStreak + 1, retries = config.Retries == 0 ? DefaultRetries : config.Retries;
        return new Health { Status = streak >= retries ? Unhealthy : before.Status, FailingStreak = streak, Log = log };
    }
}
