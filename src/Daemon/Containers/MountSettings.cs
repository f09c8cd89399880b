using System.Globalization;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Containers;

/// <summary>Reads every way in which a container can ask for a mount: <c>VolumesFrom</c>, <c>Binds</c>, <c>Mounts</c>, <c>Tmpfs</c> and the image's volumes (reference 5.12).</summary>
internal static class MountSettings
{
    /// <summary>Later definitions of a destination replace earlier ones, in the order volumes-from, binds, mounts; an image's volume takes what is left.</summary>
    public static List<ContainerMount> Collect(ContainerConfig config, HostConfig host, ContainerStore store)
    {
        var byDestination = new Dictionary<string, ContainerMount>(StringComparer.Ordinal);
        foreach (string source in host.VolumesFrom ?? [])
        {
            foreach (var inherited in FromContainer(source, store)) byDestination[inherited.Destination] = inherited;
        }
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (string bind in host.Binds ?? [])
        {
            var mount = ParseBind(bind, host.VolumeDriver);
            Claim(named, mount.Destination);
            byDestination[mount.Destination] = mount;
        }
        foreach (var spec in host.Mounts ?? [])
        {
            var mount = FromSpec(spec);
            Claim(named, mount.Destination);
            byDestination[mount.Destination] = mount;
        }
        foreach (var (destination, options) in host.Tmpfs ?? [])
        {
            string path = CheckDestination(destination, "");
            VerifyTmpfs(options);
            Claim(named, path);
            byDestination[path] = new ContainerMount { Type = "tmpfs", Destination = path, TmpfsOptions = options };
        }
        foreach (string destination in config.Volumes?.Keys ?? Enumerable.Empty<string>())
        {
            string path = CheckDestination(destination.StartsWith('/') ? destination : "/" + destination, "");
            byDestination.TryAdd(path, new ContainerMount { Type = "volume", Destination = path, Anonymous = true, Driver = host.VolumeDriver });
        }
        return [.. byDestination.Values];
    }

    private static void Claim(HashSet<string> taken, string destination)
    {
        if (!taken.Add(destination)) throw EngineException.InvalidParameter($"Duplicate mount point: {destination}");
    }

    private static IEnumerable<ContainerMount> FromContainer(string reference, ContainerStore store)
    {
        int colon = reference.IndexOf(':', StringComparison.Ordinal);
        string name = colon < 0 ? reference : reference[..colon], mode = colon < 0 ? "" : reference[(colon + 1)..];
        if (reference.Length == 0) throw EngineException.InvalidParameter("volumes-from specification cannot be an empty string");
        if (name.Length == 0) throw EngineException.InvalidParameter($"malformed volumes-from specification: {reference}");
        if (mode is not ("" or "ro" or "rw" or "z" or "Z" or "nocopy")) throw EngineException.InvalidParameter($"invalid mode: {mode}");
        Container container;
        try
        {
            container = store.Get(name);
        }
        catch (EngineException e) when (e.Kind == ErrorKind.NotFound)
        {
            throw EngineException.InvalidParameter(e.Message);
        }
        foreach (var mount in container.Record.Mounts)
        {
            yield return mount with { ReadOnly = mode == "ro" || (mode != "rw" && mount.ReadOnly), Mode = mode, Anonymous = false };
        }
    }

    /// <summary><c>src:dst[:opts]</c>, or a destination alone for an anonymous volume.</summary>
    private static ContainerMount ParseBind(string bind, string volumeDriver)
    {
        string[] parts = bind.Split(':');
        if (parts.Length is < 1 or > 3 || parts.Any(p => p.Length == 0) || bind.Contains('\0', StringComparison.Ordinal)) throw EngineException.InvalidParameter($"invalid volume specification: '{bind}'");
        string Invalid(bool bindMount) => $"invalid volume specification: '{bind}': invalid mount config for type \"{(bindMount ? "bind" : "volume")}\": ";
        if (parts.Length == 1) return new ContainerMount { Type = "volume", Destination = CheckDestination(parts[0], Invalid(false)), Anonymous = true, Driver = volumeDriver };
        string source = parts[0], destination = parts[1], mode = parts.Length == 3 ? parts[2] : "";
        if (!destination.StartsWith('/')) throw EngineException.System($"invalid volume specification: '{bind}': invalid mount config for type \"{(source.StartsWith('/') ? "bind" : "volume")}\": invalid mount path: '{destination}' mount path must be absolute");   // 500, as dockerd answers
        var options = ParseMode(mode);
        bool path = source.StartsWith('/');
        if (!path) CheckName(source);
        if (!path && options.Propagation.Length > 0) throw EngineException.InvalidParameter(Invalid(false) + "field BindOptions must not be specified");
        return new ContainerMount
        {
            Type = path ? "bind" : "volume",
            Name = path ? null : source,
            Source = path ? Normalise(source) : "",
            Driver = path ? "" : volumeDriver,
            Destination = CheckDestination(destination, Invalid(path)),
            ReadOnly = options.ReadOnly,
            Mode = mode.Length == 0 && !path ? "z" : mode,
            Propagation = path ? options.Propagation.Length == 0 ? "rprivate" : options.Propagation : "",
            CreateSource = path,
        };
    }

