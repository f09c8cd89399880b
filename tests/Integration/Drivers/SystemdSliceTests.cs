using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Drivers;

/// <summary>A test that needs systemd as the machine's init, and cgroup v2.</summary>
internal sealed class SystemdFactAttribute : FactAttribute
{
    public SystemdFactAttribute()
    {
        if (!Directory.Exists("/run/systemd/system")) Skip = "systemd does not manage this machine";
        else if (!File.Exists("/sys/fs/cgroup/cgroup.controllers")) Skip = "this machine has cgroup v1";
    }
}

/// <summary>The cgroup driver that asks systemd: containers lie in slices, each slice with a scope that is the engine's.</summary>
public sealed class SystemdSliceTests
{
    private static async Task<TestEngine> StartAsync(params string[] flags)
    {
        var engine = TestEngine.CreateInSlice(flags);
        try
        {
            await engine.StartDaemonAsync();
            await engine.ImportBusyboxAsync();
            return engine;
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    private static async Task<string> GroupOfAsync(TestEngine engine, string id)
    {
        int pid = (await engine.InspectAsync(id)).GetProperty("State").GetProperty("Pid").GetInt32();
        return (await File.ReadAllTextAsync($"/proc/{pid}/cgroup")).Trim()["0::".Length..];
    }

    private static string Scope(TestEngine engine, string group) => group.Split('/')[^2] is var name && name.EndsWith(".scope", StringComparison.Ordinal) ? name : throw new InvalidOperationException($"{group} of {engine.Name} is in no scope");

    private static async Task<string> PropertyAsync(string unit, string name) => (await Programs.RunAsync("systemctl", ["show", unit, "--property", name, "--value"])).Text;

    private static JsonObject Host(string json) => JsonNode.Parse(json)!.AsObject();

    private static string Limit(string group, string file) => File.ReadAllText($"/sys/fs/cgroup{group}/{file}").Trim();

    [SystemdFact]
    public async Task A_container_is_in_a_scope_of_the_engines_slice_with_its_limits()
    {
        await using var engine = await StartAsync();
        Assert.Equal("systemd", (await engine.GetAsync("/info")).Result.GetProperty("CgroupDriver").GetString());
        string id = await engine.RunAsync(Api.Script("sleep 600", Host("""{"Memory": 33554432, "PidsLimit": 77, "CpuShares": 512, "CpusetCpus": "0"}""")));
        string group = await GroupOfAsync(engine, id), scope = Scope(engine, group);
        Assert.Equal($"/{engine.Slice}/{scope}/{id}", group);
        Assert.Equal(("33554432", "77", "0"), (Limit(group, "memory.max"), Limit(group, "pids.max"), Limit(group, "cpuset.cpus")));
        Assert.Equal(("active", engine.Slice, "yes"), (await PropertyAsync(scope, "ActiveState"), await PropertyAsync(scope, "Slice"), await PropertyAsync(scope, "Delegate")));
        var stats = (await engine.GetAsync($"/containers/{id}/stats?stream=false&one-shot=true")).Result;
        Assert.True(stats.GetProperty("memory_stats").GetProperty("usage").GetInt64() > 0);
        Assert.Contains("sleep 600", (await engine.GetAsync($"/containers/{id}/top")).Body, StringComparison.Ordinal);
        await engine.RemoveAsync(id);
        Assert.False(Directory.Exists("/sys/fs/cgroup" + group));
        Assert.Equal("active", await PropertyAsync(scope, "ActiveState"));   // for the next one
        await engine.StopDaemonAsync();
        await Eventually("inactive", () => PropertyAsync(scope, "ActiveState"));
        Assert.False(Directory.Exists($"/sys/fs/cgroup/{engine.Slice}/{scope}"));
    }

    private static async Task Eventually(string expected, Func<Task<string>> value)
    {
        for (int i = 0; i < 200 && await value() != expected; i++) await Task.Delay(25);
        Assert.Equal(expected, await value());
    }

    [SystemdFact]
    public async Task A_container_may_name_a_slice_whose_limits_count_too()
    {
        await using var engine = await StartAsync();
        string slice = $"{engine.Name}-front.slice";
        string id = await engine.RunAsync(Api.Script("sleep 600", Host($$"""{"CgroupParent": "{{slice}}"}""")));
        string group = await GroupOfAsync(engine, id);
        Assert.Equal($"/{engine.Slice}/{slice}/{Scope(engine, group)}/{id}", group);
        Assert.Equal(0, (await Programs.RunAsync("systemctl", ["set-property", "--runtime", slice, "MemoryMax=64M"])).ExitCode);
        Assert.Equal("67108864", Limit($"/{engine.Slice}/{slice}", "memory.max"));
        var refused = await engine.PostAsync("/containers/create", Api.Script("true", Host("""{"CgroupParent": "/web"}""")));
        Assert.Equal((400, "cgroup-parent for systemd cgroup should be a valid slice named as \"xxx.slice\""), (refused.Status, refused.Message));
        await engine.RemoveAsync(id);
    }

    [SystemdFact]
    public async Task Containers_and_their_scope_outlive_a_killed_daemon()
    {
        await using var engine = await StartAsync();
        string id = await engine.RunAsync(Api.Script("sleep 600"));
        string group = await GroupOfAsync(engine, id);
        await engine.KillDaemonAsync();
        await engine.StartDaemonAsync();
        string other = await engine.RunAsync(Api.Script("sleep 600"));
        Assert.Equal(group.Replace(id, other, StringComparison.Ordinal), await GroupOfAsync(engine, other));
        Assert.Equal(group, await GroupOfAsync(engine, id));
        await engine.RemoveAsync(id);
        await engine.RemoveAsync(other);
        await engine.StopDaemonAsync();
        await Eventually("inactive", () => PropertyAsync(Scope(engine, group), "ActiveState"));
    }

    [SystemdFact]
    public async Task A_scope_that_was_stopped_is_made_again()
    {
        await using var engine = await StartAsync();
        string id = await engine.RunAsync(Api.Script("sleep 600"));
        string scope = Scope(engine, await GroupOfAsync(engine, id));
        Assert.Equal(0, (await Programs.RunAsync("systemctl", ["stop", scope])).ExitCode);
        Assert.Equal(143, await engine.WaitAsync(id));   // systemd sends SIGTERM to all in it
        string next = await engine.RunAsync(Api.Script("sleep 600", Host("""{"Memory": 33554432}""")));
        string group = await GroupOfAsync(engine, next);
        Assert.Equal(("33554432", scope), (Limit(group, "memory.max"), Scope(engine, group)));
        await engine.RemoveAsync(id);
        await engine.RemoveAsync(next);
    }

    [SystemdFact]
    public async Task The_out_of_memory_killer_is_noticed()
    {
        await using var engine = await StartAsync();
        string id = await engine.RunAsync(Api.Script("head -c 100m /dev/zero | tail", Host("""{"Memory": 16777216, "MemorySwap": 16777216}""")));
        await engine.WaitAsync(id);
        Assert.True((await engine.InspectAsync(id)).GetProperty("State").GetProperty("OOMKilled").GetBoolean());
        await engine.RemoveAsync(id);
    }

    [SystemdFact]
    public async Task Oci_and_lxc_containers_are_in_the_scope_too()
    {
        string[] runtimes = [.. new[] { "runc", "crun", "lxc-start" }.Where(Programs.IsInstalled)];
        await using var engine = await StartAsync([.. runtimes.Where(r => r != "lxc-start").SelectMany(r => new[] { "--add-runtime", $"{r}=/usr/bin/{r}" })]);
        foreach (string runtime in runtimes)
        {
            string name = runtime == "lxc-start" ? "lxc" : runtime;
            string id = await engine.RunAsync(Api.Script("sleep 600", Host($$"""{"Runtime": "{{name}}", "Memory": 33554432}""")));
            string group = await GroupOfAsync(engine, id);
            Assert.StartsWith($"/{engine.Slice}/", group, StringComparison.Ordinal);
            Assert.Equal("33554432", Limit(group[..(group.IndexOf(id, StringComparison.Ordinal) + id.Length)], "memory.max"));
            await engine.RemoveAsync(id);
        }
    }
}
