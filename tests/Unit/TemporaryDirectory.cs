using Gantry.Linux.Files;

namespace Gantry.Unit;

/// <summary>A private directory of one test, deleted with everything in it.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public TemporaryDirectory() => Path = Directory.CreateTempSubdirectory("gantry-unit-").FullName;

    public string Path { get; }

    public DirectoryFd Open() => DirectoryFd.Open(Path);

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        using var parent = DirectoryFd.Open(System.IO.Path.GetDirectoryName(Path)!);
        TreeRemoval.Remove(parent, System.IO.Path.GetFileName(Path));
    }
}
