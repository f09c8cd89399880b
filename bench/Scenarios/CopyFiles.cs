using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>Copy of 10,000 small files into a running container and out of it again.</summary>
internal sealed class CopyFiles() : Scenario("copy")
{
    public override async Task RunAsync(Contest<BenchEngine> contest, Report report)
    {
        await contest.EachAsync(static e => e.EnsureRunningAsync());
        var ids = new Dictionary<BenchEngine, string>();
        await contest.EachAsync(async engine => ids[engine] = await engine.Client.RunAsync(["sleep", "1000"]));
        // Into a folder of its own each time: ext4 is slow to make files where as many have just been deleted, whoever asks for it.
        int round = 0;
        var warm = new HashSet<BenchEngine>();
        var into = await contest.MediansAsync(5, engine =>
        {
            var archive = new MemoryStream();
            Archives.WriteLayer(archive, warm.Add(engine) ? "files" : $"files{round++}", 10_000, 1000);
            archive.Position = 0;
            return Figures.TimeAsync(() => engine.Client.SendArchiveAsync(HttpMethod.Put, $"containers/{ids[engine]}/archive?path=/tmp", archive));
        });
        contest.Row("cp of 10,000 files into a container", "ms", into);
        var from = await contest.MediansAsync(3, engine => Figures.TimeAsync(() => engine.Client.DrainAsync($"containers/{ids[engine]}/archive?path=/tmp/files")));
        contest.Row("cp of 10,000 files out of a container", "ms", from);
        foreach (var (engine, id) in ids) await engine.Client.RemoveAsync(id);
    }
}
