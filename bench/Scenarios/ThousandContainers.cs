using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>A thousand running containers: what each costs, and how long ps and a start then take.</summary>
internal sealed class ThousandContainers() : Scenario("thousand", onlyWhenNamed: true)
{
    private const int Count = 1000;

    public override async Task RunAsync(Contest<BenchEngine> contest, Report report)
    {
        await contest.Gantry.EnsureRunningAsync();
        var engine = contest.Gantry;
        void Row(string what, string unit, double value) => report.Row(what, unit, [(engine.Name, value)]);
        double before = ProcessUsage.Megabytes(engine.Tag);
        var made = new System.Collections.Concurrent.ConcurrentBag<string>();
        int left = Count;
        double milliseconds = await Figures.TimeAsync(() => Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0) made.Add(await engine.Client.RunAsync(["sleep", "100000"]));
        })));
        Row($"{Count} containers started, 8 clients", "1/s", Count / milliseconds * 1000);
        await Task.Delay(TimeSpan.FromSeconds(2));
        Row($"memory (PSS) of the engine for each of {Count}", "kB", (ProcessUsage.Megabytes(engine.Tag) - before) * 1024 / Count);
        Row($"list of {Count} running containers", "ms", await Figures.TimeAsync(() => engine.Client.GetAsync("containers/json")));
        var cycles = new List<double>();
        for (int i = 0; i < 20; i++) cycles.Add(await Figures.TimeAsync(() => StartToExit.CycleAsync(engine.Client, "none")));
        Row($"one more cycle beside {Count}", "ms", Figures.Median(cycles));
        await Parallel.ForEachAsync(made, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (id, _) => await engine.Client.RemoveAsync(id));
    }
}
