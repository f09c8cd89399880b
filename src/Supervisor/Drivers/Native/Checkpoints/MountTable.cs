using System.Text.RegularExpressions;

namespace Gantry.Supervisor.Drivers.Native.Checkpoints;

/// <summary>A line of <c>/proc/PID/mountinfo</c> (proc(5)).</summary>
/// <param name="Root">What of the file system is mounted.</param>
internal sealed record MountLine(string Root, string Path, string Type);

/// <summary>Finds in a container's mounts those that come from outside.</summary>
internal static partial class MountTable
{
    public static List<MountLine> Read(int pid) => [.. File.ReadLines($"/proc/{pid}/mountinfo").Select(Parse)];

    internal static MountLine Parse(string line)
    {
        string[] fields = line.Split(' ');
        int dash = Array.IndexOf(fields, "-");
        return new MountLine(Unescape(fields[3]), Unescape(fields[4]), fields[dash + 1]);
    }

    private static string Unescape(string text) => Octal().Replace(text, m => ((char)Convert.ToInt32(m.Groups[1].Value, 8)).ToString());

    [GeneratedRegex(@"\\([0-7]{3})")]
    private static partial Regex Octal();

    /// <param name="mounts">The container's, as the kernel lists them.</param>
    /// <param name="binds">Destinations of the spec's bind mounts.</param>
    public static List<ExternalMount> External(IReadOnlyList<MountLine> mounts, IReadOnlyList<string> binds)
    {
        var found = new List<ExternalMount>();
        foreach (var mount in mounts)
        {
            if (mount.Path == "/") continue;
            string cookie = $"m{found.Count}";
            if (binds.Where(b => mount.Path == b || mount.Path.StartsWith(b + "/", StringComparison.Ordinal)).MaxBy(b => b.Length) is { } bind)
                found.Add(new ExternalMount(cookie, ExternalKind.Bind, mount.Path, mount.Path[bind.Length..]));
            else if (mount.Type is "cgroup" or "cgroup2")
                found.Add(new ExternalMount(cookie, ExternalKind.Cgroup, mount.Path, mount.Path == "/sys/fs/cgroup" ? "" : System.IO.Path.GetFileName(mount.Path)));
            else if (mount is { Type: "devtmpfs", Root: "/null" })
                found.Add(new ExternalMount(cookie, ExternalKind.Null, mount.Path, ""));
        }
        return found;
    }
}
