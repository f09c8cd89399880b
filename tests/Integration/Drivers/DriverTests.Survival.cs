using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Drivers;

public sealed partial class DriverTests
{
    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_policy_restarts_it_as_often_as_it_says(string driver)
    {
        string id = await engine.RunAsync(Script(driver, "echo once; exit 7", new JsonObject { ["RestartPolicy"] = new JsonObject { ["Name"] = "on-failure", ["MaximumRetryCount"] = 2 } }));
        await UntilAsync(async () => await engine.StateAsync(id) == "exited");
        Assert.Equal((2, "once\nonce\nonce\n"), ((await engine.InspectAsync(id)).GetProperty("RestartCount").GetInt32(), await engine.LogsAsync(id)));
        await engine.RemoveAsync(id);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task It_outlives_a_killed_daemon_with_its_log_and_its_code(string driver)
    {
        await using var own = await DriverEngine.StartAsync();
        string writer = await own.RunAsync(Script(driver, "i=0; while [ $i -lt 150 ]; do echo line $i; i=$((i+1)); sleep 0.01; done; exit 6"));
        string idle = await own.RunAsync(Script(driver, "sleep 1000"));
        string early = await own.RunAsync(Script(driver, "sleep 0.3; exit 8"));
        int pid = (await own.InspectAsync(idle)).GetProperty("State").GetProperty("Pid").GetInt32();
        await own.KillDaemonAsync();
        await Task.Delay(TimeSpan.FromMilliseconds(700), Limit);
        await own.StartDaemonAsync();
        Assert.Equal(("running", pid), (await own.StateAsync(idle), (await own.InspectAsync(idle)).GetProperty("State").GetProperty("Pid").GetInt32()));
        Assert.Equal(8, await own.WaitAsync(early));
        Assert.Equal(6, await own.WaitAsync(writer));
        Assert.Equal(string.Concat(Enumerable.Range(0, 150).Select(i => $"line {i}\n")), await own.LogsAsync(writer));
        Assert.Equal((0, "in\n"), await own.ExecAsync(idle, "echo in"));
        foreach (string id in (string[])[writer, idle, early]) await own.RemoveAsync(id);
        await UntilAsync(() => Task.FromResult(Directory.GetFileSystemEntries($"{own.ExecRoot}/containers").Length == 0));
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task It_outlives_a_killed_supervisor_and_can_be_used_afterwards(string driver)
    {
        await using var own = await DriverEngine.StartAsync();
        string writer = await own.RunAsync(Script(driver, "i=0; while [ $i -lt 150 ]; do echo line $i; i=$((i+1)); sleep 0.01; done; exit 6"));
        string idle = await own.RunAsync(Script(driver, "trap 'exit 5' TERM; while :; do sleep 0.02; done"));
        await Task.Delay(TimeSpan.FromMilliseconds(400), Limit);
        foreach (int supervisor in own.Supervisors()) Signals.Send(supervisor, Signals.Kill);
        Assert.Equal(6, await own.WaitAsync(writer));
        Assert.Equal(string.Concat(Enumerable.Range(0, 150).Select(i => $"line {i}\n")), await own.LogsAsync(writer));
        Assert.Equal((0, "in\n"), await own.ExecAsync(idle, "echo in"));
        Assert.Equal(204, (await own.PostAsync($"/containers/{idle}/stop")).Status);
        Assert.Equal(5, await own.WaitAsync(idle));
        foreach (string id in (string[])[writer, idle]) await own.RemoveAsync(id);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Nothing_of_it_is_left_and_no_mount_of_it_was_ever_the_hosts(string driver)
    {
        string id = await engine.RunAsync(Script(driver, "sleep 1000"));
        Assert.DoesNotContain(File.ReadLines("/proc/self/mountinfo"), line => line.Contains(id, StringComparison.Ordinal));
        await engine.RemoveAsync(id);
        await UntilAsync(() => Task.FromResult(!Directory.Exists($"{engine.ExecRoot}/containers/{id}")));
        await UntilAsync(() => Task.FromResult(!CgroupFolders.OfContainer(id).Any()));
        await UntilAsync(() => Task.FromResult(!Directory.EnumerateDirectories(engine.ExecRoot).Any(folder => Path.Exists(Path.Combine(folder, id)))));
    }
}
