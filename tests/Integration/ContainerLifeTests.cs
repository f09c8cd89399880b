using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration;

/// <summary>An engine with busybox in it.</summary>
public sealed class BusyboxFixture : IAsyncLifetime
{
    internal TestEngine Engine { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Engine = await TestEngine.StartAsync();
        await Engine.ImportBusyboxAsync();
    }

    public async Task DisposeAsync() => await Engine.DisposeAsync();
}

/// <summary>Containers from creation to removal over the API: states, texts and codes of reference §1B and §5.</summary>
public sealed class ContainerLifeTests(BusyboxFixture fixture) : IClassFixture<BusyboxFixture>
{
    private readonly TestEngine engine = fixture.Engine;

    private static CancellationToken Limit => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    [Fact]
    public async Task A_container_runs_says_something_and_ends_with_its_code()
    {
        string id = await engine.CreateAsync(Api.Script("echo out; echo err >&2; exit 3"));
        Assert.Equal("created", await engine.StateAsync(id));
        Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/start")).Status);
        Assert.Equal(3, await engine.WaitAsync(id));
        Assert.Equal(["err", "out"], (await engine.LogsAsync(id)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
        Assert.Equal("out\n", await engine.LogsAsync(id, "stdout=1"));
        Assert.Equal(("exited", 3), (await engine.StateAsync(id), (await engine.InspectAsync(id)).GetProperty("State").GetProperty("ExitCode").GetInt32()));
        Assert.Equal(204, (await engine.DeleteAsync($"/containers/{id}")).Status);
        Assert.Equal((404, $"No such container: {id}"), await engine.GetAsync($"/containers/{id}/json") is var gone ? (gone.Status, gone.Message) : default);
    }

    [Fact]
    public async Task What_is_already_so_is_304_and_what_cannot_be_is_409()
    {
        string id = await engine.CreateAsync(Api.Script("sleep 1000"), "states");
        Assert.Equal(304, (await engine.PostAsync($"/containers/{id}/stop")).Status);
        var kill = await engine.PostAsync("/containers/states/kill");
        Assert.Equal((409, $"cannot kill container: states: container {id} is not running"), (kill.Status, kill.Message));
        Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/start")).Status);
        Assert.Equal(304, (await engine.PostAsync($"/containers/{id}/start")).Status);
        var remove = await engine.DeleteAsync($"/containers/{id}");
        Assert.Equal((409, $"cannot remove container \"{id}\": container is running: stop the container before removing or force remove"), (remove.Status, remove.Message));
        var again = await engine.PostAsync("/containers/create?name=states", Api.Script("true"));
        Assert.Equal((409, $"Conflict. The container name \"/states\" is already in use by container \"{id}\". You have to remove (or rename) that container to be able to reuse that name."), (again.Status, again.Message));
        Assert.Equal(204, (await engine.PostAsync("/containers/states/rename?name=other")).Status);
        Assert.Equal(id, (await engine.InspectAsync("other")).GetProperty("Id").GetString());
        await engine.RemoveAsync(id);
    }

    [Theory]
    [InlineData("TERM", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done", 5)]
    [InlineData("KILL", "echo ready; sleep 1000", 137)]
    [InlineData("9", "echo ready; sleep 1000", 137)]
    public async Task A_signal_ends_it_and_its_code_tells(string signal, string script, int code)
    {
        string id = await engine.RunAsync(Api.Script(script));
        await ReadyAsync(id);
        Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/kill?signal={signal}")).Status);
        Assert.Equal(code, await engine.WaitAsync(id));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task A_signal_that_the_daemon_was_started_to_ignore_is_not_ignored_in_a_container()
    {
        string id = await engine.RunAsync(new JsonObject { ["Image"] = "busybox", ["Cmd"] = new JsonArray("grep", "SigIgn", "/proc/self/status") });
        Assert.Equal(0, await engine.WaitAsync(id));
        Assert.Equal("SigIgn:\t0000000000000000\n", await engine.LogsAsync(id));
        await engine.RemoveAsync(id);
    }

    /// <summary>Follows the log until its first line is there.</summary>
    private async Task ReadyAsync(string id)
    {
        using var answer = await engine.Http.GetAsync($"/containers/{id}/logs?stdout=1&follow=1", HttpCompletionOption.ResponseHeadersRead, Limit);
        await using var stream = await answer.Content.ReadAsStreamAsync(Limit);
        byte[] line = new byte[14];
        await stream.ReadExactlyAsync(line, Limit);
        Assert.Equal("ready\n", Encoding.ASCII.GetString(line, 8, 6));
    }

    [Fact]
    public async Task Stop_asks_first_and_then_kills()
    {
        string deaf = await engine.RunAsync(Api.Script("trap '' TERM; echo ready; while :; do sleep 0.01; done"));
        await ReadyAsync(deaf);
        Assert.Equal(204, (await engine.PostAsync($"/containers/{deaf}/stop?t=1")).Status);
        Assert.Equal(137, (await engine.InspectAsync(deaf)).GetProperty("State").GetProperty("ExitCode").GetInt32());
        await engine.RemoveAsync(deaf);
    }

    [Theory]
    [InlineData("/bin/nothing", 127, "/bin/nothing\": stat /bin/nothing: no such file or directory")]
    [InlineData("nothing", 127, "exec: \"nothing\": executable file not found in $PATH")]
    [InlineData("/etc/passwd", 126, "exec: \"/etc/passwd\": permission denied")]
    [InlineData("/tmp", 126, "exec: \"/tmp\": is a directory: permission denied")]
    public async Task A_command_that_cannot_be_run_is_a_400_and_the_state_keeps_the_code(string command, int code, string text)
    {
        string id = await engine.CreateAsync(new JsonObject { ["Image"] = "busybox", ["Cmd"] = new JsonArray(command) });
        var start = await engine.PostAsync($"/containers/{id}/start");
        Assert.Equal(400, start.Status);
        Assert.Contains(text, start.Message, StringComparison.Ordinal);
        var state = (await engine.InspectAsync(id)).GetProperty("State");
        Assert.Equal(("created", code, start.Message), (state.GetProperty("Status").GetString(), state.GetProperty("ExitCode").GetInt32(), state.GetProperty("Error").GetString()));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task Wait_answers_at_the_next_exit_or_the_removal()
    {
        string id = await engine.CreateAsync(Api.Script("exit 4"));
        var exit = await engine.BeginWaitAsync(id, "next-exit");
        var removed = await engine.BeginWaitAsync(id, "removed");
        Assert.Equal(0, await engine.WaitAsync(id));   // it does not run
        _ = (await engine.PostAsync($"/containers/{id}/start")).Result;
        Assert.Equal(4, await exit.WaitAsync(Limit));
        Assert.False(removed.IsCompleted);
        await engine.RemoveAsync(id);
        Assert.Equal(4, await removed.WaitAsync(Limit));
    }

    [Fact]
    public async Task Auto_remove_leaves_nothing()
    {
        string id = await engine.CreateAsync(Api.Script("exit 0", new JsonObject { ["AutoRemove"] = true }));
        var removed = await engine.BeginWaitAsync(id, "removed");
        _ = (await engine.PostAsync($"/containers/{id}/start")).Result;
        Assert.Equal(0, await removed.WaitAsync(Limit));
        Assert.Equal(404, (await engine.GetAsync($"/containers/{id}/json")).Status);
        Assert.False(Directory.Exists($"{engine.DataRoot}/containers/{id}"));
    }

    [Fact]
    public async Task A_policy_restarts_it_as_often_as_it_says()
    {
        string id = await engine.RunAsync(Api.Script("echo once; exit 7", new JsonObject { ["RestartPolicy"] = new JsonObject { ["Name"] = "on-failure", ["MaximumRetryCount"] = 2 } }));
        while (await engine.StateAsync(id) != "exited") await Task.Delay(50, Limit);
        Assert.Equal(2, (await engine.InspectAsync(id)).GetProperty("RestartCount").GetInt32());
        Assert.Equal("once\nonce\nonce\n", await engine.LogsAsync(id));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task What_an_attached_client_sends_comes_back_and_the_end_of_its_input_arrives()
    {
        string id = await engine.CreateAsync(new JsonObject { ["Image"] = "busybox", ["Cmd"] = new JsonArray("cat"), ["OpenStdin"] = true, ["StdinOnce"] = true, ["AttachStdin"] = true, ["AttachStdout"] = true });
        await using var stream = await engine.UpgradeAsync($"/containers/{id}/attach?stream=1&stdin=1&stdout=1&stderr=1", cancellation: Limit);
        _ = (await engine.PostAsync($"/containers/{id}/start")).Result;
        byte[] sent = [.. Enumerable.Range(0, 1 << 20).Select(i => (byte)(i * 31 >> 3))];
        var write = Task.Run(async () =>
        {
            await stream.WriteAsync(sent);
            stream.Socket.Shutdown(SocketShutdown.Send);
        });
        byte[] received = Api.Unframe(await stream.ReadToEndAsync(Limit));
        await write;
        Assert.True(sent.AsSpan().SequenceEqual(received), $"{received.Length} of {sent.Length} bytes came back");
        Assert.Equal(0, await engine.WaitAsync(id));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task A_followed_log_ends_with_the_container_and_has_every_line_once()
    {
        string id = await engine.RunAsync(Api.Script("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done"));
        string followed = await engine.LogsAsync(id, "stdout=1&follow=1");
        Assert.Equal(string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")), followed);
        Assert.Equal("line 1998\nline 1999\n", await engine.LogsAsync(id, "stdout=1&tail=2"));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task Exec_runs_beside_the_main_process_and_has_a_code_of_its_own()
    {
        string id = await engine.RunAsync(Api.Script("sleep 1000"));
        Assert.Equal((9, "here\n"), await engine.ExecAsync(id, "echo here; exit 9"));
        Assert.Equal("running", await engine.StateAsync(id));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task A_life_is_told_in_dockerds_order()
    {
        long since = DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 1;
        string id = await engine.RunAsync(Api.Script("exit 2"));
        await engine.WaitAsync(id);
        Assert.Equal(["create", "start", "die", "destroy"], await ActionsAsync(id, since));
    }

    /// <summary>The recorded order (golden 068): the stop is told before the end that it has led to.</summary>
    [Fact]
    public async Task Stops_and_restarts_are_told_in_dockerds_order()
    {
        long since = DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 1;
        string id = await engine.RunAsync(Api.Script("sleep 1000"));
        Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/restart?t=0")).Status);
        Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/stop?t=0")).Status);
        Assert.Equal(["create", "start", "kill", "kill", "stop", "die", "start", "restart", "kill", "kill", "stop", "die", "destroy"], await ActionsAsync(id, since));
    }

    /// <summary>Removes a container and reads its events.</summary>
    private async Task<string[]> ActionsAsync(string id, long since)
    {
        await engine.RemoveAsync(id);
        long until = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1;
        await Task.Delay(TimeSpan.FromSeconds(1), Limit);
        string filters = Uri.EscapeDataString($$"""{"container":["{{id}}"]}""");
        return [.. (await engine.GetAsync($"/events?since={since}&until={until}&filters={filters}")).Body.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement).Where(e => e.GetProperty("Type").GetString() == "container").Select(e => e.GetProperty("Action").GetString()!)];
    }
}
