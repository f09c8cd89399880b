using Xunit.Abstractions;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Supervision;

/// <summary>Daemon, supervisor and both are killed while clients go through the lives of containers. <c>GANTRY_TEST_KILLS</c> says how often.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int ExitCode = 6, Unknown = 255, Workers = 3, Lines = 60;
    private static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("GANTRY_TEST_KILLS") is { Length: > 0 } count ? count : "15", CultureInfo.InvariantCulture);
    private static readonly string Script = $"i=0; while [ $i -lt {Lines} ]; do echo line $i; i=$((i+1)); [ $((i % 10)) = 0 ] && sleep 0.04; done; printf unfinished; exit {ExitCode}";
    private static readonly string Said = string.Concat(Enumerable.Range(0, Lines).Select(i => $"line {i}\n")) + "unfinished";

    /// <summary>A daemon that dies so soon after a supervisor may not have handed over yet what it holds: that is the death of both.</summary>
    private static readonly TimeSpan Rescue = TimeSpan.FromSeconds(4);

    private readonly ConcurrentQueue<string> wrong = new();
    private readonly Dictionary<string, int> counts = new() { ["cycles"] = 0, ["exec"] = 0, ["ended"] = 0, ["unknown"] = 0, ["stopped"] = 0 };
    private volatile int doubleKills;

    private static CancellationToken Limit => new CancellationTokenSource(TimeSpan.FromSeconds(60 + 6 * Kills)).Token;

    private void Count(string what)
    {
        lock (counts) counts[what]++;
    }

    [Fact]
    public async Task Kills_of_daemon_and_supervisor_lose_no_container_no_line_and_no_exit_code_and_leave_nothing()
    {
        await using var engine = await TestEngine.StartAsync();
        await engine.ImportBusyboxAsync();
        using var end = new CancellationTokenSource();
        var workers = Enumerable.Range(0, Workers).Select(w => Task.Run(() => WorkAsync(engine, w, end.Token))).ToArray();
        var random = new Random(1);
        var lastSupervisor = DateTime.MinValue;
        for (int i = 0; i < Kills; i++)
        {
            await Task.Delay(random.Next(0, 1200), Limit);
            int which = random.Next(3);
            var sinceSupervisor = DateTime.UtcNow - lastSupervisor;
            if (which == 0 && i % 2 == 0 && sinceSupervisor < Rescue) await Task.Delay(Rescue - sinceSupervisor, Limit);   // every other time a daemon dies alone for certain
            if (which == 0 && DateTime.UtcNow - lastSupervisor >= Rescue) await RescuedAsync(engine);
            int[] supervisors = which == 0 ? [] : [.. engine.Supervisors()];
            if (which == 2 || (which == 0 && DateTime.UtcNow - lastSupervisor < Rescue)) doubleKills++;
            foreach (int supervisor in supervisors) Signals.Send(supervisor, Signals.Kill);
            if (supervisors.Length > 0) lastSupervisor = DateTime.UtcNow;
            if (which == 1) continue;
            await engine.KillDaemonAsync();
            await engine.StartDaemonAsync();
        }
        await end.CancelAsync();
        await Task.WhenAll(workers).WaitAsync(Limit);
        lock (counts) output.WriteLine($"{Kills} kills, {doubleKills} of both; {string.Join(", ", counts.Select(c => $"{c.Value} {c.Key}"))}");
        Assert.True(wrong.IsEmpty, string.Join("\n\n", wrong));

        foreach (var container in (await engine.GetAsync("/containers/json?all=1")).Result.EnumerateArray()) await engine.RemoveAsync(container.GetProperty("Id").GetString()!);
        var left = await Leftovers.FindAsync(engine);
        for (int i = 0; i < 600 && left.Count > 0; i++)
        {
            await Task.Delay(100, Limit);   // what is taken away in the background
            left = await Leftovers.FindAsync(engine);
        }
        Assert.True(left.Count == 0, string.Join('\n', left) + "\n" + Logs(engine));
    }

    /// <summary>Waits until every container that runs has a supervisor: a resize is answered then.</summary>
    private static async Task RescuedAsync(TestEngine engine)
    {
        foreach (var container in (await engine.GetAsync("/containers/json")).Result.EnumerateArray())
            await Eventually.IsAsync(async () => (await engine.PostAsync($"/containers/{container.GetProperty("Id").GetString()}/resize?h=24&w=80")).Status is 200 or 404 or 409);
    }

    private async Task WorkAsync(TestEngine engine, int worker, CancellationToken end)
    {
        for (int n = 0; !end.IsCancellationRequested; n++)
        {
            try
            {
                await CycleAsync(engine, $"k{worker}-{n}", n);
                Count("cycles");
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                await Task.Delay(20, CancellationToken.None);   // the daemon is down
            }
        }
    }

    private async Task CycleAsync(TestEngine engine, string name, int n)
    {
        int both = doubleKills;
        var config = Api.Script(n % 3 == 2 ? "echo here; sleep 1000" : Script);
        var created = await RetryAsync(() => engine.PostAsync($"/containers/create?name={name}", config));
        string id = created.Status == 409 ? (await RetryAsync(() => engine.InspectAsync(name))).GetProperty("Id").GetString()! : created.Result.GetProperty("Id").GetString()!;   // made, and the answer lost
        var started = await RetryAsync(() => StartAsync(engine, id));
        if (started.Status is not (204 or 304))
        {
            wrong.Enqueue($"{name}: start {started.Status} {started.Body}\n{Logs(engine)}");
            return;
        }
        if (n % 2 == 0) await ExecAsync(engine, id, name);
        if (n % 3 == 2)
        {
            var stopped = await RetryAsync(() => engine.PostAsync($"/containers/{id}/stop?t=0"));
            int code = await RetryAsync(() => engine.WaitAsync(id));
            bool lostBoth = doubleKills != both;
            if (stopped.Status is not (204 or 304) || (code != 137 && !(lostBoth && code == Unknown))) wrong.Enqueue($"{name}: stop {stopped.Status} {stopped.Body}, exit code {code}");
            Count("stopped");
        }
        else
        {
            int code = await RetryAsync(() => engine.WaitAsync(id));
            string said = await RetryAsync(() => engine.LogsAsync(id));
            bool lostBoth = doubleKills != both;
            if (code != ExitCode && !(lostBoth && code == Unknown)) wrong.Enqueue($"{name}: exit code {code}, both killed: {lostBoth}\n{(await engine.InspectAsync(id)).GetProperty("State").GetRawText()}\n{Logs(engine)}");
            if (said != Said && !lostBoth) wrong.Enqueue($"{name}: exit code {code}; said {said.Length} bytes instead of {Said.Length}: …{said[^Math.Min(40, said.Length)..]}");
            Count(code == Unknown ? "unknown" : "ended");
        }
        var removed = await RetryAsync(() => engine.DeleteAsync($"/containers/{id}?force=1"));
        if (removed.Status is not (204 or 404)) wrong.Enqueue($"{name}: remove {removed.Status} {removed.Body}");
    }

    /// <summary>Starts it once, even when the answer to the first attempt was lost.</summary>
    private static async Task<ApiAnswer> StartAsync(TestEngine engine, string id)
    {
        bool begun = !(await engine.InspectAsync(id)).GetProperty("State").GetProperty("StartedAt").GetString()!.StartsWith("0001-", StringComparison.Ordinal);
        return begun ? new ApiAnswer(304, "") : await engine.PostAsync($"/containers/{id}/start");
    }

    /// <summary>An exec whose supervisor dies goes on; one whose daemon dies is forgotten, and its container is not.</summary>
    private async Task ExecAsync(TestEngine engine, string id, string name)
    {
        try
        {
            var made = await engine.PostAsync($"/containers/{id}/exec", new JsonObject { ["Cmd"] = new JsonArray("sh", "-c", "echo in; sleep 0.1; exit 3"), ["AttachStdout"] = true });
            if (made.Status != 201) return;   // it has ended
            string exec = made.Result.GetProperty("Id").GetString()!;
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            await using (var stream = await engine.UpgradeAsync($"/exec/{exec}/start", "{}", limit.Token)) await stream.ReadToEndAsync(limit.Token);
            var seen = (await engine.GetAsync($"/exec/{exec}/json")).Result;
            if (seen.GetProperty("ExitCode").ValueKind == System.Text.Json.JsonValueKind.Number && seen.GetProperty("ExitCode").GetInt32() == 0) wrong.Enqueue($"{name}: an exec that ends with 3 is said to have ended with 0");
            Count("exec");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or Xunit.Sdk.XunitException or System.Net.Sockets.SocketException)
        {
            // The daemon went down meanwhile.
        }
    }

    /// <summary>The last lines of the logs, for who has to find out what was wrong.</summary>
    private static string Logs(TestEngine engine) =>
        string.Join('\n', engine.Log.Split('\n').TakeLast(25)) + "\n" + string.Join('\n', File.ReadAllText($"{engine.ExecRoot}/supervisor.log").Split('\n').TakeLast(25));

    private static async Task<T> RetryAsync<T>(Func<Task<T>> ask)
    {
        for (int i = 0; ; i++)
        {
            try
            {
                return await ask();
            }
            catch (Exception e) when (i < 200 && e is HttpRequestException or IOException)
            {
                await Task.Delay(50);
            }
        }
    }
}
