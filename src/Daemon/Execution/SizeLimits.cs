using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Execution;

/// <summary>Limits what containers write (<c>--storage-opt size=</c>), where the file system can do that.</summary>
/// <param name="containers">The directory of all containers' directories.</param>
internal sealed class SizeLimits(string containers)
{
    /// <summary>Where our numbers begin: administrators use small ones.</summary>
    private const uint First = 1 << 20;

    private readonly Lock gate = new();
    private HashSet<uint>? used;

    /// <summary>Puts a container's directories, which are empty, under one limit.</summary>
    /// <exception cref="KernelException">The file system has refused.</exception>
    public void Apply(long bytes, params IEnumerable<string> directories)
    {
        uint project = NewProject();
        foreach (string path in directories)
        {
            using var directory = DirectoryFd.Open(path);
            ProjectQuota.SetProject(directory, project);
            ProjectQuota.Limit(directory, project, bytes);
        }
    }

    private uint NewProject()
    {
        lock (gate)
        {
            used ??= [.. Directory.GetDirectories(containers).SelectMany(c => new[] { "upper", "root" }.Select(n => Path.Combine(c, n))).Where(Directory.Exists).Select(ProjectOf)];
            uint project = First;
            while (!used.Add(project)) project++;
            return project;
        }
    }

    private static uint ProjectOf(string path)
    {
        using var directory = DirectoryFd.Open(path);
        return ProjectQuota.ProjectOf(directory);
    }

    /// <summary>Whether the file system of a directory enforces such limits.</summary>
    public static bool ArePossible(string directory)
    {
        using var opened = DirectoryFd.Open(directory);
        return ProjectQuota.IsEnforced(opened);
    }
}
