using System.Globalization;

namespace Gantry.Bench.Engines;

/// <summary>CPU time and memory of all processes of an engine: those whose command line names its run-time folder.</summary>
internal static class ProcessUsage
{
    /// <summary>Process ids with the tag somewhere in their command line.</summary>
    public static IReadOnlyList<int> Find(string tag)
    {
        var found = new List<int>();
        foreach (string directory in Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) || pid == Environment.ProcessId) continue;
            if (TryRead($"{directory}/cmdline") is { } line && line.Contains(tag, StringComparison.Ordinal)) found.Add(pid);
        }
        return found;
    }

    /// <summary>False once the process has ended, even if nobody has waited for it yet.</summary>
    public static bool IsRunning(int pid) => TryRead($"/proc/{pid}/stat") is { } stat && stat[stat.LastIndexOf(')') + 2] is not ('Z' or 'X');

    public static string? CommandLine(int pid) => TryRead($"/proc/{pid}/cmdline");

    /// <summary>Seconds of CPU that the processes have used so far, with what their ended children used.</summary>
    public static double CpuSeconds(string tag)
    {
        double ticks = 0;
        foreach (int pid in Find(tag))
        {
            if (TryRead($"/proc/{pid}/stat") is not { } stat) continue;
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            for (int i = 11; i <= 14; i++) ticks += double.Parse(fields[i], CultureInfo.InvariantCulture);   // utime, stime, cutime, cstime: proc_pid_stat(5)
        }
        return ticks / 100;
    }

    /// <summary>Proportional set size of all processes, in MB.</summary>
    public static double Megabytes(string tag)
    {
        double kilobytes = 0;
        foreach (int pid in Find(tag))
        {
            if (TryRead($"/proc/{pid}/smaps_rollup") is not { } map) continue;
            string line = map.Split('\n').First(l => l.StartsWith("Pss:", StringComparison.Ordinal));
            kilobytes += double.Parse(line[4..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        }
        return kilobytes / 1024;
    }

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path).Replace('\0', ' ');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
