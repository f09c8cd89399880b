using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Queries;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Builds.Copying;

/// <summary>Finds what the paths and patterns of a <c>COPY</c> mean in one root.</summary>
internal sealed class CopySources(DirectoryFd root, bool isContext)
{
    /// <exception cref="EngineException">There is no such file, in dockerd's words.</exception>
    public IEnumerable<CopySource> Find(string path, CancellationToken cancellation)
    {
        string relative = Trim(path);
        return HasWildcards(relative) ? Matching(relative, cancellation) : [Single(relative, cancellation)];
    }

    private static string Trim(string path)
    {
        if (path.StartsWith('/')) path = path[1..];
        if (path.StartsWith("./", StringComparison.Ordinal)) path = path[2..];
        return path;
    }

    private static bool HasWildcards(string path)
    {
        for (int i = 0; i < path.Length; i++)
        {
            if (path[i] == '\\') i++;
            else if (path[i] is '*' or '?' or '[') return true;
        }
        return false;
    }

    private IEnumerable<CopySource> Matching(string pattern, CancellationToken cancellation)
    {
        var found = new List<CopySource>();
        string clean = string.Join('/', pattern.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != "."));
        using var walk = new TreeWalk(root, sorted: true);
        while (walk.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            string path = Encoding.UTF8.GetString(walk.Path);
            if (Fits(clean, path)) found.Add(Single(path, cancellation));
        }
        return found;
    }

    private static bool Fits(string pattern, string path)
    {
        try
        {
            return Glob.IsMatch(pattern, path);
        }
        catch (EngineException)
        {
            return false;   // a malformed pattern fits nothing, as in dockerd
        }
    }

    private CopySource Single(string path, CancellationToken cancellation)
    {
        Place.RefuseOutside(path);
        string real = RootedPath.Follow(root, path);
        if (Place.Status(root, real) is not { } status)
            throw EngineException.System((isContext ? "file not found in build context or excluded by .dockerignore: " : "") + $"stat {path}: file does not exist");
        if (status.Type != FileType.Directory)
        {
            using var above = Place.Above(root, real, out string name)!;
            return new CopySource(root, path, "file:" + FileChecksum.Of(above, name, real.TrimStart('/'), status));
        }
        return new CopySource(root, path, FileChecksum.OfList("dir", TreeChecksums(real, cancellation)));
    }

    /// <summary>Of the directory and everything below it, sorted. A link counts by itself, and by the file that it leads to.</summary>
    private List<string> TreeChecksums(string real, CancellationToken cancellation)
    {
        var checksums = new List<string>();
        using var top = Place.Open(root, real);
        string prefix = real.TrimStart('/');
        if (prefix.Length > 0)
        {
            using var above = Place.Above(root, real, out string name)!;
            checksums.Add(FileChecksum.Of(above, name, prefix, top.Status()));
            prefix += "/";
        }
        using var walk = new TreeWalk(top);
        while (walk.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            checksums.Add(FileChecksum.Of(walk.Directory, walk.Name, prefix + Encoding.UTF8.GetString(walk.Path), walk.Status));
        }
        checksums.Sort(StringComparer.Ordinal);
        return checksums;
    }
}
