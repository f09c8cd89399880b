using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>From the daemon's exec to its first answer, with no container and with 500 stopped ones.</summary>
internal sealed class DaemonStart() : Scenario("daemon-start")
{
    private const int Stopped = 500;

    public override async Task RunAsync(Contest<BenchEngine> contest, Report report)
    {
        await contest.EachAsync(static e => e.EnsureRunningAsync());
        var empty = await contest.MediansAsync(5, RestartAsync);
        contest.Row("daemon start to first answer, no container", "ms", empty);
        await contest.EachAsync(engine =>
        {
            int left = Stopped;
            return Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
            {
                while (Interlocked.Decrement(ref left) >= 0) await engine.Client.CreateAsync(["true"]);
            }));
        });
        var full = await contest.MediansAsync(5, RestartAsync);
        contest.Row($"daemon start to first answer, {Stopped} stopped containers", "ms", full);
        await contest.EachAsync(engine => engine.Client.PostAsync("containers/prune"));
    }

    private static async Task<double> RestartAsync(BenchEngine engine)
    {
        await engine.StopAsync();
        return await Figures.TimeAsync(engine.StartAsync);
    }
}
