using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>Create of a container on an image of 100 layers.</summary>
internal sealed class ManyLayers() : Scenario("many-layers")
{
    public override async Task RunAsync(Contest<BenchEngine> contest, Report report)
    {
        await contest.EachAsync(static e => e.EnsureRunningAsync());
        string archive = await Archives.DockerArchiveAsync("layers:latest", 100, (i, to) => Archives.WriteLayer(to, $"l{i}", 2, 100));
        try
        {
            await contest.EachAsync(async engine =>
            {
                await using var stream = File.OpenRead(archive);
                await engine.Client.SendArchiveAsync(HttpMethod.Post, "images/load", stream);
            });
            var times = await contest.MediansAsync(5, async engine =>
            {
                string id = "";
                double milliseconds = await Figures.TimeAsync(async () => id = await engine.Client.CreateAsync(["/bin/true"], image: "layers"));
                await engine.Client.DeleteAsync($"containers/{id}");
                return milliseconds;
            }, each: 5);
            contest.Row("create on an image of 100 layers", "ms", times);
        }
        finally
        {
            File.Delete(archive);
        }
    }
}
