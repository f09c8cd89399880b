using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Gantry.Linux.Security;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Runtime;

internal sealed partial class RuntimeVerbs
{
    /// <summary>The containers of a root, as a table or as JSON.</summary>
    public int List()
    {
        arguments.AllowOnly("format", "quiet");
        var all = store.All().Select(store.Answer).ToList();
        if (arguments.Has("quiet")) all.ForEach(c => Output.WriteLine(c.Id));
        else if (arguments.Value("format") is "json") Output.WriteLine(JsonSerializer.Serialize(all, RuntimeJson.Default.ListStateAnswer));
        else WriteTable(["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"], all.Select(c => new[] { c.Id, c.Pid.ToString(CultureInfo.InvariantCulture), c.Status, c.Bundle, c.Created, c.Owner }));
        return 0;
    }

    private void WriteTable(string[] head, IEnumerable<string[]> rows)
    {
        List<string[]> lines = [head, .. rows];
        int[] widths = [.. head.Select((_, column) => lines.Max(line => line[column].Length))];
        foreach (string[] line in lines) Output.WriteLine(string.Join("   ", line.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }

    /// <summary>The processes of a container: their ids as JSON, or the lines of the host's ps(1) about them.</summary>
    public int Ps()
    {
        arguments.AllowOnly("format");
        var state = store.Read(arguments.Id);
        var processes = Cgroups.Open(state.Container.CgroupsPath).Processes();
        if (arguments.Value("format") is "json")
        {
            Output.WriteLine(JsonSerializer.Serialize([.. processes], RuntimeJson.Default.ListInt32));
            return 0;
        }
        string[] options = arguments.Operands.Count > 1 ? [.. arguments.Operands.Skip(1)] : ["-ef"];
        using var ps = Process.Start(new ProcessStartInfo("ps", options) { RedirectStandardOutput = true })!;
        string[] lines = ps.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        ps.WaitForExit();
        if (ps.ExitCode != 0 || lines.Length == 0) throw new RuntimeException("ps failed");
        int column = Array.IndexOf(lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries), "PID");
        if (column < 0) throw new RuntimeException("couldn't find PID field in ps output");
        Output.WriteLine(lines[0]);
        foreach (string line in lines.Skip(1))
        {
            if (int.TryParse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[column], out int pid) && processes.Contains(pid)) Output.WriteLine(line);
        }
        return 0;
    }

    public int Features()
    {
        arguments.AllowOnly();
        var features = new RuntimeFeatures();
        features.Linux.Capabilities.AddRange(CapabilitySet.Supported.Names);
        Output.WriteLine(JsonSerializer.Serialize(features, RuntimeJson.Default.RuntimeFeatures));
        return 0;
    }

    /// <summary>Writes a specification to begin with.</summary>
    public int Spec()
    {
        arguments.AllowOnly("bundle");
        string file = Path.Combine(arguments.Value("bundle") ?? ".", "config.json");
        if (File.Exists(file)) throw new RuntimeException($"File {file} exists. Remove it first");
        File.WriteAllText(file, JsonSerializer.Serialize(StartingSpec(), RuntimeJson.Default.RuntimeSpec) + "\n");
        return 0;
    }

    private static RuntimeSpec StartingSpec()
    {
        List<string> capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
        MountSpec Mount(string destination, string type, params string[] options) => new() { Destination = destination, Type = type, Source = type, Options = [.. options] };
        return new RuntimeSpec
        {
            Process = new ProcessSpec
            {
                Terminal = true,
                Args = ["sh"],
                Env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
                Capabilities = new CapabilitiesSpec { Bounding = capabilities, Effective = capabilities, Permitted = capabilities },
                Rlimits = [new RlimitSpec { Type = "RLIMIT_NOFILE", Hard = 1024, Soft = 1024 }],
                NoNewPrivileges = true,
            },
            Root = new RootSpec { Path = "rootfs", Readonly = true },
            Hostname = "gantry",
            Mounts =
            [
                Mount("/proc", "proc", "nosuid", "noexec", "nodev"),
                Mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
                Mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
                Mount("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
                Mount("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
                Mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
                Mount("/sys/fs/cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro"),
            ],
            Linux = new LinuxSpec
            {
                Resources = new ResourcesSpec { Devices = [new DeviceRuleSpec { Access = "rwm" }] },
                Namespaces = [.. new[] { "pid", "network", "ipc", "uts", "mount", "cgroup" }.Select(type => new NamespaceSpec { Type = type })],
                MaskedPaths = ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"],
                ReadonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
            },
        };
    }
}
