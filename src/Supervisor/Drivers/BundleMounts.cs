using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;

namespace Gantry.Supervisor.Drivers;

/// <summary>The mount points of a bundle, and what a program finds attached to them. Disposing closes what was opened for it, not what came with the request.</summary>
internal sealed class BundleMounts : IDisposable
{
    private const UnixFileMode Searchable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private readonly List<Fd> opened = [];
    private readonly List<(Fd Source, string Target)> mounts = [];

    public IReadOnlyList<(Fd Source, string Target)> All => mounts;

    /// <summary>Makes the directories and files of the bundle.</summary>
    public static BundleMounts LayOut(StartRequest request, Fd root, BundlePaths paths)
    {
        if (Directory.Exists(paths.Bundle)) Directory.Delete(paths.Bundle, recursive: true);
        foreach (string directory in new[] { request.Run.StateDirectory, paths.Bundle, paths.Root, Path.Combine(paths.Bundle, "mounts"), Path.Combine(paths.Bundle, "namespaces") })
            Directory.CreateDirectory(directory, Searchable);
        var layout = new BundleMounts();
        try
        {
            layout.mounts.Add((root, paths.Root));
            foreach (var (index, source) in request.MountSources)
            {
                bool directory = request.Run.Spec.Mounts[index].Type != "file";
                if (directory) Directory.CreateDirectory(paths.Mount(index));
                else File.WriteAllBytes(paths.Mount(index), []);
                layout.mounts.Add((source, paths.Mount(index)));
            }
            foreach (var (type, fd) in request.Namespaces)
            {
                File.WriteAllBytes(paths.Namespace(type), []);
                var mount = DetachedMount.Clone(fd, recursive: false, $"bind the {type} namespace");
                layout.opened.Add(mount);
                layout.mounts.Add((mount, paths.Namespace(type)));
            }
            return layout;
        }
        catch
        {
            layout.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var fd in opened) fd.Dispose();
    }
}
