using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Drivers;

public sealed partial class DriverTests
{
    private static readonly bool Unified = File.Exists("/sys/fs/cgroup/cgroup.controllers");

    /// <summary>A control file of the container's group, read on the host: by its name in cgroup v1 or in v2.</summary>
    private string Control(string id, string controller, string v1, string v2) =>
        File.ReadAllText(Unified ? $"/sys/fs/cgroup/{engine.Name}/{id}/{v2}" : $"/sys/fs/cgroup/{controller}/{engine.Name}/{id}/{v1}").Trim();

    /// <summary>Cpu shares; in cgroup v2 the weight that they become, by the rule of runc before 1.3.2 or by the later one.</summary>
    private void AssertShares(string id, string shares, string weightBefore, string weight) =>
        Assert.Contains(Control(id, "cpu", "cpu.shares", "cpu.weight"), Unified ? [weightBefore, weight] : (string[])[shares]);

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Memory_cpu_and_process_limits_are_set(string driver) => await WithIdleAsync(driver, id =>
    {
        Assert.Equal((32 << 20).ToString(), Control(id, "memory", "memory.limit_in_bytes", "memory.max"));
        AssertShares(id, "512", "20", "59");
        Assert.Equal("50000 100000", Unified ? Control(id, "cpu", "", "cpu.max") : $"{Control(id, "cpu", "cpu.cfs_quota_us", "")} {Control(id, "cpu", "cpu.cfs_period_us", "")}");
        Assert.Equal("0", Control(id, "cpuset", "cpuset.cpus", "cpuset.cpus"));
        Assert.Equal("40", Control(id, "pids", "pids.max", "pids.max"));
        return Task.CompletedTask;
    }, new JsonObject { ["Memory"] = 32 << 20, ["CpuShares"] = 512, ["CpuQuota"] = 50000, ["CpuPeriod"] = 100000, ["CpusetCpus"] = "0", ["PidsLimit"] = 40 });

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task It_sees_its_own_limits_and_cannot_change_them(string driver)
    {
        var (_, output) = await RunAsync(driver, "cd /sys/fs/cgroup; [ -e memory.max ] || cd memory; cat memory.max memory.limit_in_bytes 2>/dev/null; mkdir x 2>&1 | grep -c 'Read-only'", new JsonObject { ["Memory"] = 32 << 20 });
        Assert.Equal($"{32 << 20}\n1\n", output);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task An_update_changes_what_runs(string driver) => await WithIdleAsync(driver, async id =>
    {
        Assert.Equal(200, (await engine.PostAsync($"/containers/{id}/update", new JsonObject { ["Memory"] = 48 << 20, ["MemorySwap"] = 96 << 20, ["CpuShares"] = 300, ["PidsLimit"] = 30 })).Status);
        Assert.Equal(((48 << 20).ToString(), "30"), (Control(id, "memory", "memory.limit_in_bytes", "memory.max"), Control(id, "pids", "pids.max", "pids.max")));
        AssertShares(id, "300", "12", "39");
    }, new JsonObject { ["Memory"] = 32 << 20, ["CpuShares"] = 512, ["PidsLimit"] = 40 });

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Too_many_processes_are_refused(string driver)
    {
        var (_, output) = await RunAsync(driver, "i=0; while [ $i -lt 20 ]; do sleep 1000 & i=$((i+1)); done; echo started", new JsonObject { ["PidsLimit"] = 8 });
        Assert.Contains("can't fork", output, StringComparison.Ordinal);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Want_of_memory_ends_it_and_is_told(string driver)
    {
        string id = await engine.RunAsync(Script(driver, "exec tail /dev/zero", new JsonObject { ["Memory"] = 16 << 20, ["MemorySwap"] = 16 << 20 }));
        Assert.Equal(137, await engine.WaitAsync(id));
        Assert.True((await StateAsync(id)).GetProperty("OOMKilled").GetBoolean());
        await engine.RemoveAsync(id);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Resource_limits_are_set(string driver)
    {
        var host = new JsonObject { ["Ulimits"] = new JsonArray(new JsonObject { ["Name"] = "nofile", ["Soft"] = 321, ["Hard"] = 654 }) };
        Assert.Equal("321\n654\n", (await RunAsync(driver, "ulimit -Sn; ulimit -Hn", host)).Output);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task It_has_the_default_capabilities(string driver) =>
        Assert.Equal("CapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\n", (await RunAsync(driver, "grep -E 'Cap(Prm|Eff|Bnd)' /proc/self/status")).Output);

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Capabilities_are_added_and_dropped(string driver)
    {
        var host = new JsonObject { ["CapDrop"] = new JsonArray("ALL"), ["CapAdd"] = new JsonArray("CHOWN", "NET_ADMIN") };
        Assert.Equal("CapEff:\t0000000000001001\nCapBnd:\t0000000000001001\n", (await RunAsync(driver, "grep -E 'Cap(Eff|Bnd)' /proc/self/status", host)).Output);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Another_user_has_no_capabilities(string driver)
    {
        var config = Script(driver, "grep -E 'Cap(Prm|Eff)' /proc/self/status");
        config["User"] = "65534";
        Assert.Equal("CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n", (await RunAsync(config)).Output);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task The_seccomp_filter_holds(string driver)
    {
        var (_, output) = await RunAsync(driver, "grep Seccomp: /proc/self/status; unshare -U true 2>&1; echo $?");
        Assert.StartsWith("Seccomp:\t2\n", output, StringComparison.Ordinal);
        Assert.EndsWith("Operation not permitted\n1\n", output, StringComparison.Ordinal);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_profile_of_its_own_replaces_the_filter(string driver)
    {
        const string profile = """{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":13}]}""";
        var (code, output) = await RunAsync(driver, "mkdir /new 2>&1; touch /file && echo touched", new JsonObject { ["SecurityOpt"] = new JsonArray("seccomp=" + profile) });
        Assert.Equal((0, "mkdir: can't create directory '/new': Permission denied\ntouched\n"), (code, output));
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Unconfined_has_no_filter(string driver) =>
        Assert.Equal("Seccomp:\t0\n", (await RunAsync(driver, "grep Seccomp: /proc/self/status", new JsonObject { ["SecurityOpt"] = new JsonArray("seccomp=unconfined") })).Output);

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task No_new_privileges_is_set(string driver) =>
        Assert.Equal("NoNewPrivs:\t1\n", (await RunAsync(driver, "grep NoNewPrivs /proc/self/status", new JsonObject { ["SecurityOpt"] = new JsonArray("no-new-privileges") })).Output);

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task System_controls_are_the_containers_own(string driver)
    {
        var host = new JsonObject { ["Sysctls"] = new JsonObject { ["net.ipv4.ip_unprivileged_port_start"] = "77", ["kernel.msgmax"] = "4096" } };
        Assert.Equal("77\n4096\n", (await RunAsync(driver, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax", host)).Output);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Its_out_of_memory_score_is_set(string driver) =>
        Assert.Equal("500\n", (await RunAsync(driver, "cat /proc/self/oom_score_adj", new JsonObject { ["OomScoreAdj"] = 500 })).Output);

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_privileged_one_has_everything(string driver)
    {
        var (code, output) = await RunAsync(driver, "grep CapEff /proc/self/status; test -b /dev/loop0 -o -c /dev/kmsg && mount -t tmpfs none /tmp && echo mounted; touch /proc/sys/kernel/domainname && echo writable", new JsonObject { ["Privileged"] = true });
        Assert.Equal(0, code);
        Assert.Contains("mounted\nwritable\n", output, StringComparison.Ordinal);
        Assert.True(Convert.ToUInt64(output.Split('\n')[0].Split('\t')[1], 16) > 0xa80425fb);
    }
}
