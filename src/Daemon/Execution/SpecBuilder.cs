using System.Globalization;
using Gantry.Daemon.Containers;
using Gantry.Linux.Processes;
using Gantry.Protocol.Containers;
using Gantry.Supervisor.Protocol;
using MountSpec = Gantry.Supervisor.Protocol.MountSpec;

namespace Gantry.Daemon.Execution;

/// <summary>Translates a container into an OCI runtime spec. A pure function: the same input gives the same spec.</summary>
internal static partial class SpecBuilder
{
    private const string PingGroups = "net.ipv4.ping_group_range";

    public const string InitPath = "/sbin/docker-init";

    /// <summary>What dockerd sets in every network namespace of its own: anybody may ping, and bind ports below 1024.</summary>
    private static readonly (string Name, string Value)[] NetworkDefaults = [(PingGroups, "0 2147483647"), ("net.ipv4.ip_unprivileged_port_start", "0")];

    public static RuntimeSpec Build(SpecInput input)
    {
        var host = input.Container.HostConfig;
        return new RuntimeSpec
        {
            Process = Process(input),
            Root = new RootSpec { Readonly = host.ReadonlyRootfs },
            Hostname = input.Hostname,
            Domainname = input.Domainname.Length == 0 ? null : input.Domainname,
            Mounts = Mounts(input),
            Annotations = host.Annotations,
            Linux = new LinuxSpec
            {
                Namespaces = Namespaces(host, input.HostNetwork, input.Owner is not null),
                CgroupsPath = input.CgroupPath,
                Resources = ResourceTranslation.Build(host, input.DeviceRules),
                Devices = [.. input.Devices],
                Sysctl = Sysctls(host, input.Owner is not null),
                UidMappings = Mappings(input.Owner?.Ids.Users),
                GidMappings = Mappings(input.Owner?.Ids.Groups),
                Seccomp = input.Seccomp,
                MaskedPaths = host.MaskedPaths ?? [],
                ReadonlyPaths = host.ReadonlyPaths ?? [],
                RootfsPropagation = RootPropagation(input),
            },
        };
    }

    private static ProcessSpec Process(SpecInput input)
    {
        var config = input.Container.Config;
        var host = input.Container.HostConfig;
        List<string> command = [input.Container.Path, .. input.Container.Args];
        if (input.UseInit) command = [InitPath, "--", .. command];
        return new ProcessSpec
        {
            Terminal = config.Tty,
            ConsoleSize = config.Tty && host.ConsoleSize is [> 0, > 0] size ? new ConsoleSize { Height = (uint)size[0], Width = (uint)size[1] } : null,
            User = new UserSpec { Uid = input.User.Uid, Gid = input.User.Gid, AdditionalGids = [.. input.User.AdditionalGids] },
            Args = command,
            Env = EnvironmentVariables(config, input.Hostname, input.LinkVariables, input.User.Home),
            Cwd = config.WorkingDir.Length == 0 ? "/" : config.WorkingDir,
            Capabilities = Capabilities(input.Capabilities),
            Rlimits = Limits(host.Ulimits, input.DefaultUlimits),
            NoNewPrivileges = SecurityOptions.Parse(host).NoNewPrivileges,
            OomScoreAdj = host.OomScoreAdj == 0 ? null : host.OomScoreAdj,
        };
    }

    /// <summary>Bounding, permitted and effective alike; nothing inheritable or ambient (reference 5.13).</summary>
    public static CapabilitiesSpec Capabilities(IReadOnlyList<string> names) => new() { Bounding = [.. names], Effective = [.. names], Permitted = [.. names] };

    /// <summary>Defaults, links, then the container's own, which replace by name; an entry without <c>=</c> removes its variable (reference 5.10).</summary>
    public static List<string> EnvironmentVariables(ContainerConfig config, string hostname, IEnumerable<string> linked, string home)
    {
        List<string> variables = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=" + hostname];
        if (config.Tty) variables.Add("TERM=xterm");
        Merge(variables, linked);
        Merge(variables, config.Env ?? []);
        if (!variables.Exists(v => v.StartsWith("HOME=", StringComparison.Ordinal))) variables.Add("HOME=" + home);
        return variables;
    }

    public static void Merge(List<string> variables, IEnumerable<string> added)
    {
        foreach (string entry in added)
        {
            int equals = entry.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? entry : entry[..equals];
            int at = variables.FindIndex(v => v.StartsWith(name, StringComparison.Ordinal) && v.Length > name.Length && v[name.Length] == '=');
            if (equals < 0)
            {
                if (at >= 0) variables.RemoveAt(at);
            }
            else if (at >= 0) variables[at] = entry;
            else variables.Add(entry);
        }
    }

