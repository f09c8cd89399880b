using System.Globalization;
using System.Text.RegularExpressions;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Lxc;

/// <summary>What LXC's log says of a container at level INFO: that its first process runs, why it does not, how it ended.</summary>
internal static partial class LxcLog
{
    /// <summary>The first process's id, once it has exec'ed.</summary>
    public static int? StartedPid(string log) => Started().Match(log) is { Success: true } match ? Number(match.Groups[1].Value) : null;

    /// <summary>How the first process ended, as its monitor saw it.</summary>
    public static ExitStatus? Exit(string log)
    {
        var match = Ended().Matches(log).LastOrDefault();
        if (match is null) return null;
        int number = Number(match.Groups[2].Value);
        return match.Groups[1].Value == "error" ? new ExitStatus(number, 0) : new ExitStatus(128 + number, number);
    }

    /// <summary>Why it did not start: the first error is the cause, later ones its consequences.</summary>
    public static Failure Failure(string log, string command)
    {
        foreach (Match match in Errors().Matches(log))
        {
            string reason = match.Groups[1].Value;
            if (reason.Contains("optional", StringComparison.Ordinal)) continue;
            var exec = ExecFailed().Match(reason);
            if (!exec.Success) return new Failure { Message = "lxc-start: " + reason };
            string quoted = $"exec: \"{command}\": ";
            return exec.Groups[1].Value switch
            {
                "No such file or directory" when !command.Contains('/', StringComparison.Ordinal) => new Failure { Kind = FailureKind.CommandNotFound, Message = quoted + "executable file not found in $PATH" },
                "No such file or directory" => new Failure { Kind = FailureKind.CommandNotFound, Message = $"{quoted}stat {command}: no such file or directory" },
                var other => new Failure { Kind = FailureKind.CommandNotExecutable, Message = quoted + other.ToLowerInvariant() },
            };
        }
        string? last = log.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault();
        return new Failure { Message = last is null ? "lxc-start ended at once and gave no reason" : $"lxc-start ended and gave no reason; its last words were: {last}" };
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    [GeneratedRegex("""post_start:\d+ - Started ".*" with pid "(\d+)"$""", RegexOptions.Multiline)]
    private static partial Regex Started();

    [GeneratedRegex("""Child <\d+> ended on (error|signal) [^(]*\((\d+)\)$""", RegexOptions.Multiline)]
    private static partial Regex Ended();

    [GeneratedRegex("""^lxc-start \S+ \S+ ERROR +\S+ - \S+:\S+:\d+ - (.*)$""", RegexOptions.Multiline)]
    private static partial Regex Errors();

    [GeneratedRegex("""^(.*) - Failed to exec ".*"$""")]
    private static partial Regex ExecFailed();
}
