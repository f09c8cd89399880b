using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Supervision;

/// <summary>A test that needs criu and a kernel that it can work with: <c>GANTRY_TEST_CRIU</c> names the program, otherwise it is found on the PATH.</summary>
internal sealed class CriuFactAttribute : FactAttribute
{
    public CriuFactAttribute()
    {
        if (CheckpointTests.Criu is null) Skip = "criu is not installed (GANTRY_TEST_CRIU names one)";
        else if (!Works.Value) Skip = $"{CheckpointTests.Criu} check says that it does not work on this machine";
    }

    private static readonly Lazy<bool> Works = new(() => Programs.RunAsync(CheckpointTests.Criu!, ["check"]).GetAwaiter().GetResult().ExitCode == 0);
}

public sealed class CheckpointTests
{
    public static string? Criu { get; } = Environment.GetEnvironmentVariable("GANTRY_TEST_CRIU") is { Length: > 0 } path ? path
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(d => Path.Combine(d, "criu")).FirstOrDefault(File.Exists);

    private static async Task<TestEngine> StartAsync(params string[] flags)
    {
        var engine = await TestEngine.StartAsync(["--experimental", .. Criu is null ? [] : (string[])["--criu-path", Criu], .. flags]);
        await engine.ImportBusyboxAsync();
        return engine;
    }

    private const string Counter = "i=0; while :; do echo $i; i=$((i+1)); sleep 0.02; done";

    private static async Task<int[]> NumbersAsync(TestEngine engine, string id) =>
        [.. (await engine.LogsAsync(id)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => int.Parse(line, CultureInfo.InvariantCulture))];

