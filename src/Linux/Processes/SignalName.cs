using System.Globalization;

namespace Gantry.Linux.Processes;

/// <summary>Signals by name or number (signal(7), x86 and arm numbering).</summary>
public static class SignalName
{
    private static readonly Dictionary<string, int> Numbers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["HUP"] = 1, ["INT"] = 2, ["QUIT"] = 3, ["ILL"] = 4, ["TRAP"] = 5, ["ABRT"] = 6, ["IOT"] = 6, ["BUS"] = 7, ["FPE"] = 8, ["KILL"] = 9, ["USR1"] = 10,
        ["SEGV"] = 11, ["USR2"] = 12, ["PIPE"] = 13, ["ALRM"] = 14, ["TERM"] = 15, ["STKFLT"] = 16, ["CHLD"] = 17, ["CLD"] = 17, ["CONT"] = 18, ["STOP"] = 19,
        ["TSTP"] = 20, ["TTIN"] = 21, ["TTOU"] = 22, ["URG"] = 23, ["XCPU"] = 24, ["XFSZ"] = 25, ["VTALRM"] = 26, ["PROF"] = 27, ["WINCH"] = 28, ["IO"] = 29,
        ["POLL"] = 29, ["PWR"] = 30, ["SYS"] = 31, ["RTMIN"] = 34, ["RTMAX"] = 64,
    };

    /// <summary>Reads <c>15</c>, <c>TERM</c>, <c>SIGTERM</c> or <c>RTMIN+3</c>.</summary>
    public static bool TryParse(string signal, out int number)
    {
        if (int.TryParse(signal, NumberStyles.None, CultureInfo.InvariantCulture, out number)) return number is > 0 and <= 64;
        string name = signal.StartsWith("SIG", StringComparison.OrdinalIgnoreCase) ? signal[3..] : signal;
        if (Numbers.TryGetValue(name, out number)) return true;
        // RTMIN+3, RTMAX-2
        int sign = name.IndexOfAny(['+', '-']);
        if (sign != 5 || !Numbers.TryGetValue(name[..5], out int from) || !int.TryParse(name[(sign + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int offset)) return false;
        number = name[sign] == '+' ? from + offset : from - offset;
        return number is >= 34 and <= 64;
    }
}
