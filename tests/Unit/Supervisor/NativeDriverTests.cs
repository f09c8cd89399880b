using System.Text;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Drivers;
using Gantry.Supervisor.Drivers.Native;
using Gantry.Supervisor.Protocol;

namespace Gantry.Unit.Supervisor;

public sealed class NativeDriverTests : IDisposable
{
    private readonly BusyboxRoot root = new();
    private readonly NativeDriver driver;
    private readonly string parent = $"/gantry-test-{Environment.ProcessId}-{Guid.NewGuid():N}";

    public NativeDriverTests() => driver = new NativeDriver(root.Run);

    public void Dispose()
    {
        root.Dispose();
        foreach (string hierarchy in Directory.GetDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup"))
        {
            if (Directory.Exists(hierarchy + parent)) Directory.Delete(hierarchy + parent);
        }
    }

    private RuntimeSpec Spec(params string[] command) => new()
    {
        Hostname = "box",
        Process = new ProcessSpec
        {
            Args = [.. command],
            Env = ["PATH=/usr/bin:/bin", "HOME=/"],
            Capabilities = new CapabilitiesSpec { Bounding = ["CAP_CHOWN", "CAP_KILL"], Effective = ["CAP_CHOWN", "CAP_KILL"], Permitted = ["CAP_CHOWN", "CAP_KILL"] },
        },
        Mounts =
        [
            new() { Destination = "/proc", Type = "proc", Source = "proc", Options = ["nosuid", "noexec", "nodev"] },
            new() { Destination = "/dev", Type = "tmpfs", Source = "tmpfs", Options = ["nosuid", "strictatime", "mode=755", "size=65536k"] },
            new() { Destination = "/dev/pts", Type = "devpts", Source = "devpts", Options = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
            new() { Destination = "/sys", Type = "sysfs", Source = "sysfs", Options = ["nosuid", "noexec", "nodev", "ro"] },
            new() { Destination = "/sys/fs/cgroup", Type = "cgroup", Source = "cgroup", Options = ["ro", "nosuid", "noexec", "nodev"] },
            new() { Destination = "/dev/mqueue", Type = "mqueue", Source = "mqueue", Options = ["nosuid", "noexec", "nodev"] },
            new() { Destination = "/dev/shm", Type = "tmpfs", Source = "shm", Options = ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"] },
        ],
        Linux = new LinuxSpec
        {
            CgroupsPath = $"{parent}/{Guid.NewGuid():N}",
            Namespaces = [new() { Type = "mount" }, new() { Type = "pid" }, new() { Type = "uts" }, new() { Type = "ipc" }, new() { Type = "network" }],
            MaskedPaths = ["/proc/keys", "/proc/no-such-file", "/sys/firmware"],
            ReadonlyPaths = ["/proc/sys", "/proc/sysrq-trigger"],
        },
    };

    private (ExitStatus Exit, string Output) Run(RuntimeSpec spec, Dictionary<int, Fd>? binds = null)
    {
        using var output = Pipe.Create();
        using var input = OpenFile.ReadOnly("/dev/null");
        using var mounted = root.Mount();
        var container = driver.Start(new StartRequest
        {
            Run = new RunRequest { Container = "test", Spec = spec },
            Root = mounted,
            Stdio = new ChildStdio(input, output.Write, output.Write, null),
            Namespaces = new Dictionary<string, Fd>(),
            MountSources = binds ?? [],
        });
        output.Write.Dispose();
        string text = ReadAll(output.Read);
        var exit = container.Init.Wait()!.Value;
        container.Init.Dispose();
        container.Delete();
        return (exit, text);
    }

    private static string ReadAll(Fd source)
    {
        using var stream = new FileStream(new Microsoft.Win32.SafeHandles.SafeFileHandle(source.Duplicate().Release(), ownsHandle: true), FileAccess.Read, 0);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    [NeedsFact(BusyboxRoot.Program)]
    public void A_container_runs_its_command_and_its_exit_code_comes_back()
    {
        var (exit, output) = Run(Spec("sh", "-c", "echo hello; exit 3"));
        Assert.Equal((3, "hello\n"), (exit.Code, output));
    }

    [NeedsFact(BusyboxRoot.Program)]
    public void A_container_is_process_one_with_its_own_host_name_and_root()
    {
        var (_, output) = Run(Spec("sh", "-c", "echo $$; hostname; ls /"));
        Assert.Equal("1\nbox\nbin\ndev\netc\nproc\nsys\ntmp\n", output);
    }

    [NeedsFact(BusyboxRoot.Program)]
    public void A_container_has_just_the_capabilities_of_its_spec()
    {
        var (_, output) = Run(Spec("grep", "-E", "Cap(Eff|Prm|Bnd|Inh|Amb)", "/proc/self/status"));
        Assert.Equal("CapInh:\t0000000000000000\nCapPrm:\t0000000000000021\nCapEff:\t0000000000000021\nCapBnd:\t0000000000000021\nCapAmb:\t0000000000000000\n", output);
    }

    [NeedsFact(BusyboxRoot.Program)]
    public void Masked_paths_are_empty_and_read_only_paths_refuse_writes()
    {
        var (_, output) = Run(Spec("sh", "-c", "cat /proc/keys | wc -c; ls /sys/firmware | wc -l; echo x > /proc/sys/kernel/hostname || echo refused"));
        Assert.Contains("0\n0\n", output);
        Assert.Contains("refused", output);
    }

    [NeedsFact(BusyboxRoot.Program)]
    public void A_container_sees_no_mount_of_the_host()
    {
        var (_, output) = Run(Spec("cat", "/proc/self/mounts"));
        string[] points = [.. output.Trim().Split('\n').Select(line => line.Split(' ')[1])];
        Assert.All(points, point => Assert.True(point is "/" || point.StartsWith("/dev", StringComparison.Ordinal) || point.StartsWith("/proc", StringComparison.Ordinal) || point.StartsWith("/sys", StringComparison.Ordinal), point));
        Assert.Equal(1, points.Count(p => p == "/"));
    }

    [NeedsFact(BusyboxRoot.Program)]
    public void No_descriptor_of_the_supervisor_is_open_in_a_container()
    {
        var (_, output) = Run(Spec("ls", "/proc/self/fd"));
        Assert.Equal(["0", "1", "2", "3"], output.Trim().Split('\n'));   // 3 is the listing's own
    }

    [NeedsTheory(BusyboxRoot.Program)]
    [InlineData("/no/such/program", FailureKind.CommandNotFound, "exec: \"/no/such/program\": stat /no/such/program: no such file or directory")]
    [InlineData("no-such-program", FailureKind.CommandNotFound, "exec: \"no-such-program\": executable file not found in $PATH")]
    [InlineData("/etc/passwd", FailureKind.CommandNotExecutable, "exec: \"/etc/passwd\": permission denied")]
    public void A_command_that_cannot_run_is_reported_in_known_words(string command, FailureKind kind, string message)
    {
        var error = Assert.Throws<DriverException>(() => Run(Spec(command)));
        Assert.Equal((kind, message), (error.Failure.Kind, error.Failure.Message));
    }

    [NeedsFact(BusyboxRoot.Program)]
    public void A_failed_start_leaves_no_cgroup()
    {
        var spec = Spec("/no/such/program");
        Assert.Throws<DriverException>(() => Run(spec));
        Assert.False(Directory.Exists("/sys/fs/cgroup/pids" + spec.Linux.CgroupsPath) || Directory.Exists("/sys/fs/cgroup" + spec.Linux.CgroupsPath));
    }

    [NeedsFact(BusyboxRoot.Program)]
    public void A_user_without_privileges_runs_with_its_ids_and_groups()
    {
        var spec = Spec("sh", "-c", "id -u; id -g; id -G");
        spec.Process!.User = new UserSpec { Uid = 1234, Gid = 4321, AdditionalGids = [7, 9] };
        Assert.Equal("1234\n4321\n4321 7 9\n", Run(spec).Output);
    }

    [NeedsFact(BusyboxRoot.Program)]
    public void A_read_only_root_refuses_writes()
    {
        var spec = Spec("touch", "/file");
        spec.Root = new RootSpec { Readonly = true };
        Assert.Contains("Read-only file system", Run(spec).Output);
    }

    [NeedsFact(BusyboxRoot.Program)]
    public void A_mount_point_below_a_link_of_the_image_stays_in_the_container()
    {
        File.CreateSymbolicLink(Path.Combine(root.Lower, "out"), "/tmp/gantry-test-outside");
        var spec = Spec("ls", "/tmp/gantry-test-outside");
        spec.Mounts.Add(new() { Destination = "/out/data", Type = "tmpfs", Source = "tmpfs", Options = [] });
        Assert.Equal("data\n", Run(spec).Output);
        Assert.False(Directory.Exists("/tmp/gantry-test-outside"));
    }
}
