using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Supervisor.Drivers;

/// <summary>Makes what is missing below a root file system for something to be mounted on, or to be entered. Every step is resolved below the root.</summary>
internal static class MountPoints
{
    /// <param name="path">As the container sees it, its links replaced.</param>
    /// <exception cref="KernelException">Something else is in the way, or the file system is read-only.</exception>
    public static void Ensure(Fd root, string path, bool directory)
    {
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        string parent = "/";
        for (int i = 0; i < parts.Length; i++)
        {
            string here = parent.Length == 1 ? "/" + parts[i] : $"{parent}/{parts[i]}";
            if (!Exists(root, here))
            {
                using var opened = new Fd((int)Syscall.Check(OpenFile.TryOpenInRoot(root, parent, OpenFlags.PathOnly | OpenFlags.Directory), $"open {parent} in the container"));
                using var within = DirectoryFd.Open(opened);
                bool last = i == parts.Length - 1;
                var made = last && !directory ? within.TryMakeNode(parts[i], FileType.Regular, 0x1ED) : within.TryMakeDirectory(parts[i], 0x1ED);
                if (!made.Succeeded && made.Errno != Errno.EEXIST) throw new KernelException($"create {path} in the container", made.Errno);
            }
            parent = here;
        }
    }

    private static bool Exists(Fd root, string path)
    {
        nint result = OpenFile.TryOpenInRoot(root, path, OpenFlags.PathOnly);
        if (result < 0) return false;
        using var _ = new Fd((int)result);
        return true;
    }
}
