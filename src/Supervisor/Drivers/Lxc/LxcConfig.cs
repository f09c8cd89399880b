using System.Globalization;
using System.Text;
using Gantry.Supervisor.Drivers.Native;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Lxc;

/// <summary>Translates a runtime spec into LXC's configuration (lxc.container.conf(5), LXC 4 and later). A pure function.</summary>
/// <remarks>LXC makes /dev and /dev/pts itself; all other mounts are entries, in the spec's order.</remarks>
internal static partial class LxcConfig
{
    public static string SeccompFile(BundlePaths paths) => Path.Combine(paths.Bundle, "seccomp");

    public static string SystemControlsFile(BundlePaths paths) => Path.Combine(paths.Bundle, "sysctl.sh");

    public static string GateHookFile(BundlePaths paths) => Path.Combine(paths.Bundle, "gate.sh");

    /// <summary>The first process's id, as soon as there is one.</summary>
    public static string PidFile(BundlePaths paths) => Path.Combine(paths.Bundle, "pid");

    /// <summary>A fifo: the first process goes on when a line comes.</summary>
    public static string GateFile(BundlePaths paths) => Path.Combine(paths.Bundle, "gate");

    public static string MemoryHookFile(BundlePaths paths) => Path.Combine(paths.Bundle, "memory.sh");

    /// <summary>What the kernel said of the group's memory when the container stopped.</summary>
    public static string MemoryFile(BundlePaths paths) => Path.Combine(paths.Bundle, "memory");

    /// <summary>Where LXC puts the container's root together before it moves in.</summary>
    public static string RootMount(BundlePaths paths) => Path.Combine(paths.Bundle, "mnt");

    public static string Device(BundlePaths paths, int index) => Path.Combine(paths.Bundle, "devices", index.ToString(CultureInfo.InvariantCulture));

    private static readonly (string Spec, string Lxc)[] NamespaceNames = [("mount", "mnt"), ("pid", "pid"), ("network", "net"), ("ipc", "ipc"), ("uts", "uts"), ("cgroup", "cgroup")];

    /// <exception cref="DriverException">The spec asks for what LXC cannot do.</exception>
    public static string Build(LxcInput input)
    {
        var spec = input.Spec;
        Refuse(spec);
        var text = new StringBuilder();
        void Line(string key, string value) => text.Append(key).Append(" = ").Append(OneLine(key, value)).Append('\n');

        Line("lxc.rootfs.path", "dir:" + input.Paths.Root);
        Line("lxc.rootfs.mount", RootMount(input.Paths));
        Line("lxc.rootfs.managed", "0");
        if (spec.Root?.Readonly == true) Line("lxc.rootfs.options", "ro");
        Line("lxc.apparmor.profile", "unconfined");
        Line("lxc.tty.max", "0");
        if (spec.Process?.Terminal != true) Line("lxc.console.path", "none");
        AddNamespaces(input, Line);
        AddMounts(input, Line);
        AddProcess(spec.Process!, Line);
        AddCgroup(input, Line);
        if (input.Seccomp) Line("lxc.seccomp.profile", SeccompFile(input.Paths));
        Line("lxc.hook.pre-mount", SystemControlsFile(input.Paths));
        Line("lxc.hook.start-host", GateHookFile(input.Paths));
        Line("lxc.hook.stop", MemoryHookFile(input.Paths));
        return text.ToString();
    }

    private static void Refuse(RuntimeSpec spec)
    {
        if (spec.Linux.UidMappings is { Count: > 0 }) throw Unsupported("a user namespace");
        if (spec.Hooks is not null) throw Unsupported("hooks of the OCI specification");
        if (spec.Process?.ApparmorProfile is { Length: > 0 }) throw Unsupported("an AppArmor profile");
        if (spec.Linux.RootfsPropagation is { Length: > 0 } propagation && !propagation.Contains("private", StringComparison.Ordinal)) throw Unsupported($"a root file system with {propagation} propagation");
        if (spec.Process?.Capabilities?.Ambient is { Count: > 0 }) throw Unsupported("ambient capabilities");
    }

    private static DriverException Unsupported(string what) => new(new Failure { Kind = FailureKind.Unsupported, Message = $"the lxc driver cannot give a container {what}; use the native driver or an OCI runtime" });

    /// <summary>A value is a line; LXC strips blanks from its ends, and one pair of quotes.</summary>
    private static string OneLine(string key, string value)
    {
        if (value.AsSpan().IndexOfAny("\n\r\0") >= 0) throw Unsupported($"a line break in {key} (\"{value.ReplaceLineEndings("\\n")}\")");
        bool stripped = value.Length > 0 && (char.IsWhiteSpace(value[0]) || char.IsWhiteSpace(value[^1]) || value[0] is '"' or '\'');
        return stripped ? $"\"{value}\"" : value;
    }

    private static void AddNamespaces(LxcInput input, Action<string, string> line)
    {
        var own = input.Spec.Linux.Namespaces.Where(n => !input.Joined.Contains(n.Type)).Select(n => NamespaceNames.First(name => name.Spec == n.Type).Lxc);
        line("lxc.namespace.clone", string.Join(' ', own));
        foreach (string type in input.Joined) line("lxc.namespace.share." + NamespaceNames.First(n => n.Spec == type).Lxc, input.Paths.Namespace(type));
        line("lxc.net.0.type", input.Spec.Linux.Namespaces.Exists(n => n.Type == "network") && !input.Joined.Contains("network") ? "empty" : "none");
        if (input.Spec.Hostname is { Length: > 0 } name && input.Spec.Linux.Namespaces.Exists(n => n.Type == "uts") && !input.Joined.Contains("uts")) line("lxc.uts.name", name);
    }

