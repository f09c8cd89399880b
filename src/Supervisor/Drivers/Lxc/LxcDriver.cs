using System.Text.Json;
using Gantry.Linux.Cgroups;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Containers;
using Gantry.Supervisor.Drivers.Native;
using Gantry.Supervisor.Drivers.Oci;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Lxc;

/// <summary>Runs containers by LXC's <c>lxc-start</c>, in the foreground: it stays as the container's monitor, between this process and the container's first.</summary>
internal sealed class LxcDriver : IExecDriver
{
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private readonly CgroupfsDriver cgroups = new(CgroupLayout.Detect());

    /// <summary>LXC keeps a lock for every container here, for ever; each monitor gets a file system of its own for it, which goes with it.</summary>
    private const string OwnFolder = "/run/lxc";

    public static string LogFile(BundlePaths paths) => Path.Combine(paths.Bundle, "log");

    public IDriverContainer Start(StartRequest request)
    {
        var run = request.Run;
        var spec = run.Spec;
        var root = request.Root ?? throw new DriverException(new Failure { Kind = FailureKind.Unsupported, Message = "the lxc driver needs the root file system as a mount's descriptor" });
        string program = FindProgram();
        SpecVerification.Verify(spec, request.Namespaces);
        MakeMountPoints(spec, root);
        var paths = new BundlePaths(Path.Combine(run.StateDirectory, "bundle"));
        string cgroupPath = ContainerStates.CgroupPath(run);
        using var mounts = BundleMounts.LayOut(request, root, paths);
        WriteFiles(request, paths, cgroupPath);
        PrepareGroups(cgroupPath);
        Directory.CreateDirectory(OwnFolder);
        using var own = DetachedMount.Create("tmpfs", ["mode=700"]);
        using var terminal = spec.Process!.Terminal ? HostTerminal.Create() : null;
        if (terminal is not null && spec.Process.ConsoleSize is { Height: > 0, Width: > 0 } size) ConsoleListener.SetSize(terminal.Master, size);
        var monitor = new HostProgram
        {
            Command = [program, "-F", "-q", "-n", run.Container, "-P", paths.Bundle, "-f", ConfigFile(paths), "-o", LogFile(paths), "-l", "INFO", "--", .. spec.Process.Args],
            Stdin = request.Stdio.Stdin,
            Stdout = request.Stdio.Stdout,
            Stderr = request.Stdio.Stderr,
            Terminal = terminal?.Slave,
            Mounts = [.. mounts.All, (own, OwnFolder)],
        }.Start();
        return Begin(request, paths, monitor, terminal);
    }

    private IDriverContainer Begin(StartRequest request, BundlePaths paths, PidFd monitor, HostTerminal? terminal)
    {
        var run = request.Run;
        try
        {
            var init = new MonitorStart(paths, monitor, run.Spec.Process!.Args[0]).Wait();
            if (terminal is not null) ConsoleListener.Forward(request.Stdio.ConsoleSocket!, terminal.Master);
            bool sharesPids = request.Namespaces.ContainsKey("pid") || run.Spec.Linux.Namespaces.All(n => n.Type != "pid");
            var state = ContainerStates.Of(run, init, sharesPids);
            state.MonitorPid = monitor.Pid;
            state.MonitorStartTime = PidFd.StartTime(monitor.Pid) ?? 0;
            return Container(state, init, monitor);
        }
        catch
        {
            if (monitor.Signal(9)) monitor.Wait();
            monitor.Dispose();
            throw;
        }
    }

    public IDriverContainer Adopt(ContainerState state, PidFd init)
    {
        PidFd? monitor = null;
        try
        {
            if (PidFd.StartTime(state.MonitorPid) == state.MonitorStartTime) monitor = PidFd.Open(state.MonitorPid);
        }
        catch (KernelException e) when (e.Errno == Errno.ESRCH)
        {
            // It has gone, and its container with it.
        }
        return Container(state, init, monitor);
    }

    public void Clear(ContainerState state)
    {
        CgroupContainer.Clear(cgroups.Open(LxcConfig.MonitorGroup(state.CgroupsPath)));
        CgroupContainer.Clear(cgroups.Open(state.CgroupsPath));
    }

    private LxcContainer Container(ContainerState state, PidFd init, PidFd? monitor) =>
        new(init, monitor, cgroups.Open(state.CgroupsPath), cgroups.Open(LxcConfig.MonitorGroup(state.CgroupsPath)), state);

    private static string ConfigFile(BundlePaths paths) => Path.Combine(paths.Bundle, "config");

