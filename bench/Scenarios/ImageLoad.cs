using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>Load of an image of 1 GB in five layers with 20,000 files.</summary>
internal sealed class ImageLoad() : Scenario("load", onlyWhenNamed: true)
{
    public override async Task RunAsync(Contest<BenchEngine> contest, Report report)
    {
        await contest.EachAsync(static e => e.EnsureRunningAsync());
        string archive = await Archives.DockerArchiveAsync("big:latest", 5, (i, to) => Archives.WriteLayer(to, $"l{i}", 4000, 50_000));
        try
        {
            var cpu = new Dictionary<BenchEngine, double>();
            var memory = new Dictionary<BenchEngine, double>();
            var times = await contest.MediansAsync(2, async engine =>
            {
                double before = ProcessUsage.CpuSeconds(engine.Tag);
                using var end = new CancellationTokenSource();
                double peak = 0;
                var watch = Task.Run(async () =>
                {
                    while (!end.IsCancellationRequested)
                    {
                        peak = Math.Max(peak, ProcessUsage.Megabytes(engine.Tag));
                        await Task.Delay(100);
                    }
                });
                double milliseconds = await Figures.TimeAsync(async () =>
                {
                    await using var stream = File.OpenRead(archive);
                    await engine.Client.SendArchiveAsync(HttpMethod.Post, "images/load", stream);
                });
                await end.CancelAsync();
                await watch;
                (cpu[engine], memory[engine]) = (ProcessUsage.CpuSeconds(engine.Tag) - before, peak);
                await engine.Client.DeleteAsync("images/big:latest?force=1");
                BenchEngine.Run("sync");
                return milliseconds;
            }, warmUps: 0);
            contest.Row("load of an image of 1 GB", "ms", times);
            contest.Row("CPU of the engine for that", "s", cpu);
            contest.Row("peak memory (PSS) of the engine", "MB", memory);
        }
        finally
        {
            File.Delete(archive);
        }
    }
}
