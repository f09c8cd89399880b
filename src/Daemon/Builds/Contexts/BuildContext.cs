using System.Text;
using Gantry.Daemon.Builds.Copying;
using Gantry.Daemon.Engine;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Builds.Contexts;

/// <summary>The files of a build, unpacked in a folder of the build's own.</summary>
internal sealed class BuildContext(DirectoryFd root) : IDisposable
{
    /// <summary>What is parsed in memory.</summary>
    public const int LongestDockerfile = 4 << 20;

    public DirectoryFd Root { get; } = root;

    /// <summary>Reads the Dockerfile, and takes it out of the context together with <c>.dockerignore</c> when that leaves them out.</summary>
    /// <param name="name">Its path as the request gives it.</param>
    /// <exception cref="EngineException">It is missing, empty or too long.</exception>
    public string TakeDockerfile(string name)
    {
        Place.RefuseOutside(name);
        string path = RootedPath.Follow(Root, name);
        if (TryRead(path) is not { } text)
        {
            if (name == "Dockerfile" && TryRead("/dockerfile") is not null) return TakeDockerfile("dockerfile");
            throw EngineException.System($"Cannot locate specified Dockerfile: {name}");
        }
        if (text.Length == 0) throw EngineException.InvalidParameter($"the Dockerfile ({name}) cannot be empty");
        if (TryRead(RootedPath.Follow(Root, ".dockerignore")) is { } ignore) RemoveIgnored(IgnorePatternsOf(ignore), [".dockerignore", name]);
        return text;
    }

    private static IgnorePatterns IgnorePatternsOf(string text)
    {
        try
        {
            return IgnorePatterns.Parse(text);
        }
        catch (FormatException e)
        {
            throw EngineException.InvalidParameter($"error reading .dockerignore: {e.Message}", e);
        }
    }

    private void RemoveIgnored(IgnorePatterns patterns, IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            string path = RootedPath.Follow(Root, name).TrimStart('/');
            if (path.Length == 0 || !patterns.Excludes(name.TrimStart('/'))) continue;
            int slash = path.LastIndexOf('/');
            if (!Root.TryResolveDirectory(slash < 0 ? "." : path[..slash], ResolveFlags.Beneath | ResolveFlags.NoSymbolicLinks, out var directory).Succeeded) continue;
            using (directory) TreeRemoval.Remove(directory!, path[(slash + 1)..]);
        }
    }

    /// <summary>Null when there is no such file.</summary>
    private string? TryRead(string path)
    {
        int slash = path.LastIndexOf('/');
        string folder = path[..slash].TrimStart('/');
        var found = Root.TryResolveDirectory(folder.Length == 0 ? "." : folder, ResolveFlags.Beneath | ResolveFlags.NoSymbolicLinks, out var directory);
        if (!found.Succeeded) return null;
        using (directory)
        {
            if (!directory!.TryOpenRegular(path[(slash + 1)..], out var file, out var status).Succeeded) return null;
            using (file)
            {
                if (status.Size > LongestDockerfile)
                    throw EngineException.InvalidParameter(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{path.TrimStart('/')} is larger than {LongestDockerfile} bytes, the limit"));
                return Read(file!, (int)status.Size);
            }
        }
    }

    private static string Read(Fd file, int size)
    {
        byte[] bytes = new byte[size];
        int done = 0;
        for (int read; done < size && (read = FileData.Read(file, bytes.AsSpan(done), done)) > 0;) done += read;
        return Encoding.UTF8.GetString(bytes, 0, done);
    }

    public void Dispose() => Root.Dispose();
}
