using System.Text.Json;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Oci;

/// <summary>Turns what a runtime says of its failure into the engine's own kinds: the words decide, as they do in dockerd.</summary>
internal static class RuntimeFailure
{
    /// <param name="log">The runtime's log in its JSON format.</param>
    /// <param name="errors">What it wrote to standard error, for when the log is silent.</param>
    /// <param name="otherwise">What to say when both are.</param>
    /// <param name="began">How the sentence begins: <c>runc create failed</c>, <c>exec failed</c>.</param>
    /// <param name="command">The first word of the process that was to be started, if one was.</param>
    public static Failure Describe(string log, string errors, string otherwise, string began, string? command)
    {
        string message = LastError(log) ?? LastLine(errors) ?? otherwise;
        var kind = command is null ? FailureKind.Other : KindOf(message);
        return new Failure { Kind = kind, Message = kind == FailureKind.Other ? message : InKnownWords(message, kind, began, command!) };
    }

    /// <summary>Clients look for runc's words to tell a missing command from one that cannot be run (reference B12): others' are put into them.</summary>
    private static string InKnownWords(string message, FailureKind kind, string began, string command)
    {
        if (message.Contains("exec: \"", StringComparison.Ordinal)) return message;
        string reason = kind == FailureKind.CommandNotExecutable
            ? message.Contains("is a directory", StringComparison.OrdinalIgnoreCase) ? "is a directory" : "permission denied"
            : command.Contains('/', StringComparison.Ordinal) ? $"stat {command}: no such file or directory" : "executable file not found in $PATH";
        return $"{began}: unable to start container process: exec: \"{command}\": {reason}";
    }

    private static string? LastError(string log)
    {
        string? last = null;
        foreach (string line in log.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                if (JsonSerializer.Deserialize(line, OciJson.Default.RuntimeLogLine) is { Level: "error" or "fatal" or "panic", Message: { Length: > 0 } message }) last = message;
            }
            catch (JsonException)
            {
                // A line that was cut off, or a runtime that writes something else.
            }
        }
        return last;
    }

    private static string? LastLine(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault();

    private static FailureKind KindOf(string message)
    {
        bool Says(string words) => message.Contains(words, StringComparison.OrdinalIgnoreCase);
        if (!Says("exec") && !Says("executable")) return FailureKind.Other;   // a mount's missing source is no missing command
        if (Says("executable file not found") || Says("not found in $PATH") || Says("no such file or directory")) return FailureKind.CommandNotFound;
        if (Says("permission denied") || Says("not a directory") || Says("is a directory") || Says("exec format error")) return FailureKind.CommandNotExecutable;
        return FailureKind.Other;
    }
}
