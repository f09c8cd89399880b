using System.Security.Cryptography;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Builds;

/// <summary>The private folder of one build: its context, what it downloads, the layers that it writes. It goes with the build; after a crash, with the next start.</summary>
internal sealed class BuildFolder : IDisposable
{
    private int made;

    public BuildFolder(string builds)
    {
        Id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        Path = System.IO.Path.Combine(builds, Id);
        Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>16 hexadecimal digits.</summary>
    public string Id { get; }

    public string Path { get; }

    /// <summary>A name in it that is not taken.</summary>
    public string NewPath(string kind) => System.IO.Path.Combine(Path, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{kind}-{Interlocked.Increment(ref made)}"));

    public string NewFolder(string kind)
    {
        string path = NewPath(kind);
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    /// <summary>Removes the folder and everything in it, whatever names and links are there.</summary>
    public void Dispose()
    {
        using var builds = DirectoryFd.Open(System.IO.Path.GetDirectoryName(Path)!);
        TreeRemoval.Remove(builds, Id);
    }
}
