using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration;

/// <summary>An engine whose containers are copies: for file systems that overlay cannot use.</summary>
public sealed class VfsTests
{
    [Fact]
    public async Task Containers_run_are_committed_and_copied_to_without_overlay()
    {
        await using var engine = await TestEngine.StartAsync("--storage-driver", "vfs");
        await engine.ImportBusyboxAsync();
        Assert.Equal("vfs", (await engine.GetAsync("/info")).Result.GetProperty("Driver").GetString());
        string id = await engine.RunAsync(Api.Script("echo made > /made; rm /etc/group; echo more >> /etc/passwd"));
        Assert.Equal(0, await engine.WaitAsync(id));
        var changes = (await engine.GetAsync($"/containers/{id}/changes")).Result.EnumerateArray().Select(c => $"{c.GetProperty("Kind")} {c.GetProperty("Path")}");
        Assert.Equal(["0 /etc", "2 /etc/group", "0 /etc/passwd", "1 /made"], changes);
        _ = (await engine.PostAsync($"/commit?container={id}&repo=vfs")).Result;
        string second = await engine.RunAsync(new JsonObject { ["Image"] = "vfs", ["Cmd"] = new JsonArray("sh", "-c", "cat /made; ls /etc; tail -n1 /etc/passwd") });
        Assert.Equal(0, await engine.WaitAsync(second));
        Assert.Equal("made\nhostname\nhosts\nmtab\npasswd\nresolv.conf\nmore\n", await engine.LogsAsync(second));
        Assert.Equal("vfs", (await engine.InspectAsync(second)).GetProperty("GraphDriver").GetProperty("Name").GetString());
        await engine.RemoveAsync(second);
        await engine.RemoveAsync(id);
    }
}
