using Gantry.Daemon.Engine;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Builds.Copying;

/// <summary>One thing to copy: a file, or what a directory holds.</summary>
/// <param name="Root">The context, an image's files, or a folder with a download. It outlives the copy.</param>
/// <param name="Path">From that root, as it was asked for; its last name is the name that a file gets.</param>
/// <param name="Checksum"><c>file:…</c> or <c>dir:…</c>.</param>
internal sealed record CopySource(DirectoryFd Root, string Path, string Checksum)
{
    /// <summary>A download: never unpacked.</summary>
    public bool IsDownload { get; init; }

    /// <summary>The name that a file gets in a directory.</summary>
    public string Name => Path[(Path.TrimEnd('/').LastIndexOf('/') + 1)..].TrimEnd('/');
}

/// <summary>The directory that holds a path's last component, its links followed.</summary>
internal static class Place
{
    private const ResolveFlags Inside = ResolveFlags.Beneath | ResolveFlags.NoSymbolicLinks;

    /// <summary>Opens the directory above a path.</summary>
    /// <param name="path">Absolute from the root, without links: see <see cref="RootedPath.Follow"/>. Not the root itself.</param>
    /// <param name="name">The path's last component.</param>
    /// <returns>Null when there is none.</returns>
    public static DirectoryFd? Above(DirectoryFd root, string path, out string name)
    {
        int slash = path.LastIndexOf('/');
        name = path[(slash + 1)..];
        string above = path[..Math.Max(slash, 0)].TrimStart('/');
        if (above.Length == 0) return root.DuplicateDirectory();
        return root.TryResolveDirectory(above, Inside, out var directory).Succeeded ? directory : null;
    }

    /// <summary>Refuses a path that leads above its root by name. (Links that do are resolved with it as the root.)</summary>
    /// <exception cref="EngineException">400, in dockerd's words.</exception>
    public static void RefuseOutside(string path)
    {
        int depth = 0;
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == ".") continue;
            depth += part == ".." ? -1 : 1;
            if (depth < 0) throw EngineException.InvalidParameter($"forbidden path outside the build context: {path} ()");
        }
    }

    /// <summary>What stands at a path; null for nothing.</summary>
    public static FileStatus? Status(DirectoryFd root, string path)
    {
        if (path == "/") return root.Status();
        using var above = Above(root, path, out string name);
        return above is not null && above.TryStatus(name, out var status).Succeeded ? status : null;
    }

    /// <summary>Opens a directory; the root for <c>/</c>.</summary>
    public static DirectoryFd Open(DirectoryFd root, string path) => path == "/" ? root.DuplicateDirectory() : root.ResolveDirectory(path.TrimStart('/'), Inside);
}
