using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;

namespace Gantry.Daemon.Storage;

/// <summary>How containers get their root of the layers of an image.</summary>
public enum StorageDriver
{
    /// <summary>Layers are stacked by overlay; a container has a directory for what it writes.</summary>
    Overlay2,

    /// <summary>Every container has a copy of everything: for file systems that overlay cannot use. Slow, and large.</summary>
    Vfs,
}

/// <summary>Chooses the storage driver of a data root, once: what is in it was written for that driver.</summary>
public static class StorageDrivers
{
    public static string NameOf(StorageDriver driver) => driver == StorageDriver.Vfs ? "vfs" : "overlay2";

    /// <param name="wanted">A name, or empty for the best that the file system allows.</param>
    /// <exception cref="InvalidOperationException">The name is unknown, the file system does not allow it, or the data root was made for another driver.</exception>
    public static async Task<StorageDriver> ChooseAsync(Database database, string dataRoot, string wanted)
    {
        string known = "";
        await database.WriteAsync(w => known = w.Scalar("SELECT value FROM engine WHERE key = 'storage-driver'") as string ?? "").ConfigureAwait(false);
        StorageDriver? asked = wanted switch
        {
            "" => null,
            "overlay2" or "overlay" => StorageDriver.Overlay2,
            "vfs" => StorageDriver.Vfs,
            _ => throw new InvalidOperationException($"unknown storage driver {wanted}: overlay2 and vfs are there"),
        };
        if (known.Length > 0)
        {
            var kept = known == "vfs" ? StorageDriver.Vfs : StorageDriver.Overlay2;
            if (asked is { } other && other != kept)
                throw new InvalidOperationException($"{dataRoot} was made for the storage driver {known}: start without --storage-driver {wanted}, or with another --data-root");
            return kept;
        }
        var chosen = asked ?? (ReasonAgainstOverlay(dataRoot) is null ? StorageDriver.Overlay2 : StorageDriver.Vfs);
        if (chosen == StorageDriver.Overlay2 && ReasonAgainstOverlay(dataRoot) is { } reason)
            throw new InvalidOperationException($"the file system of {dataRoot} does not allow overlay2: {reason}; use --storage-driver vfs, or another --data-root");
        await database.WriteAsync(w => w.Execute("INSERT OR IGNORE INTO engine (key, value) VALUES ('storage-driver', $1)", NameOf(chosen))).ConfigureAwait(false);
        return chosen;
    }

    /// <summary>Tries what layers and containers need: devices and trusted attributes in a layer, and an overlay on it.</summary>
    /// <returns>Null when everything can be done.</returns>
    public static string? ReasonAgainstOverlay(string dataRoot)
    {
        string folder = Path.Combine(dataRoot, "overlay-trial");
        try
        {
            foreach (string name in (string[])["lower", "upper", "work"]) Directory.CreateDirectory(Path.Combine(folder, name));
            using (var lower = DirectoryFd.Open(Path.Combine(folder, "lower")))
            {
                lower.TryMakeNode("hidden", FileType.CharacterDevice, 0).Check("make a whiteout");
                ExtendedAttributes.TrySet(lower, "trusted.overlay.opaque", "y"u8).Check("mark a directory as opaque");
            }
            using var mount = DetachedMount.Overlay([Path.Combine(folder, "lower")], Path.Combine(folder, "upper"), Path.Combine(folder, "work"));
            return null;
        }
        catch (KernelException e)
        {
            return e.Message;
        }
        finally
        {
            using var parent = DirectoryFd.Open(dataRoot);
            TreeRemoval.Remove(parent, "overlay-trial");
        }
    }
}