    private static void CheckName(string volume)
    {
        if (Volumes.VolumeName.IsValid(volume)) return;
        throw EngineException.InvalidParameter(volume.Length == 1 && char.IsAsciiLetterOrDigit(volume[0])
            ? $"create {volume}: volume name is too short, names should be at least two alphanumeric characters"
            : $"create {volume}: \"{volume}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path");
    }

    private readonly record struct BindMode(bool ReadOnly, string Propagation);

    private static BindMode ParseMode(string mode)
    {
        bool? readOnly = null;
        string propagation = "";
        bool label = false, copy = false, consistency = false;
        foreach (string option in mode.Split(',', StringSplitOptions.None))
        {
            bool again = option switch
            {
                "" => mode.Length > 0,
                "ro" or "rw" => readOnly is not null,
                "z" or "Z" => label,
                "nocopy" or "copy" => copy,
                "consistent" or "cached" or "delegated" or "default" => consistency,
                "private" or "rprivate" or "slave" or "rslave" or "shared" or "rshared" => propagation.Length > 0,
                _ => true,
            };
            if (again) throw EngineException.System($"invalid mode: {mode}");   // dockerd answers 500 here (golden 085)
            switch (option)
            {
                case "ro" or "rw": readOnly = option == "ro"; break;
                case "z" or "Z": label = true; break;
                case "nocopy" or "copy": copy = true; break;
                case "" : break;
                case "consistent" or "cached" or "delegated" or "default": consistency = true; break;
                default: propagation = option; break;
            }
        }
        return new BindMode(readOnly is true, propagation);
    }

    private static ContainerMount FromSpec(MountSpec spec)
    {
        if (spec.Type is not ("bind" or "volume" or "tmpfs" or "image")) throw EngineException.InvalidParameter($"invalid mount config for type \"{spec.Type}\": mount type unknown");
        RefuseOptionsOfOthers(spec);
        EngineException Invalid(string reason) => EngineException.InvalidParameter($"invalid mount config for type \"{spec.Type}\": {reason}");
        if (spec.Target.Length == 0) throw Invalid("field Target must not be empty");
        string destination = CheckDestination(spec.Target, $"invalid mount config for type \"{spec.Type}\": ");
        switch (spec.Type)
        {
            case "bind":
                if (string.IsNullOrEmpty(spec.Source)) throw Invalid("field Source must not be empty");
                if (!spec.Source.StartsWith('/')) throw Invalid($"invalid mount path: '{spec.Source}' mount path must be absolute");
                if (spec.BindOptions?.CreateMountpoint != true && !Path.Exists(spec.Source)) throw Invalid($"bind source path does not exist: {spec.Source}");
                string propagation = spec.BindOptions?.Propagation is { Length: > 0 } p ? p : "rprivate";
                if (propagation is not ("private" or "rprivate" or "slave" or "rslave" or "shared" or "rshared")) throw Invalid($"invalid propagation mode: {propagation}");
                if (!spec.ReadOnly && spec.BindOptions?.ReadOnlyNonRecursive == true) throw EngineException.InvalidParameter("mount options conflict: !ReadOnly && BindOptions.ReadOnlyNonRecursive");
                if (!spec.ReadOnly && spec.BindOptions?.ReadOnlyForceRecursive == true) throw EngineException.InvalidParameter("mount options conflict: !ReadOnly && BindOptions.ReadOnlyForceRecursive");
                if (spec.BindOptions is { ReadOnlyNonRecursive: true, ReadOnlyForceRecursive: true }) throw EngineException.InvalidParameter("mount options conflict: ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive");
                return new ContainerMount
                {
                    Type = "bind", Source = Normalise(spec.Source), Destination = destination, ReadOnly = spec.ReadOnly, Propagation = propagation, Spec = spec,
                    NonRecursive = spec.BindOptions?.NonRecursive == true, ReadOnlyNonRecursive = spec.BindOptions?.ReadOnlyNonRecursive == true,
                    ReadOnlyForceRecursive = spec.BindOptions?.ReadOnlyForceRecursive == true, CreateSource = spec.BindOptions?.CreateMountpoint == true,
                };
            case "volume":
                if (spec.VolumeOptions?.Subpath is { Length: > 0 } && string.IsNullOrEmpty(spec.Source)) throw Invalid("must not set Subpath when using anonymous volumes");
                bool anonymous = string.IsNullOrEmpty(spec.Source);
                if (!anonymous) CheckName(spec.Source!);
                CheckSubpath(spec.VolumeOptions?.Subpath, Invalid);
                return new ContainerMount
                {
                    Type = "volume", Name = anonymous ? null : spec.Source, Destination = destination, ReadOnly = spec.ReadOnly, Anonymous = anonymous, Spec = spec,
                    Mode = "z", Subpath = spec.VolumeOptions?.Subpath, Driver = spec.VolumeOptions?.DriverConfig?.Name ?? "",
                };
            case "tmpfs":
                if (!string.IsNullOrEmpty(spec.Source)) throw Invalid("field Source must not be specified");
                return new ContainerMount { Type = "tmpfs", Destination = destination, ReadOnly = spec.ReadOnly, TmpfsOptions = TmpfsOptions(spec), Spec = spec };
            default:
                if (string.IsNullOrEmpty(spec.Source)) throw Invalid("field Source must not be empty");
                CheckSubpath(spec.ImageOptions?.Subpath, Invalid);
                return new ContainerMount { Type = "image", Source = spec.Source, Destination = destination, ReadOnly = true, Subpath = spec.ImageOptions?.Subpath, Spec = spec };
        }
    }