    private static string FindProgram() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, "lxc-start")).FirstOrDefault(File.Exists)
        ?? throw new DriverException(new Failure { Kind = FailureKind.Unsupported, Message = "the lxc driver needs the program lxc-start: install the package lxc" });

    /// <summary>LXC follows no links on its way to a mount point, and makes none in a read-only root.</summary>
    private static void MakeMountPoints(RuntimeSpec spec, Fd root)
    {
        foreach (var mount in spec.Mounts)
        {
            mount.Destination = MountPointPath.Resolve(root, mount.Destination);
            bool below = spec.Mounts.Any(m => m != mount && m.Type is not ("bind" or "file") && mount.Destination.StartsWith(m.Destination + "/", StringComparison.Ordinal));
            if (!below) MountPoints.Ensure(root, mount.Destination, directory: mount.Type != "file");
        }
        string cwd = spec.Process!.Cwd = MountPointPath.Resolve(root, spec.Process.Cwd);
        bool mounted = spec.Mounts.Any(m => cwd == m.Destination || cwd.StartsWith(m.Destination + "/", StringComparison.Ordinal));
        if (cwd.Length > 1 && !mounted) MountPoints.Ensure(root, cwd, directory: true);
    }

    private void WriteFiles(StartRequest request, BundlePaths paths, string cgroupPath)
    {
        var spec = request.Run.Spec;
        Directory.CreateDirectory(LxcConfig.RootMount(paths));
        MakeDevices(spec, paths);
        bool unified = cgroups.Layout.Version == 2;
        if (spec.Linux.Seccomp is { } seccomp) File.WriteAllText(LxcConfig.SeccompFile(paths), LxcSeccomp.Translate(JsonSerializer.Deserialize(seccomp.Utf8.Span, SupervisorJson.Default.SeccompSpec)!));
        File.WriteAllText(ConfigFile(paths), LxcConfig.Build(new LxcInput
        {
            Spec = spec,
            Paths = paths,
            CgroupPath = cgroupPath,
            CgroupUnified = unified,
            CgroupViews = CgroupTranslation.Views(cgroups.Layout, cgroups.Open(cgroupPath)),
            Bound = request.MountSources.Keys.ToHashSet(),
            Joined = request.Namespaces.Keys.ToHashSet(StringComparer.Ordinal),
            KernelPaths = KernelPaths(spec),
            Seccomp = spec.Linux.Seccomp is not null,
        }));
        bool ownNames = spec.Linux.Namespaces.Exists(n => n.Type == "uts") && !request.Namespaces.ContainsKey("uts");
        WriteScript(LxcConfig.SystemControlsFile(paths), LxcScripts.SystemControls(spec, ownNames));
        var memory = cgroups.Layout.Find("memory");
        string group = memory is null ? "/dev/null" : cgroups.Open(cgroupPath).PathIn(memory) + (unified ? "/memory.events" : "/memory.oom_control");
        WriteScript(LxcConfig.MemoryHookFile(paths), LxcScripts.KeepMemory(group, LxcConfig.MemoryFile(paths)));
        WriteScript(LxcConfig.GateHookFile(paths), LxcScripts.Gate(LxcConfig.PidFile(paths), LxcConfig.GateFile(paths)));
        MonitorStart.MakeGate(paths);
        File.WriteAllBytes(LogFile(paths), []);
    }

    private static void WriteScript(string path, string text)
    {
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, Executable);
    }

    /// <summary>/proc and /sys are the same in every container: the host's tell what is there to be masked.</summary>
    private static Dictionary<string, bool> KernelPaths(RuntimeSpec spec)
    {
        var found = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (string path in (spec.Linux.MaskedPaths ?? []).Concat(spec.Linux.ReadonlyPaths ?? []))
        {
            if (Path.Exists(path)) found[path] = Directory.Exists(path);
        }
        return found;
    }

    private static void MakeDevices(RuntimeSpec spec, BundlePaths paths)
    {
        var devices = LxcConfig.Devices(spec);
        if (devices.Count == 0) return;
        string folder = Path.GetDirectoryName(LxcConfig.Device(paths, 0))!;
        Directory.CreateDirectory(folder);
        using var directory = DirectoryFd.Open(folder);
        for (int i = 0; i < devices.Count; i++)
        {
            var device = devices[i];
            var type = device.Type switch { "b" => FileType.BlockDevice, "p" => FileType.Fifo, _ => FileType.CharacterDevice };
            string name = Path.GetFileName(LxcConfig.Device(paths, i));
            directory.MakeNode(name, type, device.FileMode ?? 0x1B6, new DeviceNumber((uint)device.Major, (uint)device.Minor));
            File.SetUnixFileMode(Path.Combine(folder, name), (UnixFileMode)((device.FileMode ?? 0x1B6) & 0x1FF));
        }
    }

    /// <summary>LXC makes the container's group itself and refuses one that is there: the parents are made here, and a left-over removed.</summary>
    private void PrepareGroups(string cgroupPath)
    {
        foreach (string path in new[] { cgroupPath, LxcConfig.MonitorGroup(cgroupPath) })
        {
            if (!cgroups.Create(path).TryDelete()) throw new DriverException(new Failure { Message = $"the cgroup {path} is in use" });
        }
    }
}
