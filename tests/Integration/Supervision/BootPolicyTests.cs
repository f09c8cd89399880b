using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Supervision;

/// <summary>Which containers a starting daemon starts (reference 5.1).</summary>
public sealed class BootPolicyTests
{
    private static JsonObject Policy(string script, string name, int retries = 0) =>
        Api.Script(script, new JsonObject { ["RestartPolicy"] = new JsonObject { ["Name"] = name, ["MaximumRetryCount"] = retries } });

    [Fact]
    public async Task A_starting_daemon_starts_what_its_policies_say()
    {
        await using var engine = await TestEngine.StartAsync("--live-restore=false");
        await engine.ImportBusyboxAsync();
        const string forever = "trap 'exit 4' TERM; echo ready; while :; do sleep 0.02; done";
        string always = await engine.RunAsync(Policy(forever, "always"));
        string unlessStopped = await engine.RunAsync(Policy(forever, "unless-stopped"));
        string failed = await engine.RunAsync(Policy(forever, "on-failure"));
        string succeeded = await engine.RunAsync(Policy("exit 0", "on-failure"));
        string never = await engine.RunAsync(Policy(forever, "no"));
        string running = await engine.RunAsync(Policy(forever, "unless-stopped"));   // the daemon stops it, and no user
        string created = await engine.CreateAsync(Policy(forever, "always"));
        foreach (string id in (string[])[always, unlessStopped, failed, never])
        {
            while (await engine.LogsAsync(id) != "ready\n") await Task.Delay(20);
            Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/stop")).Status);
        }
        Assert.Equal(0, await engine.StopDaemonAsync());
        await engine.StartDaemonAsync();
        foreach (string id in (string[])[always, failed, running])
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            while (await engine.StateAsync(id) != "running") await Task.Delay(20, limit.Token);
        }
        Assert.Equal("exited", await engine.StateAsync(unlessStopped));
        Assert.Equal("exited", await engine.StateAsync(succeeded));
        Assert.Equal("exited", await engine.StateAsync(never));
        Assert.Equal("created", await engine.StateAsync(created));
        foreach (string id in (string[])[always, unlessStopped, failed, succeeded, never, running, created]) await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task Restarts_are_counted_on_by_the_next_daemon()
    {
        await using var engine = await TestEngine.StartAsync();
        await engine.ImportBusyboxAsync();
        string flag = engine.Path("flag");
        Directory.CreateDirectory(flag);
        var config = Policy("echo x >> /flag/runs; [ $(wc -l < /flag/runs) = 3 ] && { touch /flag/staying; exec sleep 1000; }; exit 3", "on-failure", retries: 4);
        config["HostConfig"]!["Binds"] = new JsonArray($"{flag}:/flag");
        string id = await engine.RunAsync(config);
        async Task<int> CountAsync() => (await engine.InspectAsync(id)).GetProperty("RestartCount").GetInt32();
        await Eventually.IsAsync(async () => File.Exists(Path.Combine(flag, "staying")) && await engine.StateAsync(id) == "running");   // its third run
        Assert.Equal(2, await CountAsync());
        await engine.KillDaemonAsync();
        await engine.StartDaemonAsync();
        Assert.Equal(2, await CountAsync());
        int pid = (await engine.InspectAsync(id)).GetProperty("State").GetProperty("Pid").GetInt32();
        Signals.Send(pid, Signals.Kill);
        await Eventually.IsAsync(async () => await engine.StateAsync(id) == "exited");
        Assert.Equal(4, await CountAsync());
        await engine.RemoveAsync(id);
    }
}
