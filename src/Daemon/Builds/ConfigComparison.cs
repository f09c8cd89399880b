using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Builds;

/// <summary>Whether two configurations make the same step, whatever container or image it is about.</summary>
internal static class ConfigComparison
{
    public static bool AreEqual(ContainerConfig one, ContainerConfig other) =>
        (one.AttachStdin, one.AttachStdout, one.AttachStderr, one.NetworkDisabled, one.Tty, one.OpenStdin, one.StdinOnce, one.ArgsEscaped, one.StopTimeout)
            == (other.AttachStdin, other.AttachStdout, other.AttachStderr, other.NetworkDisabled, other.Tty, other.OpenStdin, other.StdinOnce, other.ArgsEscaped, other.StopTimeout)
        && (one.User, one.WorkingDir, one.StopSignal ?? "") == (other.User, other.WorkingDir, other.StopSignal ?? "")
        && Same(one.Env, other.Env) && Same(one.Cmd, other.Cmd) && Same(one.Entrypoint, other.Entrypoint) && Same(one.Shell, other.Shell) && Same(one.OnBuild, other.OnBuild)
        && Same(one.ExposedPorts?.Keys, other.ExposedPorts?.Keys) && Same(one.Volumes?.Keys, other.Volumes?.Keys)
        && Same(Pairs(one.Labels), Pairs(other.Labels))
        && AreEqual(one.Healthcheck, other.Healthcheck);

    private static bool AreEqual(HealthConfig? one, HealthConfig? other)
    {
        if (one is null || other is null) return one is null && other is null;
        return (one.Interval, one.Timeout, one.StartPeriod, one.StartInterval, one.Retries) == (other.Interval, other.Timeout, other.StartPeriod, other.StartInterval, other.Retries)
            && Same(one.Test, other.Test);
    }

    private static IEnumerable<string>? Pairs(SortedDictionary<string, string>? labels) => labels?.Select(l => $"{l.Key}={l.Value}");

    /// <summary>Nothing and an empty list are the same.</summary>
    private static bool Same(IEnumerable<string>? one, IEnumerable<string>? other) => (one ?? []).SequenceEqual(other ?? [], StringComparer.Ordinal);
}
