using System.Text.Json.Nodes;
using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>What each running container adds to the memory of the engine's processes.</summary>
internal sealed class RunningMemory() : Scenario("container-memory")
{
    public override async Task RunAsync(Contest<BenchEngine> contest, Report report)
    {
        await contest.EachAsync(static e => e.EnsureRunningAsync());
        var figures = await contest.MediansAsync(1, engine => PerContainerAsync(engine, 100), warmUps: 0);
        contest.Row("memory (PSS) of the engine per running container", "kB", figures);
    }

    /// <summary>kB that each of so many containers adds, beyond the first ones, which make caches and threads.</summary>
    public static async Task<double> PerContainerAsync(BenchEngine engine, int count)
    {
        var made = new List<string>();
        try
        {
            for (int i = 0; i < 50; i++) made.Add(await engine.Client.RunAsync(["sleep", "1000"], new JsonObject { ["NetworkMode"] = "none" }));
            await Task.Delay(TimeSpan.FromSeconds(1));
            double before = ProcessUsage.Megabytes(engine.Tag);
            for (int i = 0; i < count; i++) made.Add(await engine.Client.RunAsync(["sleep", "1000"], new JsonObject { ["NetworkMode"] = "none" }));
            await Task.Delay(TimeSpan.FromSeconds(1));
            return (ProcessUsage.Megabytes(engine.Tag) - before) * 1024 / count;
        }
        finally
        {
            await Parallel.ForEachAsync(made, async (id, _) => await engine.Client.RemoveAsync(id));
        }
    }
}
