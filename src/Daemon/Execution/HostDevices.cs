using Gantry.Daemon.Engine;
using Gantry.Linux.Files;
using Gantry.Protocol.Containers;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Execution;

/// <summary>Device nodes of the host, for containers that are given some.</summary>
internal static class HostDevices
{
    /// <summary>The node at a path, or every node below a directory; with the cgroup rules that allow them.</summary>
    /// <exception cref="EngineException">400-like refusals carry the path.</exception>
    public static void Add(DeviceMapping mapping, List<DeviceSpec> devices, List<DeviceRuleSpec> rules)
    {
        string target = mapping.PathInContainer.Length == 0 ? mapping.PathOnHost : mapping.PathInContainer;
        string access = mapping.CgroupPermissions.Length == 0 ? "rwm" : string.Concat("rwm".Where(mapping.CgroupPermissions.Contains));
        string source = ResolveLink(mapping.PathOnHost);
        if (Directory.Exists(source))
        {
            foreach (string file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            {
                if (TryDescribe(file, target + file[source.Length..]) is { } nested) AddOne(nested, access, devices, rules);
            }
            return;
        }
        var device = TryDescribe(source, target)
            ?? throw EngineException.System($"error gathering device information while adding custom device \"{mapping.PathOnHost}\": {(PathStatus.TryGet(source) is not null ? "not a device node" : "no such file or directory")}");
        AddOne(device, access, devices, rules);
    }

    private static void AddOne(DeviceSpec device, string access, List<DeviceSpec> devices, List<DeviceRuleSpec> rules)
    {
        devices.Add(device);
        if (access.Length > 0) rules.Add(new DeviceRuleSpec { Allow = true, Type = device.Type, Major = device.Major, Minor = device.Minor, Access = access });
    }

    /// <summary>All of the host's nodes, as a privileged container gets them.</summary>
    public static IEnumerable<DeviceSpec> All() => Below("/dev");

    private static IEnumerable<DeviceSpec> Below(string directory)
    {
        foreach (var entry in new DirectoryInfo(directory).EnumerateFileSystemInfos())
        {
            if (entry.LinkTarget is not null) continue;
            if (entry is DirectoryInfo)
            {
                // Terminals, shared memory and the like are file systems of the container's own.
                if (entry.Name is "pts" or "shm" or "fd" or "mqueue" or ".lxc" or ".lxd-mounts" or ".udev") continue;
                foreach (var nested in Below(entry.FullName)) yield return nested;
            }
            else if (entry.FullName != "/dev/console" && TryDescribe(entry.FullName, entry.FullName) is { } device)
            {
                yield return device;
            }
        }
    }

    private static string ResolveLink(string path) => PathStatus.TryGet(path)?.Type == FileType.SymbolicLink ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path;

    private static DeviceSpec? TryDescribe(string hostPath, string path)
    {
        if (PathStatus.TryGet(hostPath) is not { } status) return null;
        string? type = status.Type switch { FileType.CharacterDevice => "c", FileType.BlockDevice => "b", _ => null };
        if (type is null) return null;
        return new DeviceSpec { Path = path, HostPath = hostPath, Type = type, Major = status.Device.Major, Minor = status.Device.Minor, FileMode = status.Permissions, Uid = status.Owner, Gid = status.Group };
    }
}