    private static void AddMounts(LxcInput input, Action<string, string> line)
    {
        bool ownDev = false, terminals = false;
        for (int i = 0; i < input.Spec.Mounts.Count; i++)
        {
            var mount = input.Spec.Mounts[i];
            if (input.Bound.Contains(i)) line("lxc.mount.entry", Bind(input.Paths.Mount(i), mount));
            else if (mount is { Destination: "/dev", Type: "tmpfs" }) ownDev = true;
            else if (mount is { Destination: "/dev/pts", Type: "devpts" }) terminals = true;
            else if (mount.Type is "cgroup" or "cgroup2") AddCgroupView(input, mount, line);
            else line("lxc.mount.entry", Entry(mount.Source ?? mount.Type ?? "none", mount.Destination, mount.Type ?? "none", mount.Options ?? [], "create=dir"));
        }
        line("lxc.autodev", ownDev ? "1" : "0");
        line("lxc.pty.max", terminals ? "1024" : "0");
        var devices = Devices(input.Spec);
        for (int i = 0; i < devices.Count; i++) line("lxc.mount.entry", Entry(Device(input.Paths, i), devices[i].Path, "none", ["bind"], "create=file"));
        foreach (string path in input.Spec.Linux.ReadonlyPaths ?? [])
        {
            if (input.KernelPaths.ContainsKey(path)) line("lxc.mount.entry", Entry(RootMount(input.Paths) + path, path, "none", ["bind", "ro", "optional"]));
        }
        foreach (string path in input.Spec.Linux.MaskedPaths ?? [])
        {
            if (!input.KernelPaths.TryGetValue(path, out bool directory)) continue;
            line("lxc.mount.entry", directory ? Entry("tmpfs", path, "tmpfs", ["ro", "nr_blocks=1", "nr_inodes=1", "optional"]) : Entry("/dev/null", path, "none", ["bind", "optional"]));
        }
    }

    /// <summary>The devices that were asked for, but for those that LXC makes itself.</summary>
    public static List<DeviceSpec> Devices(RuntimeSpec spec) =>
        [.. (spec.Linux.Devices ?? []).Where(d => d.Path is not ("/dev/ptmx" or "/dev/console" or "/dev/null" or "/dev/zero" or "/dev/full" or "/dev/random" or "/dev/urandom" or "/dev/tty"))];

    private static string Bind(string source, MountSpec mount)
    {
        var options = new List<string> { "rbind" };
        foreach (string option in mount.Options ?? [])
        {
            if (option is "slave" or "rslave" or "shared" or "rshared" or "unbindable" or "runbindable" or "private" or "rprivate") options.Add(option);
        }
        return Entry(source, mount.Destination, "none", options, mount.Type == "file" ? "create=file" : "create=dir");
    }

    /// <summary>A line as in fstab(5): blanks in paths are octal numbers.</summary>
    private static string Entry(string source, string destination, string type, IReadOnlyList<string> options, params ReadOnlySpan<string> more) =>
        $"{Escape(source)} {Escape(destination.TrimStart('/'))} {type} {string.Join(',', [.. options.Where(o => o.Length > 0), .. more])} 0 0";

    private static string Escape(string path) => path.Replace("\\", "\\134").Replace(" ", "\\040").Replace("\t", "\\011").Replace("\n", "\\012");

    private static void AddProcess(ProcessSpec process, Action<string, string> line)
    {
        line("lxc.init.uid", Text(process.User.Uid));
        line("lxc.init.gid", Text(process.User.Gid));
        if (process.User.AdditionalGids is { Count: > 0 } groups) line("lxc.init.groups", string.Join(',', groups.Select(g => Text(g))));
        line("lxc.init.cwd", process.Cwd.Length == 0 ? "/" : process.Cwd);
        foreach (string variable in process.Env) line("lxc.environment", variable);
        var kept = process.Capabilities?.Bounding ?? [];
        var missing = CapabilitySets.Of(process.Capabilities);
        if ((missing.Bounding & Every) != Every) line("lxc.cap.keep", kept.Count == 0 ? "none" : string.Join(' ', kept.Select(c => c.ToLowerInvariant().Replace("cap_", "", StringComparison.Ordinal))));
        if (process.NoNewPrivileges) line("lxc.no_new_privs", "1");
        if (process.OomScoreAdj is { } score) line("lxc.proc.oom_score_adj", Text(score));
        foreach (var limit in process.Rlimits ?? [])
            line("lxc.prlimit." + limit.Type.ToLowerInvariant().Replace("rlimit_", "", StringComparison.Ordinal), $"{Limit(limit.Soft)}:{Limit(limit.Hard)}");
    }

    private static ulong Every => (1UL << (CapabilitySets.Last + 1)) - 1;

    private static string Limit(ulong value) => value == ulong.MaxValue ? "unlimited" : Text(value);

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
