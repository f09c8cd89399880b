using System.Text.Json.Nodes;
using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>How fast a container's output becomes its log, how fast that is read back, and the CPU that each MB costs the engine.</summary>
internal sealed class LogRates() : Scenario("logs")
{
    private const int Megabytes = 100;

    public override async Task RunAsync(Contest<BenchEngine> contest, Report report)
    {
        await contest.EachAsync(static e => e.EnsureRunningAsync());
        var (write, writeCpu) = (new Dictionary<BenchEngine, double>(), new Dictionary<BenchEngine, double>());
        var (read, readCpu) = (new Dictionary<BenchEngine, double>(), new Dictionary<BenchEngine, double>());
        // Lines of 100 characters, as programs write them; read from a file, so that their making costs nothing.
        byte[] lines = System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(new string('x', 99) + '\n', Megabytes * 10_000)));
        await contest.EachAsync(async engine =>
        {
            for (int round = 0; round < 2; round++)   // the first is a warm-up
            {
                var host = new JsonObject { ["NetworkMode"] = "none", ["Binds"] = new JsonArray($"{engine.WriteFile("lines", lines)}:/lines:ro"), ["LogConfig"] = new JsonObject { ["Type"] = "json-file", ["Config"] = new JsonObject { ["max-size"] = "1g", ["max-file"] = "2" } } };
                string id = await engine.Client.CreateAsync(["cat", "/lines"], host);
                double cpu = ProcessUsage.CpuSeconds(engine.Tag);
                double milliseconds = await Figures.TimeAsync(async () =>
                {
                    await engine.Client.PostAsync($"containers/{id}/start");
                    await engine.Client.PostAsync($"containers/{id}/wait");
                });
                (write[engine], writeCpu[engine]) = (Megabytes / milliseconds * 1000, (ProcessUsage.CpuSeconds(engine.Tag) - cpu) * 1000 / Megabytes);
                cpu = ProcessUsage.CpuSeconds(engine.Tag);
                long bytes = 0;
                milliseconds = await Figures.TimeAsync(async () => bytes = await engine.Client.DrainAsync($"containers/{id}/logs?stdout=1&stderr=1"));
                if (bytes < Megabytes * 1_000_000L) throw new EngineAnswerException($"{engine.Name} kept {bytes} bytes of {Megabytes} MB");
                (read[engine], readCpu[engine]) = (Megabytes / milliseconds * 1000, (ProcessUsage.CpuSeconds(engine.Tag) - cpu) * 1000 / Megabytes);
                await engine.Client.RemoveAsync(id);
            }
        });
        contest.Row("a container writes its log (json-file)", "MB/s", write, higherIsBetter: true);
        // What podman's conmon has used is gone with it: there is no figure of that.
        contest.Row("CPU of the engine for that", "ms/MB", writeCpu.Where(e => e.Key.Name != "podman").ToDictionary());
        contest.Row("the log is read", "MB/s", read, higherIsBetter: true);
        contest.Row("CPU of the engine for that", "ms/MB", readCpu);
    }
}
