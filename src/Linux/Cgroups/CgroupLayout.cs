using Gantry.Linux.Kernel;

namespace Gantry.Linux.Cgroups;

/// <summary>Which hierarchies this machine has, and where (cgroups(7), "CGROUPS VERSION 1", "CGROUPS VERSION 2").</summary>
public sealed record CgroupLayout
{
    public required CgroupKind Kind { get; init; }

    /// <summary>In the order in which they were mounted.</summary>
    public required IReadOnlyList<CgroupHierarchy> Hierarchies { get; init; }

    /// <summary>1 or 2, as the API's <c>CgroupVersion</c> says it: a hybrid set-up counts as 1.</summary>
    public int Version => Kind == CgroupKind.Unified ? 2 : 1;

    /// <summary>The hierarchy that holds a controller, or null.</summary>
    public CgroupHierarchy? Find(string controller) => Hierarchies.FirstOrDefault(h => h.Has(controller));

    /// <summary>Looks at the mounts of this process.</summary>
    /// <exception cref="KernelException">No cgroup file system is mounted (<c>ENOENT</c>).</exception>
    public static CgroupLayout Detect() => Parse(
        File.ReadAllText("/proc/self/mountinfo"),
        File.Exists("/proc/cgroups") ? File.ReadAllText("/proc/cgroups") : "",
        mountPoint => File.ReadAllText(Path.Combine(mountPoint, "cgroup.controllers")));

    /// <summary>The same from texts.</summary>
    /// <param name="mountInfo">As <c>/proc/self/mountinfo</c>.</param>
    /// <param name="controllers">As <c>/proc/cgroups</c>: tells a controller's name from a mount option.</param>
    /// <param name="unifiedControllers">Gives the text of <c>cgroup.controllers</c> below a v2 mount point.</param>
    public static CgroupLayout Parse(string mountInfo, string controllers, Func<string, string> unifiedControllers)
    {
        var known = controllers.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line[0] != '#').Select(line => line.Split('\t')[0]).ToHashSet(StringComparer.Ordinal);
        var found = new List<CgroupHierarchy>();
        var partial = new HashSet<string>(StringComparer.Ordinal);
        foreach (string line in mountInfo.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Read(line, known, unifiedControllers) is not { } mount) continue;
            // A hierarchy can be mounted in many places (bind mounts of containers): its whole tree is preferred to a part of it, the first place to later ones.
            int earlier = found.FindIndex(h => h.Key == mount.Hierarchy.Key);
            bool whole = mount.Root == "/";
            if (earlier < 0) found.Add(mount.Hierarchy);
            else if (whole && partial.Remove(mount.Hierarchy.Key)) found[earlier] = mount.Hierarchy;
            else continue;
            if (!whole) partial.Add(mount.Hierarchy.Key);
        }
        if (found.Count == 0) throw new KernelException("find a cgroup mount in /proc/self/mountinfo", Errno.ENOENT);
        bool legacy = found.Exists(h => !h.Unified), unified = found.Exists(h => h.Unified);
        return new CgroupLayout { Kind = !legacy ? CgroupKind.Unified : unified ? CgroupKind.Hybrid : CgroupKind.Legacy, Hierarchies = found };
    }

    private static (CgroupHierarchy Hierarchy, string Root)? Read(string line, HashSet<string> known, Func<string, string> unifiedControllers)
    {
        // 36 35 98:0 /root /mount/point options [tags…] - type source super,options
        int separator = line.IndexOf(" - ", StringComparison.Ordinal);
        if (separator < 0) return null;
        string[] mount = line[..separator].Split(' '), fileSystem = line[(separator + 3)..].Split(' ');
        if (mount.Length < 5 || fileSystem.Length < 3) return null;
        string point = Unescape(mount[4]);
        switch (fileSystem[0])
        {
            case "cgroup2":
                string[] usable = unifiedControllers(point).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
                return (new CgroupHierarchy { MountPoint = point, Unified = true, Controllers = usable }, mount[3]);
            case "cgroup":
                string[] options = fileSystem[2].Split(',');
                string? name = options.FirstOrDefault(o => o.StartsWith("name=", StringComparison.Ordinal))?[5..];
                string[] own = [.. options.Where(known.Contains)];
                return name is null && own.Length == 0 ? null : (new CgroupHierarchy { MountPoint = point, Controllers = own, Name = own.Length == 0 ? name : null }, mount[3]);
            default:
                return null;
        }
    }

    /// <summary>mountinfo writes blanks and backslashes of a path as octal numbers (proc_pid_mountinfo(5)).</summary>
    private static string Unescape(string path) =>
        path.Contains('\\') ? path.Replace("\\040", " ").Replace("\\011", "\t").Replace("\\012", "\n").Replace("\\134", "\\") : path;
}
