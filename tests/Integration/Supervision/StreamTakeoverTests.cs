using System.Text;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Supervision;

/// <summary>A supervisor that dies loses no byte of its containers' streams.</summary>
public sealed class StreamTakeoverTests
{
    private const int Lines = 200_000;
    private static readonly byte[] Said = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, Lines).Select(i => $"{i}\n")));

    private static CancellationToken Limit => new CancellationTokenSource(TimeSpan.FromSeconds(120)).Token;

    private static async Task<TestEngine> StartAsync()
    {
        var engine = await TestEngine.StartAsync();
        await engine.ImportBusyboxAsync();
        return engine;
    }

    private static async Task KillSupervisorsAsync(TestEngine engine, int times)
    {
        for (int i = 0; i < times; i++)
        {
            await Task.Delay(Random.Shared.Next(50, 250), Limit);
            foreach (int supervisor in engine.Supervisors()) Signals.Send(supervisor, Signals.Kill);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Output_at_full_speed_is_whole_in_the_log_and_at_an_attached_client_whose_supervisor_dies(bool terminal)
    {
        await using var engine = await StartAsync();
        var config = Api.Script($"sleep 0.2; seq 1 {Lines / 2}; sleep 0.3; seq {Lines / 2 + 1} {Lines}; exit 6");
        config["Tty"] = terminal;
        string id = await engine.CreateAsync(config);
        await using var client = await engine.UpgradeAsync($"/containers/{id}/attach?stream=1&stdout=1&stderr=1", "", Limit);
        var reading = client.ReadToEndAsync(Limit);
        _ = (await engine.PostAsync($"/containers/{id}/start")).Result;
        await KillSupervisorsAsync(engine, 4);
        Assert.Equal(6, await engine.WaitAsync(id));
        byte[] seen = await reading;
        string log = terminal ? await engine.RawLogsAsync(id) : await engine.LogsAsync(id);
        Assert.Equal(Said, Plain(Encoding.ASCII.GetBytes(log)));
        Assert.Equal(Said, Plain(terminal ? seen : Api.Unframe(seen)));
        await engine.RemoveAsync(id);
    }

    private static byte[] Plain(byte[] text) => [.. text.Where(b => b != '\r')];

    [Fact]
    public async Task An_exec_goes_on_under_the_next_supervisor_with_its_output_and_its_exit_code()
    {
        await using var engine = await StartAsync();
        string id = await engine.RunAsync(Api.Script("sleep 1000"));
        var running = engine.ExecAsync(id, $"touch /begun; i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); sleep 0.01; done; exit 7");
        await engine.ExecAsync(id, "until test -e /begun; do sleep 0.01; done");
        await KillSupervisorsAsync(engine, 2);
        Assert.Equal((7, string.Concat(Enumerable.Range(0, 60).Select(i => $"line {i}\n"))), await running);
        Assert.Equal((0, "again\n"), await engine.ExecAsync(id, "echo again"));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task A_line_without_its_end_is_not_lost_with_the_supervisor_that_had_read_it()
    {
        await using var engine = await StartAsync();
        string id = await engine.RunAsync(Api.Script("printf 'be'; sleep 1; printf 'gin'; sleep 1; echo ' and end'"));
        await KillSupervisorsAsync(engine, 6);
        Assert.Equal(0, await engine.WaitAsync(id));
        Assert.Equal("begin and end\n", await engine.LogsAsync(id));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task Input_reaches_a_process_under_its_next_supervisor()
    {
        await using var engine = await StartAsync();
        var config = Api.Script("while read line; do echo got $line; done; exit 4");
        (config["OpenStdin"], config["StdinOnce"], config["AttachStdin"]) = (true, true, true);
        string id = await engine.RunAsync(config);
        await using var client = await engine.UpgradeAsync($"/containers/{id}/attach?stream=1&stdin=1&stdout=1", "", Limit);
        await client.WriteAsync("one\n"u8.ToArray(), Limit);
        var first = await ReadAsync(client, "got one\n".Length + 8);
        await KillSupervisorsAsync(engine, 1);
        await client.WriteAsync("two\n"u8.ToArray(), Limit);
        client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        byte[] rest = await client.ReadToEndAsync(Limit);
        Assert.Equal("got one\ngot two\n", Encoding.ASCII.GetString(Api.Unframe([.. first, .. rest])));
        Assert.Equal(4, await engine.WaitAsync(id));
        await engine.RemoveAsync(id);
    }

    private static async Task<byte[]> ReadAsync(Stream stream, int count)
    {
        byte[] bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, Limit);
        return bytes;
    }

    [Fact]
    public async Task A_container_that_loses_daemon_and_supervisor_at_once_runs_on_and_its_output_is_found_again()
    {
        await using var engine = await StartAsync();
        string flag = engine.Path("flag");
        Directory.CreateDirectory(flag);
        JsonObject Flags() => new() { ["Binds"] = new JsonArray($"{flag}:/flag") };
        string writer = await engine.RunAsync(Api.Script("i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); sleep 0.01; done; while [ ! -e /flag/end ]; do sleep 0.05; done; exit 6", Flags()));
        string early = await engine.RunAsync(Api.Script("while [ ! -e /flag/go ]; do sleep 0.02; done; exit 0", Flags()));
        int pid = (await engine.InspectAsync(early)).GetProperty("State").GetProperty("Pid").GetInt32();
        await Task.Delay(TimeSpan.FromMilliseconds(300), Limit);
        Signals.Send(engine.ProcessId, Signals.Kill);
        foreach (int supervisor in engine.Supervisors()) Signals.Send(supervisor, Signals.Kill);
        await engine.KillDaemonAsync();
        File.WriteAllText(System.IO.Path.Combine(flag, "go"), "");
        while (Directory.Exists($"/proc/{pid}")) await Task.Delay(20, Limit);   // one of them ends while nobody looks
        await engine.StartDaemonAsync();
        Assert.Equal("running", await engine.StateAsync(writer));
        Assert.Equal(255, await engine.WaitAsync(early));   // not known, and so not 0
        Assert.Equal((0, "in\n"), await engine.ExecAsync(writer, "echo in"));
        File.WriteAllText(System.IO.Path.Combine(flag, "end"), "");
        Assert.Equal(6, await engine.WaitAsync(writer));    // its parent is init, and the kernel tells by its descriptor
        string[] lines = (await engine.LogsAsync(writer)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("line 299", lines[^1]);
        // What both had between pipe and log in that very instant is gone: at most a few lines, one behind the other.
        string[] all = [.. Enumerable.Range(0, 300).Select(i => $"line {i}")];
        Assert.Empty(lines.Except(all));
        int[] lost = [.. Enumerable.Range(0, 300).Where(i => !lines.Contains(all[i]))];
        Assert.True(lost.Length == 0 || (lost.Length < 20 && lost[^1] - lost[0] == lost.Length - 1), string.Join(' ', lost));
        foreach (string id in (string[])[writer, early]) await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task Attach_and_followed_logs_go_on_after_a_restart_of_the_daemon_without_a_lost_byte()
    {
        await using var engine = await StartAsync();
        string flag = engine.Path("flag");
        Directory.CreateDirectory(flag);
        string id = await engine.RunAsync(Api.Script(
            "i=0; while [ $i -lt 300 ]; do printf \"$i \"; [ $((i % 7)) = 0 ] && echo; i=$((i+1)); sleep 0.01; done; while [ ! -e /flag/end ]; do sleep 0.05; done; printf last",
            new JsonObject { ["Binds"] = new JsonArray($"{flag}:/flag") }));
        await Task.Delay(TimeSpan.FromMilliseconds(300), Limit);
        await engine.KillDaemonAsync();
        await engine.StartDaemonAsync();
        await using var client = await engine.UpgradeAsync($"/containers/{id}/attach?logs=1&stream=1&stdout=1", "", Limit);
        var attached = client.ReadToEndAsync(Limit);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1.51/containers/{id}/logs?follow=1&stdout=1");
        using var answer = await engine.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Limit);
        File.WriteAllText(System.IO.Path.Combine(flag, "end"), "");
        byte[] followed = await answer.Content.ReadAsByteArrayAsync(Limit);
        string said = string.Concat(Enumerable.Range(0, 300).Select(i => i % 7 == 0 ? $"{i} \n" : $"{i} ")) + "last";
        Assert.Equal(said, Encoding.ASCII.GetString(Api.Unframe(followed)));
        Assert.Equal(said, Encoding.ASCII.GetString(Api.Unframe(await attached)));
        await engine.RemoveAsync(id);
    }
}
