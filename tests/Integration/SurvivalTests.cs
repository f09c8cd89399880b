using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration;

/// <summary>What the death of a daemon or a supervisor, at any moment, must not do to containers.</summary>
public sealed class SurvivalTests
{
    private static CancellationToken Limit => new CancellationTokenSource(TimeSpan.FromSeconds(120)).Token;

    private static async Task<TestEngine> StartAsync(params string[] flags)
    {
        var engine = await TestEngine.StartAsync(flags);
        await engine.ImportBusyboxAsync();
        return engine;
    }

    [Fact]
    public async Task A_killed_daemon_takes_nothing_with_it_and_its_successor_knows_all()
    {
        await using var engine = await StartAsync();
        string writer = await engine.RunAsync(Api.Script("i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); sleep 0.01; done; exit 6"));
        string idle = await engine.RunAsync(Api.Script("sleep 1000"));
        string early = await engine.RunAsync(Api.Script("sleep 0.3; exit 8"));
        int pid = (await engine.InspectAsync(idle)).GetProperty("State").GetProperty("Pid").GetInt32();
        await engine.KillDaemonAsync();
        await Task.Delay(TimeSpan.FromSeconds(1), Limit);   // long enough for one of them to end while nobody looks
        await engine.StartDaemonAsync();

        Assert.Equal(("running", pid), (await engine.StateAsync(idle), (await engine.InspectAsync(idle)).GetProperty("State").GetProperty("Pid").GetInt32()));
        Assert.Equal(8, await engine.WaitAsync(early));
        Assert.Equal(6, await engine.WaitAsync(writer));
        Assert.Equal(string.Concat(Enumerable.Range(0, 300).Select(i => $"line {i}\n")), await engine.LogsAsync(writer));
        Assert.Equal((0, "in\n"), await engine.ExecAsync(idle, "echo in"));
        foreach (string id in (string[])[writer, idle, early]) await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task A_killed_supervisor_is_replaced_and_its_containers_go_on()
    {
        await using var engine = await StartAsync();
        string writer = await engine.RunAsync(Api.Script("i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); sleep 0.01; done; exit 6"));
        await Task.Delay(TimeSpan.FromMilliseconds(500), Limit);
        foreach (int supervisor in engine.Supervisors()) Signals.Send(supervisor, Signals.Kill);
        Assert.Equal(6, await engine.WaitAsync(writer));
        Assert.Equal(string.Concat(Enumerable.Range(0, 200).Select(i => $"line {i}\n")), await engine.LogsAsync(writer));
        await engine.RemoveAsync(writer);
    }

    [Fact]
    public async Task Stopping_the_daemon_leaves_containers_running_unless_told_otherwise()
    {
        await using var engine = await StartAsync();
        string kept = await engine.RunAsync(Api.Script("sleep 1000"));
        Assert.Equal(0, await engine.StopDaemonAsync());
        await engine.StartDaemonAsync();
        Assert.Equal("running", await engine.StateAsync(kept));
        await engine.RemoveAsync(kept);

        await using var strict = await StartAsync("--live-restore=false");
        const string trapping = "trap 'exit 4' TERM; echo ready; while :; do sleep 0.01; done";
        string stopped = await strict.RunAsync(Api.Script(trapping));
        string again = await strict.RunAsync(Api.Script(trapping, new JsonObject { ["RestartPolicy"] = new JsonObject { ["Name"] = "always" } }));
        foreach (string id in (string[])[stopped, again]) await Eventually.IsAsync(async () => await strict.LogsAsync(id) == "ready\n");
        Assert.Equal(0, await strict.StopDaemonAsync());
        Assert.Empty(strict.Supervisors());
        await strict.StartDaemonAsync();
        var state = (await strict.InspectAsync(stopped)).GetProperty("State");
        Assert.Equal(("exited", 4), (state.GetProperty("Status").GetString(), state.GetProperty("ExitCode").GetInt32()));
        while (await strict.StateAsync(again) != "running") await Task.Delay(20, Limit);
        await strict.RemoveAsync(again);
    }

    /// <summary>Clients create, start and remove containers and import images while the daemon is killed again and again: what was reported done is there afterwards, what was reported gone is not, and nothing half-made is left. <c>GANTRY_TEST_KILLS</c> says how often.</summary>
    [Fact]
    public async Task Kills_at_any_moment_leave_nothing_half_made()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("GANTRY_TEST_KILLS") is { Length: > 0 } count ? count : "12", System.Globalization.CultureInfo.InvariantCulture);
        await using var engine = await StartAsync();
        var made = new ConcurrentDictionary<string, bool>();      // by id; true: asked to be removed
        var gone = new ConcurrentBag<string>();
        var images = new ConcurrentBag<string>();
        using var end = new CancellationTokenSource();
        byte[] archive = await Rootfs.BusyboxAsync();

