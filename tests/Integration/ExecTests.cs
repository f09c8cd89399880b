using System.Text;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration;

/// <summary>Starts of execs, as dockerd 28 answers them.</summary>
public sealed class ExecTests(BusyboxFixture fixture) : IClassFixture<BusyboxFixture>
{
    private readonly TestEngine engine = fixture.Engine;

    private static CancellationToken Limit => new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;

    private async Task<string> CreateAsync(string container, string script, bool terminal)
    {
        var exec = new JsonObject { ["Cmd"] = new JsonArray("sh", "-c", script), ["AttachStdout"] = true, ["AttachStderr"] = true, ["Tty"] = terminal };
        return (await engine.PostAsync($"/containers/{container}/exec", exec)).Result.GetProperty("Id").GetString()!;
    }

    private Task<ApiAnswer> StartDetachedAsync(string exec) => engine.PostAsync($"/exec/{exec}/start", new JsonObject { ["Detach"] = true });

    private async Task<string> StartAttachedAsync(string exec, bool terminal, string more = "")
    {
        await using var stream = await engine.UpgradeAsync($"/exec/{exec}/start", $$"""{"Tty":{{(terminal ? "true" : "false")}}{{more}}}""", Limit);
        byte[] output = await stream.ReadToEndAsync(Limit);
        return Encoding.UTF8.GetString(terminal ? output : Api.Unframe(output));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_exec_runs_once_and_whoever_starts_it_again_is_told_how_it_stands(bool terminal)
    {
        string container = await engine.RunAsync(Api.Script("sleep 1000"));
        string exec = await CreateAsync(container, "while [ ! -e /end ]; do sleep 0.01; done", terminal);
        Assert.Equal(200, (await StartDetachedAsync(exec)).Status);
        var again = await StartDetachedAsync(exec);
        Assert.Equal((409, $"exec command {exec} is already running"), (again.Status, again.Message));
        Assert.Equal($"exec command {exec} is already running\r\n", await StartAttachedAsync(exec, terminal));

        await engine.ExecAsync(container, "touch /end");
        await Eventually.IsAsync(async () => !(await engine.GetAsync($"/exec/{exec}/json")).Result.GetProperty("Running").GetBoolean());
        again = await StartDetachedAsync(exec);
        Assert.Equal((409, $"exec command {exec} has already run"), (again.Status, again.Message));
        Assert.Equal($"exec command {exec} has already run\r\n", await StartAttachedAsync(exec, terminal));
        await engine.RemoveAsync(container);
    }

    [Fact]
    public async Task An_exec_that_could_not_be_started_has_run()
    {
        string container = await engine.RunAsync(Api.Script("sleep 1000"));
        var made = await engine.PostAsync($"/containers/{container}/exec", new JsonObject { ["Cmd"] = new JsonArray("/no/such/program") });
        string exec = made.Result.GetProperty("Id").GetString()!;
        Assert.Equal(400, (await StartDetachedAsync(exec)).Status);
        var again = await StartDetachedAsync(exec);
        Assert.Equal((409, $"exec command {exec} has already run"), (again.Status, again.Message));
        await engine.RemoveAsync(container);
    }

    [Fact]
    public async Task A_paused_container_starts_no_exec_and_that_comes_before_what_the_exec_has_done()
    {
        string container = await engine.RunAsync(Api.Script("sleep 1000"));
        string exec = await CreateAsync(container, "sleep 1000", terminal: false);
        Assert.Equal(200, (await StartDetachedAsync(exec)).Status);
        await engine.PostAsync($"/containers/{container}/pause");
        var refused = await StartDetachedAsync(exec);
        Assert.Equal((409, $"Container {container} is paused, unpause the container before exec"), (refused.Status, refused.Message));
        await engine.RemoveAsync(container);
    }

    [Fact]
    public async Task A_console_size_without_a_terminal_is_of_no_account()
    {
        string container = await engine.RunAsync(Api.Script("sleep 1000"));
        Assert.Equal("12 34\r\n", await StartAttachedAsync(await CreateAsync(container, "stty size", terminal: true), terminal: true, ""","ConsoleSize":[12,34]"""));
        Assert.Equal("done\n", await StartAttachedAsync(await CreateAsync(container, "echo done", terminal: false), terminal: false, ""","ConsoleSize":[12,34]"""));
        await engine.RemoveAsync(container);
    }
}
