using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;
using Gantry.Linux.Processes;
using Gantry.Protocol.Containers;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Execution;

/// <summary>A start made ready: the spec, and descriptors of what the spec speaks of. Disposing closes them.</summary>
internal sealed class PreparedStart : IDisposable
{
    public required RuntimeSpec Spec { get; init; }

    /// <summary>Index of a mount in the spec → its source, detached and with its attributes set.</summary>
    public required Dictionary<int, DetachedMount> MountSources { get; init; }

    /// <summary>Namespace type → a namespace to join.</summary>
    public required Dictionary<string, Fd> Namespaces { get; init; }

    public void Dispose()
    {
        foreach (var fd in MountSources.Values) fd.Dispose();
        foreach (var fd in Namespaces.Values) fd.Dispose();
    }
}

/// <summary>Looks up what a container's spec needs of this machine, and has <see cref="SpecBuilder"/> put it together.</summary>
/// <param name="volumeSource">The host path that stands for a volume.</param>
/// <param name="openVolume">A volume that is a file system of its own; null for one that is a directory.</param>
/// <param name="imageLayers">Directories of the layers that a container keeps for one of its mounts, topmost first.</param>
internal sealed class SpecFactory(ContainerSettings settings, Func<string, string> volumeSource, Func<ContainerRecord, ContainerMount, IReadOnlyList<string>> imageLayers,
    Func<ContainerRecord, ContainerMount, DetachedMount?> openVolume)
{
    private const string SharedMemory = "/dev/shm";

    private readonly SeccompProfiles seccomp = new(settings.SeccompProfile);

    /// <param name="root">The container's root file system, detached.</param>
    /// <param name="processOf">Pid of the first process of another container, for a shared namespace of a type; refused when it does not run.</param>
    public PreparedStart Prepare(ContainerRecord record, DetachedMount root, Sandbox sandbox, string directory, Func<string, string, int> processOf, IReadOnlyList<string> linkVariables)
    {
        var host = record.HostConfig;
        var security = SecurityOptions.Parse(host);
        RefuseMissingModules(security);
        DeviceRequests.Refuse(host.DeviceRequests);
        var user = UserLookup.Resolve(root, record.Config.User, host.GroupAdd);
        var capabilities = CapabilityRules.Of(host);
        var (devices, rules) = Devices(host);
        bool sharesHostNetwork = sandbox.Namespace is null;
        string hostname = host.UTSMode == "host" ? Environment.MachineName : record.Config.Hostname;
        if (hostname.Length == 0 && SettingsVerification.IsContainer(host.NetworkMode)) hostname = HostnameOfOther(record, directory);
        WriteNetworkFiles(directory, record, sandbox, hostname);
        var mounts = Mounts(record, directory);

        var spec = SpecBuilder.Build(new SpecInput
        {
            Container = record,
            User = user,
            Mounts = mounts,
            CgroupPath = settings.Groups.PathOf(host, record.Id),
            CgroupUnified = settings.Facts.CgroupUnified,
            HostNetwork = sharesHostNetwork,
            Seccomp = seccomp.Resolve(security.Seccomp, capabilities),
            Capabilities = capabilities,
            Devices = devices,
            DeviceRules = rules,
            UseInit = UsesInit(host),
            LinkVariables = linkVariables,
            Hostname = hostname,
            Domainname = record.Config.Domainname,
            DefaultUlimits = settings.DefaultUlimits,
            Owner = settings.OwnerOf(host),
        });
        var prepared = new PreparedStart { Spec = spec, MountSources = [], Namespaces = [] };
        try
        {
            if (settings.OwnerOf(host) is { } owner) prepared.Namespaces["user"] = owner.Handle.Duplicate();
            if (sandbox.Namespace is { } network) prepared.Namespaces["network"] = network.Duplicate();
            Join(prepared, "pid", host.PidMode, processOf);
            int? ipcOwner = Join(prepared, "ipc", host.IpcMode, processOf);
            OpenMountSources(prepared, record, ipcOwner);
            return prepared;
        }
        catch
        {
            prepared.Dispose();
            throw;
        }
    }

    /// <summary>The process of an exec: the container's settings with what the exec asks for instead.</summary>
    public (ProcessSpec Process, RawJson? Seccomp) BuildExec(ContainerRecord record, int initPid, ExecCreateRequest exec, int[]? size, IReadOnlyList<string> linkVariables)
    {
        using var root = OpenFile.Open($"/proc/{initPid}/root", OpenFlags.PathOnly | OpenFlags.Directory);
        var user = UserLookup.Resolve(root, exec.User.Length > 0 ? exec.User : record.Config.User, record.HostConfig.GroupAdd);
        var host = exec.Privileged ? record.HostConfig with { Privileged = true } : record.HostConfig;
        var capabilities = CapabilityRules.Of(host);
        var security = SecurityOptions.Parse(host);
        var variables = SpecBuilder.EnvironmentVariables(record.Config with { Tty = exec.Tty }, record.Config.Hostname, linkVariables, user.Home);
        if (user.Home.Length > 0 && record.Config.Env?.Exists(e => e.StartsWith("HOME=", StringComparison.Ordinal)) != true) SpecBuilder.Merge(variables, ["HOME=" + user.Home]);
        SpecBuilder.Merge(variables, exec.Env ?? []);
        var process = new ProcessSpec
        {
            Terminal = exec.Tty,
            ConsoleSize = exec.Tty && size is [> 0, > 0] ? new ConsoleSize { Height = (uint)size[0], Width = (uint)size[1] } : null,
            User = new UserSpec { Uid = user.Uid, Gid = user.Gid, AdditionalGids = [.. user.AdditionalGids] },
            Args = exec.Cmd!,
            Env = variables,
            Cwd = exec.WorkingDir.Length > 0 ? exec.WorkingDir : record.Config.WorkingDir.Length > 0 ? record.Config.WorkingDir : "/",
            Capabilities = SpecBuilder.Capabilities(capabilities),
            NoNewPrivileges = security.NoNewPrivileges,
            OomScoreAdj = host.OomScoreAdj == 0 ? null : host.OomScoreAdj,
            Rlimits = SpecBuilder.Limits(host.Ulimits, settings.DefaultUlimits),
        };
        return (process, exec.Privileged ? null : seccomp.Resolve(security.Seccomp, capabilities));
    }

    /// <summary>A kernel without these security modules cannot do what was asked: better said than left out.</summary>
    private static void RefuseMissingModules(SecurityOptions security)
    {
        if (security.AppArmor is { Length: > 0 } profile and not SecurityOptions.Unconfined && !Directory.Exists("/sys/kernel/security/apparmor"))
            throw EngineException.System($"AppArmor is not enabled on this host, so the profile \"{profile}\" cannot be applied; remove the security option apparmor");
        if (security.SelinuxLabels.Any(l => l != "disable") && !Directory.Exists("/sys/fs/selinux"))
            throw EngineException.System("SELinux is not enabled on this host, so labels cannot be applied; remove the security option label");
    }

    private static (List<DeviceSpec> Devices, List<DeviceRuleSpec> Rules) Devices(HostConfig host)
    {
        var devices = new List<DeviceSpec>();
        var rules = new List<DeviceRuleSpec>();
        if (host.Privileged) devices.AddRange(HostDevices.All());
        foreach (var mapping in host.Devices ?? []) HostDevices.Add(mapping, devices, rules);
        foreach (string rule in host.DeviceCgroupRules ?? []) rules.Add(DeviceCgroupRule.Parse(rule));
        return (devices, rules);
    }

    /// <summary>The three files that tell a container of its network: the engine's own, rebuilt at every start (reference 5.10).</summary>
    private static void WriteNetworkFiles(string directory, ContainerRecord record, Sandbox sandbox, string hostname)
    {
        if (SettingsVerification.IsContainer(record.HostConfig.NetworkMode)) return;   // the other container's are used
        File.WriteAllText(Path.Combine(directory, "hostname"), hostname + "\n");
        File.WriteAllText(Path.Combine(directory, "hosts"), sandbox.HostsFile);
        File.WriteAllText(Path.Combine(directory, "resolv.conf"), sandbox.ResolvConf);
    }

    /// <summary>Whoever shares a network is called like its owner (reference B9).</summary>
    private static string HostnameOfOther(ContainerRecord record, string directory)
    {
        string file = Path.Combine(NetworkFilesOf(record, directory), "hostname");
        return File.Exists(file) ? File.ReadAllText(file).TrimEnd('\n') : "";
    }

    /// <summary>Directory of the container whose network files are used.</summary>
    public static string NetworkFilesOf(ContainerRecord record, string directory) =>
        SettingsVerification.IsContainer(record.HostConfig.NetworkMode)
            ? Path.Combine(Path.GetDirectoryName(directory)!, record.HostConfig.NetworkMode["container:".Length..])
            : directory;

    private List<SpecMount> Mounts(ContainerRecord record, string directory)
    {
        var mounts = new List<SpecMount>();
        foreach (var mount in record.Mounts)
        {
            switch (mount.Type)
            {
                case "tmpfs":
                    mounts.Add(new SpecMount("tmpfs", "tmpfs", mount.Destination, ["noexec", "nosuid", "nodev", .. (mount.TmpfsOptions ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)]));
                    break;
                case "image":
                    mounts.Add(new SpecMount("bind", mount.Source, mount.Destination, ["rbind", "ro", "rprivate"]));
                    break;
                default:
                    mounts.Add(Bind(mount, settings.OwnerOf(record.HostConfig)));
                    break;
            }
        }
        string files = NetworkFilesOf(record, directory);
        foreach (string name in new[] { "resolv.conf", "hostname", "hosts" })
        {
            string destination = "/etc/" + name;
            if (mounts.TrueForAll(m => m.Destination != destination) && File.Exists(Path.Combine(files, name)))
                mounts.Add(new SpecMount("file", Path.Combine(files, name), destination, record.HostConfig.ReadonlyRootfs ? ["rbind", "ro", "rprivate"] : ["rbind", "rprivate"]));
        }
        bool sharesMemory = record.HostConfig.IpcMode == "host" || SettingsVerification.IsContainer(record.HostConfig.IpcMode);
        if (sharesMemory && mounts.TrueForAll(m => m.Destination != SharedMemory)) mounts.Add(new SpecMount("bind", SharedMemory, SharedMemory, ["rbind", "rprivate"]));
        if (UsesInit(record.HostConfig)) mounts.Add(new SpecMount("file", FindInit(settings.InitPath), SpecBuilder.InitPath, ["bind", "ro", "rprivate"]));
        return mounts;
    }

    /// <summary>An init is of use only as the first process of a pid namespace.</summary>
    private static bool UsesInit(HostConfig host) => host.Init is true && host.PidMode != "host" && !SettingsVerification.IsContainer(host.PidMode);

    /// <summary>Opens what is mounted in a container from the host: volumes, binds and the files of its network. For looking into it while it does not run.</summary>
    /// <returns>Sources, to be disposed by the caller, and their places, upper ones first.</returns>
    public List<(Fd Source, string Target, bool IsDirectory)> OpenMounts(ContainerRecord record, string directory)
    {
        var opened = new List<(Fd, string, bool)>();
        try
        {
            foreach (var mount in Mounts(record, directory).Where(m => m.Type is "bind" or "file" && m.Destination != SpecBuilder.InitPath && (m.Destination != SharedMemory || record.Mounts.Exists(o => o.Destination == SharedMemory))).OrderBy(m => m.Destination.Count(c => c == '/')))
            {
                // Nothing that is mounted below it here may reach the host.
                string[] options = [.. mount.Options.Where(o => o is not ("shared" or "rshared" or "slave" or "rslave" or "private")), "rprivate"];
                var source = OpenSource(new Gantry.Supervisor.Protocol.MountSpec { Destination = mount.Destination, Type = mount.Type, Source = mount.Source, Options = [.. options] }, record);
                opened.Add((source, mount.Destination, PathStatus.Of(source).Type == FileType.Directory));
            }
            return opened;
        }
        catch
        {
            foreach (var (source, _, _) in opened) source.Dispose();
            throw;
        }
    }

    private SpecMount Bind(ContainerMount mount, UserNamespace? owner)
    {
        string source = mount is { Type: "volume", Name: { } volume } ? volumeSource(volume) : mount.Source;
        if (mount.Type == "bind" && !Path.Exists(source))
        {
            if (!mount.CreateSource) throw EngineException.InvalidParameter($"invalid mount config for type \"bind\": bind source path does not exist: {source}");
            MakeSource(source, owner);
        }
        var options = new List<string> { mount.NonRecursive ? "bind" : "rbind", mount.Propagation.Length == 0 ? "rprivate" : mount.Propagation };
        if (mount.ReadOnly) options.Add(mount.ReadOnlyNonRecursive || mount.NonRecursive ? "ro" : "rro");
        return new SpecMount(Directory.Exists(source) ? "bind" : "file", source, mount.Destination, options);
    }

    /// <summary>A folder that did not exist before belongs to the container's root.</summary>
    private static void MakeSource(string path, UserNamespace? owner)
    {
        var made = new Stack<string>();
        for (string? missing = path; missing is not null && !Directory.Exists(missing); missing = Path.GetDirectoryName(missing)) made.Push(missing);
        Directory.CreateDirectory(path);
        if (owner is null) return;
        foreach (string folder in made)
        {
            using var directory = DirectoryFd.Open(folder);
            OpenFileAttributes.ChangeOwner(directory, owner.RootUser, owner.RootGroup);
        }
    }

    private static string FindInit(string configured)
    {
        if (configured.Length > 0) return File.Exists(configured) ? configured : throw EngineException.System($"the init program {configured} does not exist; correct --init-path");
        foreach (string name in new[] { "docker-init", "tini-static", "tini", "catatonit" })
        {
            foreach (string directory in new[] { "/usr/local/libexec/docker", "/usr/libexec/docker", "/usr/local/bin", "/usr/bin", "/usr/sbin", "/bin", "/sbin" })
            {
                if (File.Exists(Path.Combine(directory, name))) return Path.Combine(directory, name);
            }
        }
        throw EngineException.System("--init needs the program docker-init or tini on this host: install the package tini, or name one with --init-path");
    }

    /// <summary>Opens the source of every bind mount here, in the host's mount namespace, and sets its attributes: the child only attaches it.</summary>
    /// <param name="ipcOwner">First process of the container whose IPC namespace, and so whose shared memory, this one uses.</param>
    private void OpenMountSources(PreparedStart prepared, ContainerRecord record, int? ipcOwner)
    {
        for (int i = 0; i < prepared.Spec.Mounts.Count; i++)
        {
            var mount = prepared.Spec.Mounts[i];
            if (mount.Type is not ("bind" or "file")) continue;
            var own = record.Mounts.Find(m => m.Destination == mount.Destination);
            if (own is null && mount.Destination == SharedMemory && ipcOwner is { } pid) prepared.MountSources[i] = OpenSharedMemory(pid);
            else prepared.MountSources[i] = OpenSource(mount, record);
            if (settings.OwnerOf(record.HostConfig) is { } owner && IsOurs(mount, own)) prepared.MountSources[i].SetIdMap(owner.Handle, recursive: false, $"shift the owners of {mount.Destination}");
            mount.Type = PathStatus.Of(prepared.MountSources[i]).Type == FileType.Directory ? "bind" : "file";
        }
    }

    private DetachedMount OpenSource(Gantry.Supervisor.Protocol.MountSpec mount, ContainerRecord record)
    {
        var own = record.Mounts.Find(m => m.Destination == mount.Destination);
        if (own is { Type: "volume" } && openVolume(record, own) is { } volume) return MountSource.OpenVolume(volume, mount, own);
        if (own is not { Type: "image" }) return MountSource.Open(mount, own);
        var layers = imageLayers(record, own);
        if (layers.Count > 1 && settings.Storage == Storage.StorageDriver.Vfs) throw EngineException.NotImplemented($"the image {own.Source} has several layers: to mount it takes the storage driver overlay2, and this engine has vfs");
        return MountSource.OpenImage(layers, own);
    }

    /// <summary>Volumes and the engine's own files hold the ids that they have inside; what a user binds shows those of the host.</summary>
    private static bool IsOurs(Gantry.Supervisor.Protocol.MountSpec mount, ContainerMount? own) =>
        own is null ? mount.Destination is "/etc/hosts" or "/etc/hostname" or "/etc/resolv.conf" : own is { Type: "volume" } && mount.Source == own.Source;

    private static DetachedMount OpenSharedMemory(int pid)
    {
        using var process = PidFd.Open(pid);
        return DetachedMount.CloneFrom(process, SharedMemory);
    }

    /// <returns>The first process of the container that is joined; null for a namespace that is not shared.</returns>
    private static int? Join(PreparedStart prepared, string type, string mode, Func<string, string, int> processOf)
    {
        if (!SettingsVerification.IsContainer(mode)) return null;
        int pid = processOf(type, mode["container:".Length..]);
        prepared.Namespaces[type] = OpenFile.ReadOnly($"/proc/{pid}/ns/{type}");
        return pid;
    }
}