    private static void RefuseOptionsOfOthers(MountSpec spec)
    {
        string? other =
            spec.BindOptions is not null && spec.Type != "bind" ? "BindOptions" :
            spec.VolumeOptions is not null && spec.Type != "volume" ? "VolumeOptions" :
            spec.TmpfsOptions is not null && spec.Type != "tmpfs" ? "TmpfsOptions" : null;
        if (other is not null) throw EngineException.InvalidParameter($"{other} must not be specified on mount type \"{spec.Type}\"");
        if (spec.ImageOptions is not null && spec.Type != "image") throw EngineException.InvalidParameter($"invalid mount config for type \"{spec.Type}\": field ImageOptions must not be specified");
    }

    private static void CheckSubpath(string? subpath, Func<string, EngineException> invalid)
    {
        if (string.IsNullOrEmpty(subpath)) return;
        int depth = 0;
        foreach (string part in subpath.Split('/'))
        {
            if (part == "..") depth--;
            else if (part is not ("" or ".")) depth++;
            if (depth < 0) break;
        }
        if (subpath.StartsWith('/') || depth < 0) throw invalid("subpath must be a relative path within the volume");
    }

    private static string TmpfsOptions(MountSpec spec)
    {
        var options = new List<string>();
        if (spec.ReadOnly) options.Add("ro");
        if (spec.TmpfsOptions is { } tmpfs)
        {
            if (tmpfs.SizeBytes > 0) options.Add(string.Create(CultureInfo.InvariantCulture, $"size={tmpfs.SizeBytes}"));
            if (tmpfs.Mode > 0) options.Add("mode=" + Convert.ToString(tmpfs.Mode, 8));
            foreach (var option in tmpfs.Options ?? [])
            {
                if (option.Count is < 1 or > 2) throw EngineException.InvalidParameter("invalid mount config for type \"tmpfs\": invalid option array length");
                if (option is not (["exec"] or ["noexec"])) throw EngineException.InvalidParameter($"invalid mount config for type \"tmpfs\": invalid option: {option[0]}");
                options.Add(option[0]);
            }
        }
        return string.Join(',', options);
    }

    /// <summary>Options of <c>--tmpfs</c>: those of every mount, and the few of tmpfs that have always been there.</summary>
    private static void VerifyTmpfs(string options)
    {
        foreach (string option in options.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            string key = option.Split('=', 2)[0];
            bool known = option.Contains('=', StringComparison.Ordinal)
                ? key is "size" or "mode" or "uid" or "gid" or "nr_inodes" or "nr_blocks" or "mpol"
                : key is "defaults" or "ro" or "rw" or "suid" or "nosuid" or "dev" or "nodev" or "exec" or "noexec" or "sync" or "async" or "dirsync" or "mand" or "nomand"
                    or "atime" or "noatime" or "diratime" or "nodiratime" or "relatime" or "norelatime" or "strictatime" or "nostrictatime"
                    or "private" or "rprivate" or "slave" or "rslave" or "shared" or "rshared" or "unbindable" or "runbindable";
            if (!known) throw EngineException.InvalidParameter($"invalid tmpfs option \"{key}\"");
        }
    }

    /// <param name="context">What the message begins with.</param>
    private static string CheckDestination(string destination, string context)
    {
        if (!destination.StartsWith('/') || destination.Contains('\0', StringComparison.Ordinal))
            throw EngineException.InvalidParameter($"{context}invalid mount path: '{destination}' mount path must be absolute");
        string normal = Normalise(destination);
        return normal == "/" ? throw EngineException.InvalidParameter(context + "invalid specification: destination can't be '/'") : normal;
    }

    /// <summary>Takes out empty, <c>.</c> and <c>..</c> parts.</summary>
    public static string Normalise(string path)
    {
        var parts = new List<string>();
        foreach (string part in path.Split('/'))
        {
            if (part is "" or ".") continue;
            if (part != "..") parts.Add(part);
            else if (parts.Count > 0) parts.RemoveAt(parts.Count - 1);
        }
        return "/" + string.Join('/', parts);
    }
}
