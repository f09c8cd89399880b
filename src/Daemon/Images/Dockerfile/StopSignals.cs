using System.Globalization;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>Which texts name a signal: a number, or a name with or without <c>SIG</c> in any case (signal(7)).</summary>
internal static class StopSignals
{
    private const int Highest = 64;

    private static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV",
        "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
    };

    public static bool IsValid(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return number is > 0 and <= Highest;
        string name = text.ToUpperInvariant();
        if (name.StartsWith("SIG", StringComparison.Ordinal)) name = name[3..];
        return Names.Contains(name)
            || (name.StartsWith("RTMIN+", StringComparison.Ordinal) && InRange(name[6..], 15))
            || (name.StartsWith("RTMAX-", StringComparison.Ordinal) && InRange(name[6..], 14));
    }

    private static bool InRange(string text, int highest) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= 1 && value <= highest;
}
