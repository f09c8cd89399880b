using System.Diagnostics;
using System.Globalization;
using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>Pull of an image of 20 layers from a registry on loopback (Debian's docker-registry).</summary>
internal sealed class ImagePull() : Scenario("pull")
{
    public override async Task RunAsync(Contest<BenchEngine> contest, Report report)
    {
        await contest.EachAsync(static e => e.EnsureRunningAsync());
        string folder = Directory.CreateTempSubdirectory("bench-registry-").FullName;
        int port = BenchEngine.RegistryPort;
        string name = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}/layers20");
        await File.WriteAllTextAsync($"{folder}/config.yml", $"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\nhttp: {{addr: 127.0.0.1:{port}}}\n");
        using var registry = Process.Start(new ProcessStartInfo("docker-registry", ["serve", $"{folder}/config.yml"]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        try
        {
            string archive = await Archives.DockerArchiveAsync($"{name}:1", 20, (i, to) => Archives.WriteLayer(to, $"l{i}", 200, 50_000));
            await using (var stream = File.OpenRead(archive)) await contest.Gantry.Client.SendArchiveAsync(HttpMethod.Post, "images/load", stream);
            File.Delete(archive);
            await contest.Gantry.Client.PostAsync($"images/{name}/push?tag=1");
            await contest.Gantry.Client.DeleteAsync($"images/{name}:1");
            var cpu = new Dictionary<BenchEngine, double>();
            var times = await contest.MediansAsync(3, async engine =>
            {
                double before = ProcessUsage.CpuSeconds(engine.Tag);
                double milliseconds = await Figures.TimeAsync(() => engine.Client.PostAsync($"images/create?fromImage={name}&tag=1"));
                cpu[engine] = ProcessUsage.CpuSeconds(engine.Tag) - before;
                await engine.Client.DeleteAsync($"images/{name}:1");
                BenchEngine.Run("sync");
                return milliseconds;
            });
            contest.Row("pull of 20 layers of 10 MB from loopback", "ms", times);
            contest.Row("CPU of the engine for that", "s", cpu);
        }
        finally
        {
            registry.Kill();
            await registry.WaitForExitAsync();
            Directory.Delete(folder, recursive: true);
        }
    }
}
