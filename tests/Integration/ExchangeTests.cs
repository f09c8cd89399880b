using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration;

/// <summary>Archives go to skopeo and come back from it.</summary>
public sealed class ExchangeTests
{
    [NeedsFact("skopeo", "docker")]
    public async Task Skopeo_reads_our_archives_and_we_read_its()
    {
        await using var engine = await TestEngine.StartAsync();
        await engine.ImportBusyboxAsync();
        string id = await engine.RunAsync(Api.Script("echo exchanged > /f; rm /etc/group"));
        await engine.WaitAsync(id);
        string image = (await engine.PostAsync($"/commit?container={id}&repo=ex&tag=1")).Result.GetProperty("Id").GetString()!;
        await engine.RemoveAsync(id);
        string ours = engine.Path("ours.tar");
        Assert.Equal(0, (await engine.DockerAsync("save", "-o", ours, "ex:1")).ExitCode);

        foreach (string transport in (string[])["docker-archive", "oci-archive"])
        {
            string theirs = engine.Path(transport + ".tar"), layout = engine.Path(transport);
            await SkopeoAsync($"{transport}:{ours}" + (transport == "oci-archive" ? ":1" : ""), $"oci:{layout}:x");
            await SkopeoAsync($"oci:{layout}:x", $"{transport}:{theirs}:back-{transport}:1");
            var load = await engine.DockerAsync("load", "-i", theirs);
            Assert.True(load.ExitCode == 0, load.Text + load.Error);
            Assert.Contains($"Loaded image: back-{transport}:1", load.Text, StringComparison.Ordinal);
            var inspected = (await engine.GetAsync($"/images/back-{transport}:1/json")).Result;
            Assert.Equal((await engine.GetAsync($"/images/{image}/json")).Result.GetProperty("RootFS").GetRawText(), inspected.GetProperty("RootFS").GetRawText());
            string run = await engine.RunAsync(new JsonObject { ["Image"] = $"back-{transport}:1", ["Cmd"] = new JsonArray("sh", "-c", "cat /f; test ! -e /etc/group") });
            Assert.Equal(0, await engine.WaitAsync(run));
            Assert.Equal("exchanged\n", await engine.LogsAsync(run));
            await engine.RemoveAsync(run);
        }
    }

    private static async Task SkopeoAsync(string from, string to)
    {
        var result = await Programs.RunAsync("skopeo", ["--insecure-policy", "copy", "-q", from, to]);
        Assert.True(result.ExitCode == 0, $"{from} → {to}: {result.Error}");
    }
}
