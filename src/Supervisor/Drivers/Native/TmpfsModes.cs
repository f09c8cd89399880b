using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

/// <summary>A tmpfs that nobody has given a mode takes that of the directory which it covers.</summary>
internal static class TmpfsModes
{
    public static void Fill(Fd root, RuntimeSpec spec)
    {
        foreach (var mount in spec.Mounts)
        {
            if (mount.Type != "tmpfs" || mount.Options?.Exists(o => o.StartsWith("mode=", StringComparison.Ordinal)) == true) continue;
            if (spec.Mounts.Exists(m => m != mount && mount.Destination.StartsWith(m.Destination + "/", StringComparison.Ordinal))) continue;   // what it covers is not there yet
            nint found = OpenFile.TryOpenInRoot(root, mount.Destination, OpenFlags.PathOnly);
            if (found < 0) continue;
            using var directory = new Fd((int)found);
            (mount.Options ??= []).Add("mode=" + Convert.ToString(PathStatus.Of(directory).Permissions, 8));
        }
    }
}
