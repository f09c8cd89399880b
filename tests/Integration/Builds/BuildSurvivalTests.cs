using Gantry.Integration.Harness;
using static Gantry.Integration.Builds.BuildRequests;

namespace Gantry.Integration.Builds;

/// <summary>Builds that are cut off by the end of the daemon.</summary>
public sealed class BuildSurvivalTests
{
    /// <summary>How many kills; set it higher for a soak.</summary>
    private static int Kills => int.TryParse(Environment.GetEnvironmentVariable("GANTRY_BUILD_KILLS"), out int kills) ? kills : 3;

    [NeedsFact("busybox")]
    public async Task Killed_in_the_middle_of_builds_the_next_start_holds_nothing_of_them_and_builds_on()
    {
        await using var engine = await TestEngine.StartAsync();
        await engine.ImportBusyboxAsync("dockerfile-base");
        byte[] context = Context("FROM dockerfile-base\nCOPY . /c/\nRUN echo 1 > /a && sleep 0.1\nVOLUME /v\nWORKDIR /w/x\nRUN sleep 0.2; echo 2 > /b\nADD f /d/\nRUN cat /a /b /d/f; sleep 0.2\n",
            ("f", new string('x', 200_000)), ("g", "g"));
        var random = new Random(11);
        string? whole = null;
        for (int kill = 0; kill < Kills; kill++)
        {
            // The first build is let run to its end: what was reported done must be there ever after.
            if (kill == 0) whole = await engine.BuildQuietlyAsync(context);
            var builds = Enumerable.Range(0, 3).Select(_ => Task.Run(() => engine.BuildAsync(context, DefaultQuery + "&nocache=1"))).ToList();
            await Task.Delay(random.Next(50, 1200));
            await engine.KillDaemonAsync();
            await Task.WhenAll(builds.Select(b => b.ContinueWith(static t => _ = t.Exception, TaskScheduler.Default)));
            await engine.StartDaemonAsync();
            await Eventually.IsAsync(async () => await engine.CountContainersAsync() == 0 && engine.BuildFolders().Length == 0);
            Assert.Equal(0, (await engine.GetAsync("/volumes")).Result.GetProperty("Volumes").GetArrayLength());
            Assert.Equal(200, (await engine.GetAsync($"/images/{whole}/json")).Status);
        }
        Assert.Contains("Successfully built", await engine.BuildAsync(context), StringComparison.Ordinal);
        Assert.StartsWith("1\n2\nx", await engine.ReadAsync(whole!, "cat /a /b /d/f"), StringComparison.Ordinal);
    }

    [NeedsFact("busybox")]
    public async Task A_daemon_that_is_stopped_ends_its_builds()
    {
        await using var engine = await TestEngine.StartAsync();
        await engine.ImportBusyboxAsync("dockerfile-base");
        var build = engine.BuildAsync(Context("FROM dockerfile-base\nRUN sleep 600\n"));
        await Eventually.IsAsync(async () => await engine.CountContainersAsync() == 1);
        Assert.Equal(0, await engine.StopDaemonAsync());
        await build.ContinueWith(static t => _ = t.Exception, TaskScheduler.Default);
        await engine.StartDaemonAsync();
        await Eventually.IsAsync(async () => await engine.CountContainersAsync() == 0 && engine.BuildFolders().Length == 0);
    }
}
