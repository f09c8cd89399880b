using System.Text.Json.Nodes;
using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>Create, start, wait and delete of <c>/bin/true</c>, one after the other on a kept-alive connection.</summary>
internal sealed class StartToExit() : Scenario("cycle")
{
    public override async Task RunAsync(Contest<BenchEngine> contest, Report report)
    {
        await contest.EachAsync(static e => e.EnsureRunningAsync());
        foreach (string network in (string[])["none", "bridge"])
        {
            var times = await contest.MediansAsync(8, engine => Figures.TimeAsync(() => CycleAsync(engine.Client, network)), warmUps: 1, each: 10);
            contest.Row($"create, start, wait, delete of /bin/true, network {network}", "ms", times);
            var cpu = await contest.MediansAsync(1, engine => CpuAsync(engine, network), warmUps: 0);
            contest.Row("CPU of the engine for that", "ms", cpu);
        }
    }

    private static async Task<double> CpuAsync(BenchEngine engine, string network)
    {
        const int cycles = 50;
        double before = ProcessUsage.CpuSeconds(engine.Tag);
        for (int i = 0; i < cycles; i++) await CycleAsync(engine.Client, network);
        return (ProcessUsage.CpuSeconds(engine.Tag) - before) * 1000 / cycles;
    }

    public static async Task CycleAsync(EngineClient client, string network)
    {
        string id = await client.CreateAsync(["/bin/true"], new JsonObject { ["NetworkMode"] = network });
        await client.PostAsync($"containers/{id}/start");
        await client.PostAsync($"containers/{id}/wait");
        await client.DeleteAsync($"containers/{id}");
    }
}
