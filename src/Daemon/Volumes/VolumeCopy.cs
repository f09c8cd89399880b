using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Volumes;

/// <summary>Copies a directory of an image into an empty volume.</summary>
internal static class VolumeCopy
{
    /// <param name="root">A root file system, attached or not; links in it cannot lead out of it. What is no directory there leaves the volume empty.</param>
    /// <exception cref="Engine.EngineException">The path is a file.</exception>
    public static void CopyUp(Fd root, string path, string into, CancellationToken cancellation)
    {
        nint result = OpenFile.TryOpenInRoot(root, path, OpenFlags.ReadOnly | OpenFlags.Directory);
        if (result == -(int)Errno.ENOENT) return;
        if (result == -(int)Errno.ENOTDIR) throw Engine.EngineException.InvalidParameter($"cannot mount volume over existing file, file exists {path}");
        using var source = new DirectoryFd((int)Syscall.Check(result, $"open {path} in the container"));
        using var target = DirectoryFd.Open(into);
        TreeCopy.Copy(source, target, cancellation);
    }
}
