using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Execution;

/// <summary>Opens a path of the host as a detached mount with the attributes and propagation that a container's mount asks for.</summary>
internal static class MountSource
{
    /// <exception cref="EngineException">The path is gone, or its mount does not have the propagation that was asked for (reference 5.12).</exception>
    /// <param name="own">The container's own mount; null for one of the engine's files.</param>
    public static DetachedMount Open(MountSpec mount, ContainerMount? own)
    {
        var options = mount.Options ?? [];
        string source = mount.Source!;
        string propagation = Propagation(options);
        RequirePropagation(source, propagation);
        DetachedMount clone;
        try
        {
            clone = own?.Subpath is { Length: > 0 } subpath ? OpenSubpath(source, subpath, options.Contains("rbind")) : DetachedMount.Clone(source, options.Contains("rbind"));
        }
        catch (KernelException e) when (e.Errno == Errno.ENOENT)
        {
            throw EngineException.InvalidParameter($"invalid mount config for type \"bind\": bind source path does not exist: {source}", e);
        }
        return Finish(clone, mount, own);
    }

    /// <summary>The same for a volume that is a file system of its own.</summary>
    public static DetachedMount OpenVolume(DetachedMount volume, MountSpec mount, ContainerMount own)
    {
        if (own.Subpath is not { Length: > 0 } subpath) return Finish(volume, mount, own);
        using (volume) return Finish(ClonePart(volume, own.Name!, subpath), mount, own);
    }

    private static DetachedMount Finish(DetachedMount clone, MountSpec mount, ContainerMount? own)
    {
        var options = mount.Options ?? [];
        string propagation = Propagation(options);
        try
        {
            bool recursive = propagation.StartsWith('r');
            var kind = propagation.TrimStart('r') switch { "shared" => MountPropagation.Shared, "slave" => MountPropagation.Slave, _ => MountPropagation.Private };
            clone.SetAttributes(0, 0, kind, recursive, $"set the propagation of {mount.Destination}");
            var attributes = Attributes(options);
            if (attributes != 0) clone.SetAttributes(attributes, 0, 0, recursive: false, $"set the attributes of {mount.Destination}");
            if (options.Contains("rro")) MakeReadOnly(clone, mount.Destination, own?.ReadOnlyForceRecursive == true);
            return clone;
        }
        catch
        {
            clone.Dispose();
            throw;
        }
    }

    private static string Propagation(List<string> options) => options.Find(o => o is "private" or "rprivate" or "slave" or "rslave" or "shared" or "rshared") ?? "rprivate";

    private static MountAttributes Attributes(List<string> options)
    {
        MountAttributes attributes = 0;
        foreach (string option in options)
        {
            attributes |= option switch
            {
                "ro" => MountAttributes.ReadOnly,
                "nosuid" => MountAttributes.NoSuid,
                "nodev" => MountAttributes.NoDev,
                "noexec" => MountAttributes.NoExec,
                _ => 0,
            };
        }
        return attributes;
    }

    /// <summary>Read-only with everything mounted below; where the kernel cannot do that, the mount itself, unless recursion was demanded.</summary>
    private static void MakeReadOnly(DetachedMount clone, string destination, bool recursionDemanded)
    {
        string step = $"make {destination} read-only";
        try
        {
            clone.SetAttributes(MountAttributes.ReadOnly, 0, 0, recursive: true, step);
        }
        catch (KernelException) when (!recursionDemanded)
        {
            clone.SetAttributes(MountAttributes.ReadOnly, 0, 0, recursive: false, step);
        }
    }

    /// <summary>A path within a volume, resolved below it.</summary>
    private static DetachedMount OpenSubpath(string volume, string subpath, bool recursive)
    {
        using var root = OpenFile.Open(volume, OpenFlags.PathOnly | OpenFlags.Directory);
        using var part = OpenBelow(root, volume, subpath);
        return DetachedMount.Clone(part, recursive, $"bind {volume}/{subpath}");
    }

    /// <summary>A path within a mount that is attached nowhere, resolved below it.</summary>
    private static DetachedMount ClonePart(DetachedMount mount, string name, string subpath)
    {
        using var part = OpenBelow(mount, name, subpath);
        return mount.ClonePart(part, $"bind {name}/{subpath}");
    }

    private static Fd OpenBelow(Fd root, string name, string subpath)
    {
        nint result = OpenFile.TryOpenInRoot(root, subpath, OpenFlags.PathOnly);
        if (result < 0) throw EngineException.NotFound($"cannot access path {name}/{subpath}: lstat {name}/{subpath}: {((Errno)(int)-result).Describe()}");
        return new Fd((int)result);
    }

    /// <summary>The files of an image, read-only.</summary>
    /// <param name="layers">Topmost first.</param>
    public static DetachedMount OpenImage(IReadOnlyList<string> layers, ContainerMount mount)
    {
        // An overlay of one layer is none: the layer itself does.
        DetachedMount image = layers.Count == 1 ? DetachedMount.Clone(layers[0], recursive: false) : DetachedMount.Overlay(layers, null, null, attributes: MountAttributes.ReadOnly);
        try
        {
            if (mount.Subpath is { Length: > 0 } subpath)
            {
                var part = ClonePart(image, mount.Source, subpath);
                image.Dispose();
                image = part;
            }
            image.SetAttributes(MountAttributes.ReadOnly, 0, MountPropagation.Private, recursive: false, $"make {mount.Destination} read-only");
            return image;
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    private static void RequirePropagation(string source, string propagation)
    {
        if (propagation is "private" or "rprivate") return;
        var mount = MountTable.Find(source);
        bool shared = mount.Optional.Contains("shared:", StringComparison.Ordinal), slave = mount.Optional.Contains("master:", StringComparison.Ordinal);
        if (propagation is "shared" or "rshared" && !shared) throw EngineException.System($"path {source} is mounted on {mount.MountPoint} but it is not a shared mount");
        if (propagation is "slave" or "rslave" && !shared && !slave) throw EngineException.System($"path {source} is mounted on {mount.MountPoint} but it is not a shared or slave mount");
    }
}

/// <summary>The host's mounts (proc(5), <c>/proc/self/mountinfo</c>).</summary>
internal static class MountTable
{
    public readonly record struct Entry(string MountPoint, string Optional);

    /// <summary>The mount that a path is on.</summary>
    public static Entry Find(string path)
    {
        var best = new Entry("/", "");
        foreach (string line in File.ReadLines("/proc/self/mountinfo"))
        {
            string[] fields = line.Split(' ');
            string point = fields[4].Replace("\\040", " ", StringComparison.Ordinal);
            bool covers = point == "/" || path == point || path.StartsWith(point + "/", StringComparison.Ordinal);
            if (!covers || point.Length < best.MountPoint.Length) continue;
            int end = Array.IndexOf(fields, "-");
            best = new Entry(point, string.Join(' ', fields[6..end]));
        }
        return best;
    }
}
