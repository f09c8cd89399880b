using System.Text.Json.Nodes;
using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>Create, start (attached) and inspect of an exec of <c>/bin/true</c>.</summary>
internal sealed class ExecLatency() : Scenario("exec")
{
    public override async Task RunAsync(Contest<BenchEngine> contest, Report report)
    {
        await contest.EachAsync(static e => e.EnsureRunningAsync());
        var ids = new Dictionary<BenchEngine, string>();
        await contest.EachAsync(async engine => ids[engine] = await engine.Client.RunAsync(["sleep", "1000"]));
        var figures = await contest.MediansAsync(8, engine => Figures.TimeAsync(() => ExecAsync(engine.Client, ids[engine])), warmUps: 1, each: 10);
        contest.Row("exec of /bin/true: create, start, inspect", "ms", figures);
        foreach (var (engine, id) in ids) await engine.Client.RemoveAsync(id);
    }

    private static async Task ExecAsync(EngineClient client, string id)
    {
        string exec = (string)JsonNode.Parse(await client.PostAsync($"containers/{id}/exec", new JsonObject { ["Cmd"] = new JsonArray("/bin/true"), ["AttachStdout"] = true }))!["Id"]!;
        await client.PostAsync($"exec/{exec}/start", new JsonObject { ["Detach"] = false });
        if ((int)JsonNode.Parse(await client.GetAsync($"exec/{exec}/json"))!["ExitCode"]! != 0) throw new EngineAnswerException("the exec failed");
    }
}
