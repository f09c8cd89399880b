using System.Text.Json.Nodes;
using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>Containers a second that eight clients start together: whole cycles, and starts of containers that stay, with limits.</summary>
internal sealed class Throughput() : Scenario("throughput")
{
    private const int Clients = 8;

    public override async Task RunAsync(Contest<BenchEngine> contest, Report report)
    {
        await contest.EachAsync(static e => e.EnsureRunningAsync());
        var cycles = await contest.MediansAsync(3, engine => RateAsync(64, () => StartToExit.CycleAsync(engine.Client, "none")));
        contest.Row("whole cycles, 8 clients, network none", "1/s", cycles, higherIsBetter: true);
        var starts = await contest.MediansAsync(3, StartsAsync, warmUps: 0);
        contest.Row("50 containers with limits created and started, 8 clients", "1/s", starts, higherIsBetter: true);
    }

    private static async Task<double> StartsAsync(BenchEngine engine)
    {
        var limits = new JsonObject { ["NetworkMode"] = "bridge", ["Memory"] = 64 << 20, ["NanoCpus"] = 500_000_000, ["PidsLimit"] = 100 };
        var made = new System.Collections.Concurrent.ConcurrentBag<string>();
        double rate = await RateAsync(50, async () => made.Add(await engine.Client.RunAsync(["sleep", "1000"], limits)));
        foreach (string id in made) await engine.Client.RemoveAsync(id);
        return rate;
    }

    private static async Task<double> RateAsync(int count, Func<Task> action)
    {
        int left = count;
        double milliseconds = await Figures.TimeAsync(() => Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0) await action();
        })));
        return count / milliseconds * 1000;
    }
}
