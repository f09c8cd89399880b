using System.Text.Json.Nodes;
using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>One sample of each of 50 running containers, all asked for together.</summary>
internal sealed class OneShotStats() : Scenario("stats")
{
    private const int Containers = 50;

    public override async Task RunAsync(Contest<BenchEngine> contest, Report report)
    {
        await contest.EachAsync(static e => e.EnsureRunningAsync());
        var ids = new Dictionary<BenchEngine, List<string>>();
        await contest.EachAsync(async engine =>
        {
            ids[engine] = [];
            for (int i = 0; i < Containers; i++) ids[engine].Add(await engine.Client.RunAsync(["sleep", "1000"], new JsonObject { ["NetworkMode"] = "bridge" }));
        });
        var one = await contest.MediansAsync(5, engine => Figures.TimeAsync(() => Task.WhenAll(ids[engine].Select(id => engine.Client.GetAsync($"containers/{id}/stats?stream=0&one-shot=1")))));
        contest.Row($"one-shot stats of {Containers} containers together", "ms", one);
        foreach (var (engine, made) in ids) await Parallel.ForEachAsync(made, async (id, _) => await engine.Client.RemoveAsync(id));
    }
}