    public static List<RlimitSpec>? Limits(List<Ulimit>? own, IReadOnlyList<Ulimit> defaults)
    {
        var all = new List<Ulimit>(own ?? []);
        all.AddRange(defaults.Where(d => !all.Exists(o => o.Name.Equals(d.Name, StringComparison.OrdinalIgnoreCase))));
        return all.Count == 0 ? null : all.ConvertAll(u => new RlimitSpec { Type = "RLIMIT_" + u.Name.ToUpperInvariant(), Soft = (ulong)u.Soft, Hard = (ulong)u.Hard });
    }

    /// <summary>Which namespaces are new; those that are joined come as descriptors beside the spec.</summary>
    private static List<NamespaceSpec> Namespaces(HostConfig host, bool hostNetwork, bool remapped)
    {
        List<NamespaceSpec> namespaces = [new() { Type = "mount" }];
        if (remapped) namespaces.Add(new() { Type = "user" });
        if (!hostNetwork) namespaces.Add(new() { Type = "network" });
        if (host.UTSMode != "host") namespaces.Add(new() { Type = "uts" });
        if (host.PidMode != "host") namespaces.Add(new() { Type = "pid" });
        if (host.IpcMode != "host") namespaces.Add(new() { Type = "ipc" });
        if (host.CgroupnsMode == "private") namespaces.Add(new() { Type = "cgroup" });
        return namespaces;
    }

    private static List<IdMappingSpec>? Mappings(IReadOnlyList<IdRange>? ranges) =>
        ranges is null ? null : [.. ranges.Select(r => new IdMappingSpec { ContainerId = r.Inside, HostId = r.Outside, Size = r.Count })];

    private static SortedDictionary<string, string>? Sysctls(HostConfig host, bool remapped)
    {
        if (host.NetworkMode == "host" || SettingsVerification.IsContainer(host.NetworkMode)) return host.Sysctls;
        var values = new SortedDictionary<string, string>(host.Sysctls ?? [], StringComparer.Ordinal);
        foreach (var (name, value) in NetworkDefaults)
        {
            if (!remapped || name != PingGroups) values.TryAdd(name, value);   // it wants the ids of the host
        }
        return values;
    }

    /// <summary>A shared or slave volume needs a root that is at least that (reference 5.12).</summary>
    private static string? RootPropagation(SpecInput input)
    {
        string? propagation = null;
        foreach (var mount in input.Mounts)
        {
            if (mount.Options.Contains("shared") || mount.Options.Contains("rshared")) return "shared";
            if (mount.Options.Contains("slave") || mount.Options.Contains("rslave")) propagation = "rslave";
        }
        return propagation;
    }

    private static List<MountSpec> Mounts(SpecInput input)
    {
        var host = input.Container.HostConfig;
        string access = host.Privileged ? "rw" : "ro", cgroups = SecurityOptions.Parse(host).WritableCgroups switch { true => "rw", false => "ro", null => access };
        var mounts = new List<MountSpec>
        {
            Mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
            Mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
            Mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
            Mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", access),
            Mount("/sys/fs/cgroup", "cgroup", "cgroup", cgroups, "nosuid", "noexec", "nodev"),
        };
        // The host's queues cannot be mounted from a user namespace.
        if (input.Owner is null || host.IpcMode != "host") mounts.Add(Mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"));
        if (host.IpcMode is "private" or "shareable" or "")
            mounts.Add(Mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", string.Create(CultureInfo.InvariantCulture, $"size={host.ShmSize}")));

        // What the user mounts wins over what every container has, and over what lies below it.
        var own = input.Mounts.OrderBy(m => m.Destination.Count(c => c == '/')).ThenBy(m => m.Destination, StringComparer.Ordinal).ToList();
        mounts.RemoveAll(m => own.Exists(o => o.Destination == m.Destination || (o.Destination is "/dev" or "/proc" or "/sys" && m.Destination.StartsWith(o.Destination + "/", StringComparison.Ordinal))));
        mounts.AddRange(own.Select(m => new MountSpec { Destination = m.Destination, Type = m.Type, Source = m.Source, Options = [.. m.Options] }));
        return mounts;
    }

    private static MountSpec Mount(string destination, string type, string source, params string[] options) =>
        new() { Destination = destination, Type = type, Source = source, Options = [.. options] };
}
