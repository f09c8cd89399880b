using System.Text.Json;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Supervision;

/// <summary>What an engine without containers must not have on the machine.</summary>
internal static class Leftovers
{
    /// <summary>Descriptions of everything that containers have left: mounts, cgroups, processes, wires, addresses, ports, files.</summary>
    public static async Task<List<string>> FindAsync(TestEngine engine)
    {
        var found = new List<string>();
        found.AddRange(Directory.GetFileSystemEntries($"{engine.DataRoot}/containers").Select(f => $"file {f}"));
        if (Directory.Exists($"{engine.ExecRoot}/containers")) found.AddRange(Directory.GetFileSystemEntries($"{engine.ExecRoot}/containers").Select(f => $"file {f}"));
        found.AddRange(Mounts(engine).Select(m => $"mount {m}"));
        found.AddRange(Cgroups(engine).Select(c => $"cgroup {c}"));
        found.AddRange(Zombies(engine.ProcessId).Select(p => $"zombie {p} of the daemon"));
        foreach (int supervisor in engine.Supervisors()) found.AddRange(Zombies(supervisor).Select(p => $"zombie {p} of supervisor {supervisor}"));
        int supervisors = engine.Supervisors().Count();
        if (supervisors > 1) found.Add($"{supervisors} supervisors");
        foreach (var network in (await engine.GetAsync("/networks")).Result.EnumerateArray())
        {
            if ((await engine.GetAsync("/networks/" + network.GetProperty("Id").GetString())).Result.GetProperty("Containers") is { ValueKind: JsonValueKind.Object } containers)
                found.AddRange(containers.EnumerateObject().Select(c => $"endpoint {c.Value.GetRawText()}"));
        }
        return found;
    }

    private static IEnumerable<string> Mounts(TestEngine engine)
    {
        string[] places = [engine.DataRoot + "/containers", engine.ExecRoot + "/containers", engine.ExecRoot + "/rootfs"];
        IEnumerable<string> lines = [.. File.ReadLines("/proc/self/mountinfo"), .. engine.Supervisors().SelectMany(MountsOf), .. File.ReadLines($"/proc/{engine.ProcessId}/mountinfo")];
        return lines.Where(line => places.Any(p => line.Contains(p, StringComparison.Ordinal)));
    }

    /// <summary>None when the supervisor ends meanwhile.</summary>
    private static string[] MountsOf(int supervisor)
    {
        try
        {
            return File.ReadAllLines($"/proc/{supervisor}/mountinfo");
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static IEnumerable<string> Cgroups(TestEngine engine) =>
        Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup").Select(h => Path.Combine(h, engine.Name)).Where(Directory.Exists).SelectMany(Directory.EnumerateDirectories);

    private static IEnumerable<int> Zombies(int parent)
    {
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), out int pid)) continue;
            string stat;
            try
            {
                stat = File.ReadAllText($"/proc/{pid}/stat");
            }
            catch (IOException)
            {
                continue;
            }
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            if (fields[0] == "Z" && fields[1] == parent.ToString(System.Globalization.CultureInfo.InvariantCulture)) yield return pid;
        }
    }

    /// <summary>Descriptors that a process has open.</summary>
    public static int Descriptors(int process) => Directory.GetFileSystemEntries($"/proc/{process}/fd").Length;
}
