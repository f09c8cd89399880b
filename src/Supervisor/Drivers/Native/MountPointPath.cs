using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>Follows the links of an image on the way to a mount point that does not exist yet: they tell where it is to be made.</summary>
internal static class MountPointPath
{
    /// <summary>The path with its links replaced, as far as it exists; unchanged when all of it does.</summary>
    /// <exception cref="KernelException"><see cref="Errno.ELOOP"/>: more links than the kernel would follow.</exception>
    public static string Resolve(Fd root, string path) => Exists(root, path) ? path : RootedPath.Follow(root, path);

    private static bool Exists(Fd root, string path)
    {
        nint result = OpenFile.TryOpenInRoot(root, path, OpenFlags.PathOnly);
        if (result < 0) return false;
        using var _ = new Fd((int)result);
        return true;
    }
}
