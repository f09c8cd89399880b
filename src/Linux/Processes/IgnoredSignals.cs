using System.Globalization;

namespace Gantry.Linux.Processes;

/// <summary>Signals that this process ignores. A child inherits that over exec, and no handler reset undoes it (signal(7)), so a child program must.</summary>
/// <remarks>The runtime ignores SIGPIPE; a program that a script starts in the background begins with SIGINT and SIGQUIT ignored.</remarks>
public static class IgnoredSignals
{
    private static readonly int[] Numbers = [.. Read(File.ReadLines("/proc/self/status"))];

    /// <summary>Their numbers, ascending; read once, when a first child is built.</summary>
    public static IReadOnlyList<int> All => Numbers;

    /// <summary>Reads the line <c>SigIgn</c> of proc_pid_status(5): a hexadecimal mask, bit 0 for signal 1.</summary>
    public static IEnumerable<int> Read(IEnumerable<string> status)
    {
        string line = status.First(l => l.StartsWith("SigIgn:", StringComparison.Ordinal));
        ulong mask = ulong.Parse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        for (int signal = 1; signal <= 64; signal++)
        {
            if ((mask >> (signal - 1) & 1) != 0) yield return signal;
        }
    }
}