        async Task WorkAsync(int worker)
        {
            for (int n = 0; !end.IsCancellationRequested; n++)
            {
                try
                {
                    string id = await engine.CreateAsync(Api.Script("exit 0"), $"w{worker}-{n}");
                    made[id] = false;
                    await engine.PostAsync($"/containers/{id}/start");
                    if (n % 3 == 0)
                    {
                        var content = new ByteArrayContent(archive) { Headers = { ContentType = new("application/x-tar") } };
                        var answer = await engine.SendAsync(HttpMethod.Post, $"/images/create?fromSrc=-&repo=i{worker}&tag=t{n}", content);
                        if (answer.Status == 200 && !answer.Body.Contains("errorDetail", StringComparison.Ordinal)) images.Add($"i{worker}:t{n}");
                    }
                    if (n % 2 != 0) continue;
                    made[id] = true;
                    if ((await engine.DeleteAsync($"/containers/{id}?force=1")).Status == 204) gone.Add(id);
                }
                catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
                {
                    await Task.Delay(20);   // the daemon is down
                }
            }
        }

        var workers = Enumerable.Range(0, 3).Select(w => Task.Run(() => WorkAsync(w))).ToArray();
        for (int i = 0; i < kills; i++)
        {
            await Task.Delay(Random.Shared.Next(50, 500), Limit);
            await engine.KillDaemonAsync();
            await engine.StartDaemonAsync();
        }
        await end.CancelAsync();
        await Task.WhenAll(workers).WaitAsync(Limit);
        await engine.KillDaemonAsync();
        await engine.StartDaemonAsync();

        var listed = (await engine.GetAsync("/containers/json?all=1")).Result.EnumerateArray().Select(c => c.GetProperty("Id").GetString()!).ToHashSet();
        Assert.DoesNotContain(made, m => !m.Value && !listed.Contains(m.Key));
        Assert.DoesNotContain(gone, listed.Contains);
        var tags = (await engine.GetAsync("/images/json")).Result.EnumerateArray().SelectMany(i => i.GetProperty("RepoTags").EnumerateArray().Select(t => t.GetString())).ToHashSet();
        Assert.DoesNotContain(images, i => !tags.Contains(i));
        foreach (string id in listed)
        {
            await engine.InspectAsync(id);
            int code = await engine.WaitAsync(id);
            Assert.True(code == 0 || (code == 137 && made.GetValueOrDefault(id)), $"{id}: {code}");   // killed, by a removal that was cut off
        }
        // What was half-made or removed goes away in the background.
        await Eventually.IsAsync(() => listed.Order().SequenceEqual(Directory.GetDirectories($"{engine.DataRoot}/containers").Select(d => System.IO.Path.GetFileName(d)).Order()));
        foreach (string id in listed) await engine.RemoveAsync(id);
        await Eventually.IsAsync(() => Directory.GetFileSystemEntries($"{engine.DataRoot}/containers").Length == 0);
        await Eventually.IsAsync(() => Directory.GetFileSystemEntries($"{engine.ExecRoot}/containers").Length == 0);
        Assert.DoesNotContain(File.ReadLines("/proc/self/mountinfo"), line => line.Contains(engine.DataRoot + "/containers", StringComparison.Ordinal) || line.Contains(engine.ExecRoot + "/containers", StringComparison.Ordinal));
        await Eventually.IsAsync(() => CgroupFolders.Of(engine.Name).All(group => System.IO.Path.GetFileName(group) == engine.Name));
        foreach (string image in images) Assert.Equal(200, (await engine.DeleteAsync($"/images/{image}")).Status);
    }
}
