using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>Memory of all processes of an idle engine: one that has just started, and one that has run a container.</summary>
internal sealed class IdleMemory() : Scenario("idle-memory")
{
    public override async Task RunAsync(Contest<BenchEngine> contest, Report report)
    {
        await contest.EachAsync(static e => e.EnsureRunningAsync());
        var figures = await contest.MediansAsync(1, async engine =>
        {
            await engine.StopAsync();
            await engine.StartAsync();
            await StartToExit.CycleAsync(engine.Client, "bridge");
            await Task.Delay(TimeSpan.FromSeconds(2));
            return ProcessUsage.Megabytes(engine.Tag);
        }, warmUps: 0);
        contest.Row("memory (PSS) of the engine after one container", "MB", figures);
    }
}
