using System.Globalization;

namespace Gantry.Linux.Cgroups;

/// <summary>The groups that a process is in, as its <c>/proc/PID/cgroup</c> tells them, seen from the reader's cgroup namespace.</summary>
/// <param name="Paths">Key of the hierarchy (see <see cref="CgroupHierarchy.Key"/>) → path.</param>
public sealed record ProcessCgroups(IReadOnlyDictionary<string, string> Paths)
{
    /// <summary>The path in a hierarchy; null when the process's list lacks it.</summary>
    public string? PathIn(CgroupHierarchy hierarchy) => Paths.GetValueOrDefault(hierarchy.Key);

    /// <param name="processId">0 is this process.</param>
    /// <exception cref="IOException">There is no such process.</exception>
    public static ProcessCgroups Read(int processId = 0) =>
        Parse(File.ReadAllText($"/proc/{(processId == 0 ? "self" : processId.ToString(CultureInfo.InvariantCulture))}/cgroup"));

    public static ProcessCgroups Parse(string text)
    {
        var paths = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // 4:memory:/gantry/4f2a…   9:name=systemd:/   0::/
            string[] parts = line.Split(':', 3);
            if (parts.Length == 3) paths[parts[1]] = parts[2];
        }
        return new ProcessCgroups(paths);
    }
}