    private static async Task WaitForLinesAsync(TestEngine engine, string id, int lines)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await NumbersAsync(engine, id)).Length < lines) await Task.Delay(20, limit.Token);
    }

    private static Task<ApiAnswer> CheckpointAsync(TestEngine engine, string id, string name, bool exit) =>
        engine.PostAsync($"/containers/{id}/checkpoints", new JsonObject { ["CheckpointID"] = name, ["Exit"] = exit });

    [CriuFact]
    public async Task A_counter_goes_on_at_its_number_in_a_network_of_its_own()
    {
        await using var engine = await StartAsync();
        string volume = engine.Path("data");
        Directory.CreateDirectory(volume);
        string id = await engine.RunAsync(Api.Script("echo kept > /tmp/file; " + Counter, new JsonObject { ["Binds"] = new JsonArray($"{volume}:/data"), ["Memory"] = 64 << 20, ["Tmpfs"] = new JsonObject { ["/tmp"] = "" } }));
        await WaitForLinesAsync(engine, id, 10);
        Assert.Equal(201, (await CheckpointAsync(engine, id, "first", exit: true)).Status);
        var state = (await engine.InspectAsync(id)).GetProperty("State");
        Assert.Equal(("exited", 137), (state.GetProperty("Status").GetString(), state.GetProperty("ExitCode").GetInt32()));
        int before = (await NumbersAsync(engine, id))[^1];
        string other = await engine.RunAsync(Api.Script("sleep 1000"));   // takes the address that the counter had
        for (int round = 1; round <= 2; round++)
        {
            Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/start?checkpoint=first")).Status);
            int seen = (await NumbersAsync(engine, id)).Length;
            await WaitForLinesAsync(engine, id, seen + 5);
            int[] numbers = await NumbersAsync(engine, id);
            int restart = Array.FindIndex(numbers, seen == 0 ? 0 : 1, n => n == before + 1);
            Assert.True(restart >= 0 && numbers.Count(n => n == 0) == 1, string.Join(' ', numbers));
            var inspect = await engine.InspectAsync(id);
            string address = inspect.GetProperty("NetworkSettings").GetProperty("Networks").GetProperty("bridge").GetProperty("IPAddress").GetString()!;
            Assert.Contains($"inet {address}/", (await engine.ExecAsync(id, "ip addr show eth0")).Output, StringComparison.Ordinal);
            Assert.Equal((0, "kept\n"), await engine.ExecAsync(id, "cat /tmp/file; echo $$ > /data/pid"));
            Assert.True(File.Exists(Path.Combine(volume, "pid")));
            Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/stop?t=0")).Status);
            Assert.Equal(137, await engine.WaitAsync(id));
        }
        foreach (string each in (string[])[id, other]) await engine.RemoveAsync(each);
    }

    [CriuFact]
    public async Task A_container_that_is_left_running_runs_on_and_its_checkpoints_are_listed_and_deleted()
    {
        await using var engine = await StartAsync();
        string id = await engine.RunAsync(Api.Script(Counter), "left");
        await WaitForLinesAsync(engine, id, 5);
        Assert.Equal("[]\n", (await engine.GetAsync("/containers/left/checkpoints")).Body);
        Assert.Equal(201, (await CheckpointAsync(engine, id, "one", exit: false)).Status);
        Assert.Equal("running", await engine.StateAsync(id));
        int seen = (await NumbersAsync(engine, id)).Length;
        await WaitForLinesAsync(engine, id, seen + 5);
        Assert.Equal(Enumerable.Range(0, seen + 5), (await NumbersAsync(engine, id)).Take(seen + 5));
        var again = await CheckpointAsync(engine, "left", "one", exit: false);
        Assert.Equal((500, "cannot checkpoint container left: checkpoint with name one already exists for container left"), (again.Status, again.Message));
        Assert.Equal("[{\"Name\":\"one\"}]\n", (await engine.GetAsync("/containers/left/checkpoints")).Body);
        string folder = engine.Path("elsewhere");
        Directory.CreateDirectory(folder);
        Assert.Equal(201, (await engine.PostAsync("/containers/left/checkpoints", new JsonObject { ["CheckpointID"] = "two", ["CheckpointDir"] = folder })).Status);
        Assert.Equal("[{\"Name\":\"two\"}]\n", (await engine.GetAsync("/containers/left/checkpoints?dir=" + Uri.EscapeDataString(folder))).Body);
        Assert.Equal(204, (await engine.DeleteAsync("/containers/left/checkpoints/two?dir=" + Uri.EscapeDataString(folder))).Status);
        Assert.Empty(Directory.GetDirectories(folder));
        Assert.Equal(204, (await engine.DeleteAsync("/containers/left/checkpoints/one")).Status);
        var missing = await engine.DeleteAsync("/containers/left/checkpoints/one");
        Assert.Equal((500, "checkpoint one does not exist for container left"), (missing.Status, missing.Message));
        await engine.RemoveAsync(id);
    }

    [CriuFact]
    public async Task A_restored_container_outlives_its_daemon_and_its_supervisor()
    {
        await using var engine = await StartAsync();
        string id = await engine.RunAsync(Api.Script(Counter));
        await WaitForLinesAsync(engine, id, 5);
        Assert.Equal(201, (await CheckpointAsync(engine, id, "cp", exit: true)).Status);
        Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/start?checkpoint=cp")).Status);
        foreach (int supervisor in engine.Supervisors()) Signals.Send(supervisor, Signals.Kill);
        int seen = (await NumbersAsync(engine, id)).Length;
        await WaitForLinesAsync(engine, id, seen + 5);
        await engine.KillDaemonAsync();
        await engine.StartDaemonAsync();
        Assert.Equal("running", await engine.StateAsync(id));
        Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/stop?t=0")).Status);
        Assert.Equal(137, await engine.WaitAsync(id));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task Without_criu_the_answer_names_the_package()
    {
        await using var engine = await TestEngine.StartAsync("--experimental", "--criu-path", "/nonexistent/criu");
        await engine.ImportBusyboxAsync();
        string id = await engine.RunAsync(Api.Script("sleep 1000"));
        var answer = await CheckpointAsync(engine, id, "cp", exit: false);
        Assert.Equal(501, answer.Status);
        Assert.Contains("criu", answer.Message, StringComparison.Ordinal);
        Assert.Equal("[]\n", (await engine.GetAsync($"/containers/{id}/checkpoints")).Body);
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task Checkpoints_answer_as_dockerd_does_to_what_cannot_be()
    {
        await using var engine = await StartAsync();
        string id = await engine.CreateAsync(Api.Script("sleep 1000"), "c1");
        async Task IsAsync(int status, string message, Task<ApiAnswer> answer) => Assert.Equal((status, message), ((await answer).Status, (await answer).Message));
        await IsAsync(404, "No such container: nope", engine.GetAsync("/containers/nope/checkpoints"));
        await IsAsync(409, $"container {id} is not running", CheckpointAsync(engine, "c1", "cp", exit: false));
        await IsAsync(500, "checkpoint none does not exist for container /c1", engine.PostAsync("/containers/c1/start?checkpoint=none"));
        await IsAsync(403, "custom checkpointdir is not supported", engine.PostAsync("/containers/c1/start?checkpoint=cp&checkpoint-dir=/tmp"));
        await IsAsync(500, "checkpoint none does not exist for container c1", engine.DeleteAsync("/containers/c1/checkpoints/none"));
        await IsAsync(500, "checkpoint  does not exist for container c1", engine.GetAsync("/containers/c1/checkpoints?dir=/nonexistent"));
        _ = (await engine.PostAsync("/containers/c1/start")).Result;
        await IsAsync(500, "Invalid checkpoint ID (../x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", CheckpointAsync(engine, "c1", "../x", exit: false));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task Without_experimental_features_there_are_no_checkpoints()
    {
        await using var engine = await TestEngine.StartAsync();
        await engine.ImportBusyboxAsync();
        string id = await engine.CreateAsync(Api.Script("sleep 1000"));
        var listed = await engine.GetAsync($"/containers/{id}/checkpoints");
        Assert.Equal((501, "This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it."), (listed.Status, listed.Message));
        var started = await engine.PostAsync($"/containers/{id}/start?checkpoint=cp");
        Assert.Equal((400, "checkpoint is only supported in experimental mode"), (started.Status, started.Message));
        await engine.RemoveAsync(id);
    }
}
