using Gantry.Linux.Processes;
using Gantry.Supervisor.Drivers;
using Gantry.Supervisor.Drivers.Lxc;
using Gantry.Supervisor.Drivers.Native;
using Gantry.Supervisor.Protocol;

namespace Gantry.Unit.Supervisor;

public sealed class LxcDriverTests
{
    private static LxcInput Input(RuntimeSpec spec, bool unified = false, params string[] joined) => new()
    {
        Spec = spec,
        Paths = new BundlePaths("/run/x/bundle"),
        CgroupPath = "/gantry/aaaa",
        CgroupUnified = unified,
        CgroupViews = unified ? [new CgroupView("cgroup", "/sys/fs/cgroup/gantry/aaaa", [])] : [new CgroupView("cpu", "/sys/fs/cgroup/cpu/gantry/aaaa", []), new CgroupView("memory", "/sys/fs/cgroup/memory/gantry/aaaa", [])],
        Bound = new HashSet<int> { 7, 8 },
        Joined = joined.ToHashSet(),
        KernelPaths = new Dictionary<string, bool> { ["/proc/kcore"] = false, ["/proc/acpi"] = true, ["/proc/sys"] = true },
        Seccomp = true,
    };

    [Theory]
    [InlineData(false, "lxc.conf")]
    [InlineData(true, "lxc.cgroup2.conf")]
    public void The_configuration_is_the_one_that_is_kept(bool unified, string name) => GoldenFile.Matches(name, LxcConfig.Build(Input(DriverSpecs.Full(), unified, "network")));

    [Fact]
    public void The_hooks_are_those_that_are_kept() => GoldenFile.Matches("lxc-hooks.sh", string.Concat(
        LxcScripts.SystemControls(DriverSpecs.Full(), ownNames: true), LxcScripts.KeepMemory("/sys/fs/cgroup/memory/a b/memory.oom_control", "/run/x/it's"), LxcScripts.Gate("/run/x/pid", "/run/x/gate")));

    public static TheoryData<string, Action<RuntimeSpec>> Impossible => new()
    {
        { "a user namespace", spec => spec.Linux.UidMappings = [new IdMappingSpec { HostId = 1000, Size = 10 }] },
        { "a line break in lxc.environment (\"A=1\\nB\")", spec => spec.Process!.Env.Add("A=1\nB") },
        { "a root file system with shared propagation", spec => spec.Linux.RootfsPropagation = "shared" },
        { "ambient capabilities", spec => spec.Process!.Capabilities!.Ambient = ["CAP_CHOWN"] },
        { "an AppArmor profile", spec => spec.Process!.ApparmorProfile = "x" },
    };

    [Theory, MemberData(nameof(Impossible))]
    public void What_LXC_cannot_do_is_refused_by_name(string what, Action<RuntimeSpec> change)
    {
        var spec = DriverSpecs.Full();
        change(spec);
        var refused = Assert.Throws<DriverException>(() => LxcConfig.Build(Input(spec)));
        Assert.Equal((FailureKind.Unsupported, $"the lxc driver cannot give a container {what}; use the native driver or an OCI runtime"), (refused.Failure.Kind, refused.Message));
    }

    [Fact]
    public void Nobody_is_given_every_capability_by_leaving_the_line_out()
    {
        var spec = DriverSpecs.Full();
        spec.Process!.Capabilities = new CapabilitiesSpec();
        Assert.Contains("lxc.cap.keep = none\n", LxcConfig.Build(Input(spec)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_seccomp_profile_becomes_LXCs_own() => GoldenFile.Matches("lxc-seccomp", LxcSeccomp.Translate(new SeccompSpec
    {
        DefaultAction = "SCMP_ACT_ERRNO",
        DefaultErrnoRet = 38,
        Syscalls =
        [
            new SeccompRuleSpec { Names = ["read", "write"], Action = "SCMP_ACT_ALLOW" },
            new SeccompRuleSpec { Names = ["clone"], Action = "SCMP_ACT_ALLOW", Args = [new SeccompArgumentSpec { Index = 0, Value = 0x7E020000, ValueTwo = 0, Op = "SCMP_CMP_MASKED_EQ" }] },
            new SeccompRuleSpec { Names = ["socket"], Action = "SCMP_ACT_ALLOW", Args = [new SeccompArgumentSpec { Index = 0, Value = 40, Op = "SCMP_CMP_NE" }, new SeccompArgumentSpec { Index = 1, Value = 3, Op = "SCMP_CMP_EQ" }] },
            new SeccompRuleSpec { Names = ["says_nothing_new"], Action = "SCMP_ACT_ERRNO", ErrnoRet = 38 },
            new SeccompRuleSpec { Names = ["clone3"], Action = "SCMP_ACT_ERRNO", ErrnoRet = 1 },
            new SeccompRuleSpec { Names = ["ptrace"], Action = "SCMP_ACT_KILL_PROCESS" },
        ],
    }));

    [Fact]
    public void A_profile_that_allows_by_default_is_a_list_of_refusals() =>
        Assert.Equal("2\ndenylist allow\n[all]\nmkdir errno 13\n", LxcSeccomp.Translate(new SeccompSpec { DefaultAction = "SCMP_ACT_ALLOW", Syscalls = [new SeccompRuleSpec { Names = ["mkdir"], Action = "SCMP_ACT_ERRNO", ErrnoRet = 13 }] }));

    [Theory]
    [InlineData("No such file or directory", "nothing", FailureKind.CommandNotFound, "exec: \"nothing\": executable file not found in $PATH")]
    [InlineData("No such file or directory", "/nothing", FailureKind.CommandNotFound, "exec: \"/nothing\": stat /nothing: no such file or directory")]
    [InlineData("Permission denied", "/etc/passwd", FailureKind.CommandNotExecutable, "exec: \"/etc/passwd\": permission denied")]
    public void A_command_that_cannot_be_run_is_told_from_other_failures(string reason, string command, FailureKind kind, string message)
    {
        string log = $"""
            lxc-start a 20261126014401.365 INFO     conf - ../src/lxc/conf.c:f:1 - fine
            lxc-start a 20261126014401.365 ERROR    start - ../src/lxc/start.c:start:2197 - {reason} - Failed to exec "{command}"
            lxc-start a 20261126014401.365 ERROR    sync - ../src/lxc/sync.c:sync_wait:34 - An error occurred in another process (expected sequence number 7)

            """;
        var failure = LxcLog.Failure(log, command);
        Assert.Equal((kind, message), (failure.Kind, failure.Message));
    }

    [Theory]
    [InlineData("error (7)", 7, 0)]
    [InlineData("signal SIGKILL(9)", 137, 9)]
    public void The_log_tells_how_it_ended(string end, int code, int signal) =>
        Assert.Equal(new ExitStatus(code, signal), LxcLog.Exit($"lxc-start t1 20261126014401.153 INFO     error - ../src/lxc/error.c:lxc_error_set_and_log:31 - Child <2057> ended on {end}\n"));

    [Fact]
    public void The_log_tells_the_first_process() =>
        Assert.Equal(2057, LxcLog.StartedPid("lxc-start t1 20261126014400.983 NOTICE   start - ../src/lxc/start.c:post_start:2205 - Started \"/bin/sh\" with pid \"2057\"\n"));
}
