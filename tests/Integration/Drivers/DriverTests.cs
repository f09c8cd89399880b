using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Drivers;

/// <summary>What every exec driver must do alike. One method a behaviour, one row a driver.</summary>
public sealed partial class DriverTests(DriverFixture fixture) : IClassFixture<DriverFixture>
{
    private readonly TestEngine engine = fixture.Engine;

    private static CancellationToken Limit => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    private static JsonObject Script(string driver, string script, JsonObject? host = null)
    {
        host ??= [];
        host["Runtime"] = driver;
        return Api.Script(script, host);
    }

    /// <summary>Runs a config to its end and removes it.</summary>
    private async Task<(int Code, string Output)> RunAsync(JsonObject config)
    {
        string id = await engine.RunAsync(config);
        int code = await engine.WaitAsync(id);
        string output = await engine.LogsAsync(id);
        await engine.RemoveAsync(id);
        return (code, output);
    }

    private Task<(int Code, string Output)> RunAsync(string driver, string script, JsonObject? host = null) => RunAsync(Script(driver, script, host));

    /// <summary>A container that does nothing, for the time of a test.</summary>
    private async Task WithIdleAsync(string driver, Func<string, Task> test, JsonObject? host = null)
    {
        string id = await engine.RunAsync(Script(driver, "trap 'exit 0' TERM; echo idle; while :; do sleep 0.05; done", host));
        try
        {
            await UntilSaidAsync(id, "idle");   // the start by a runtime is over before its process has become the shell
            await test(id);
        }
        finally
        {
            await engine.RemoveAsync(id);
        }
    }

    private async Task<(int Code, string Output)> ExecAsync(string container, JsonObject request, string start = "{}", Func<string, Task>? whileRunning = null)
    {
        request["AttachStdout"] = true;
        request["AttachStderr"] = true;
        bool terminal = request["Tty"]?.GetValue<bool>() == true;
        string exec = (await engine.PostAsync($"/containers/{container}/exec", request)).Result.GetProperty("Id").GetString()!;
        await using var stream = await engine.UpgradeAsync($"/exec/{exec}/start", start, Limit);
        if (whileRunning is not null) await whileRunning(exec);
        byte[] output = await stream.ReadToEndAsync(Limit);
        return ((await engine.GetAsync($"/exec/{exec}/json")).Result.GetProperty("ExitCode").GetInt32(), Encoding.UTF8.GetString(terminal ? output : Api.Unframe(output)));
    }

    private static JsonArray Shell(string script) => new("sh", "-c", script);

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var limit = Limit;
        while (!await condition()) await Task.Delay(20, limit);
    }

    private Task UntilSaidAsync(string id, string text) => UntilAsync(async () => (await engine.LogsAsync(id)).Contains(text, StringComparison.Ordinal));

    private async Task<JsonElement> StateAsync(string id) => (await engine.InspectAsync(id)).GetProperty("State");

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Both_streams_and_the_exit_code_arrive(string driver)
    {
        string id = await engine.RunAsync(Script(driver, "echo out; echo err >&2; exit 3"));
        Assert.Equal(3, await engine.WaitAsync(id));
        Assert.Equal(("out\n", "err\n"), (await engine.LogsAsync(id, "stdout=1"), await engine.LogsAsync(id, "stderr=1")));
        await engine.RemoveAsync(id);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_signal_that_ends_it_is_in_its_code(string driver) => Assert.Equal(143, (await RunAsync(driver, "sh -c 'kill -TERM $$'; exit $?")).Code);

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_missing_command_is_127(string driver) => await FailsAsync(driver, "nothing", 127, "exec: \"nothing\": executable file not found in $PATH");

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_missing_path_is_127(string driver) => await FailsAsync(driver, "/bin/nothing", 127, "exec: \"/bin/nothing\": stat /bin/nothing: no such file or directory");

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_file_that_is_no_program_is_126(string driver) => await FailsAsync(driver, "/etc/passwd", 126, "exec: \"/etc/passwd\": permission denied");

    private async Task FailsAsync(string driver, string command, int code, string text)
    {
        string id = await engine.CreateAsync(new JsonObject { ["Image"] = "busybox", ["Cmd"] = new JsonArray(command), ["HostConfig"] = new JsonObject { ["Runtime"] = driver } });
        var start = await engine.PostAsync($"/containers/{id}/start");
        Assert.Equal(400, start.Status);
        Assert.Contains(text, start.Message, StringComparison.Ordinal);
        Assert.Equal(("created", code), ((await StateAsync(id)).GetProperty("Status").GetString(), (await StateAsync(id)).GetProperty("ExitCode").GetInt32()));
        await engine.RemoveAsync(id);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task The_environment_is_the_containers_own(string driver)
    {
        var config = Script(driver, "env | grep -E '^(A|B|HOME|PATH|HOSTNAME)=' | sort; echo \"[$C]\"");
        config["Env"] = new JsonArray("A=1 2", "B=x=y\"z'", "C= blank ");
        config["Hostname"] = "named";
        Assert.Equal("A=1 2\nB=x=y\"z'\nHOME=/root\nHOSTNAME=named\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n[ blank ]\n", (await RunAsync(config)).Output);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task It_runs_as_its_user_with_the_groups_asked_for(string driver)
    {
        var config = Script(driver, "id -u; id -g; id -G", new JsonObject { ["GroupAdd"] = new JsonArray("mail", "77") });
        config["User"] = "65534:100";
        Assert.Equal("65534\n100\n100 8 77\n", (await RunAsync(config)).Output.Replace("100 77 8", "100 8 77", StringComparison.Ordinal));
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task It_starts_in_its_working_directory_which_is_made(string driver)
    {
        var config = Script(driver, "pwd; stat -c %a .");
        config["WorkingDir"] = "/made/for it";
        Assert.Equal("/made/for it\n755\n", (await RunAsync(config)).Output);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task It_has_its_own_names(string driver)
    {
        var config = Script(driver, "hostname; cat /proc/sys/kernel/domainname; cat /etc/hostname");
        config["Hostname"] = "inside";
        config["Domainname"] = "example.test";
        Assert.Equal("inside\nexample.test\ninside\n", (await RunAsync(config)).Output);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_terminal_is_the_containers_own(string driver)
    {
        var config = Script(driver, "test -t 0 && test -t 1 && test -t 2 && tty; echo $TERM; stty size", new JsonObject { ["ConsoleSize"] = new JsonArray(33, 77) });
        config["Tty"] = true;
        string id = await engine.RunAsync(config);
        Assert.Equal(0, await engine.WaitAsync(id));
        string output = await engine.Http.GetStringAsync($"/v1.51/containers/{id}/logs?stdout=1", Limit);
        Assert.Matches("^/dev/(pts/[0-9]|console)\r\nxterm\r\n33 77\r\n$", output);
        await engine.RemoveAsync(id);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_terminal_takes_input_and_a_new_size(string driver)
    {
        var config = Script(driver, "read line; echo got $line; while [ \"$(stty size 2>/dev/null)\" != '20 50' ]; do sleep 0.02; done; stty size");
        config["Tty"] = true;
        config["OpenStdin"] = true;
        string id = await engine.CreateAsync(config);
        await using var stream = await engine.UpgradeAsync($"/containers/{id}/attach?stream=1&stdin=1&stdout=1&stderr=1", cancellation: Limit);
        _ = (await engine.PostAsync($"/containers/{id}/start")).Result;
        await stream.WriteAsync("word\n"u8.ToArray(), Limit);
        Assert.Equal(200, (await engine.PostAsync($"/containers/{id}/resize?h=20&w=50")).Status);
        string output = Encoding.UTF8.GetString(await stream.ReadToEndAsync(Limit));
        Assert.Equal("word\r\ngot word\r\n20 50\r\n", output);
        await engine.RemoveAsync(id);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Its_input_ends_when_the_client_ends_it(string driver)
    {
        var config = Script(driver, "cat; echo end");
        foreach (string setting in (string[])["OpenStdin", "StdinOnce", "AttachStdin"]) config[setting] = true;
        string id = await engine.CreateAsync(config);
        await using var stream = await engine.UpgradeAsync($"/containers/{id}/attach?stream=1&stdin=1&stdout=1&stderr=1", cancellation: Limit);
        _ = (await engine.PostAsync($"/containers/{id}/start")).Result;
        byte[] sent = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 31 >> 3))];
        var write = Task.Run(async () =>
        {
            await stream.WriteAsync(sent);
            stream.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        });
        byte[] received = Api.Unframe(await stream.ReadToEndAsync(Limit));
        await write;
        Assert.True(received.AsSpan().SequenceEqual([.. sent, .. "end\n"u8]), $"{received.Length} bytes came back");
        Assert.Equal(0, await engine.WaitAsync(id));
        await engine.RemoveAsync(id);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Without_input_it_reads_an_end_at_once(string driver) => Assert.Equal((0, "end\n"), await RunAsync(driver, "cat; echo end"));

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Exec_has_streams_and_a_code_of_its_own(string driver) => await WithIdleAsync(driver, async id =>
    {
        Assert.Equal((9, "here\n"), await ExecAsync(id, new JsonObject { ["Cmd"] = Shell("echo here; exit 9") }));
        Assert.Equal((0, ""), await ExecAsync(id, new JsonObject { ["Cmd"] = new JsonArray("true") }));
        Assert.Equal("running", await engine.StateAsync(id));
    });

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Exec_runs_beside_the_others_in_their_namespaces(string driver) => await WithIdleAsync(driver, async id =>
    {
        string inside = (await ExecAsync(id, new JsonObject { ["Cmd"] = Shell("for n in pid mnt net uts ipc; do readlink /proc/self/ns/$n; readlink /proc/1/ns/$n; done | sort | uniq -c | grep -vc '^ *2 '") })).Output;
        Assert.Equal("0\n", inside);
    });

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Exec_has_the_user_environment_and_directory_asked_for(string driver) => await WithIdleAsync(driver, async id =>
    {
        var request = new JsonObject { ["Cmd"] = Shell("id -u; echo $A; pwd; echo $HOME"), ["User"] = "nobody", ["Env"] = new JsonArray("A=b c"), ["WorkingDir"] = "/tmp" };
        Assert.Equal((0, "65534\nb c\n/tmp\n/\n"), await ExecAsync(id, request));
    });

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Exec_with_a_terminal_has_size_and_can_be_resized(string driver) => await WithIdleAsync(driver, async id =>
    {
        var request = new JsonObject { ["Cmd"] = Shell("test -t 0; while [ \"$(stty size 2>/dev/null)\" != '30 70' ]; do sleep 0.02; done; stty size; touch /sized; while [ \"$(stty size 2>/dev/null)\" != '21 51' ]; do sleep 0.02; done; stty size"), ["Tty"] = true, ["ConsoleSize"] = new JsonArray(30, 70) };
        var (code, output) = await ExecAsync(id, request, """{"Tty":true}""", async exec =>
        {
            await UntilAsync(async () => (await engine.GetAsync($"/exec/{exec}/json")).Result.GetProperty("Pid").GetInt32() > 0);
            await UntilAsync(async () => (await ExecAsync(id, new JsonObject { ["Cmd"] = Shell("test -e /sized") })).Code == 0);
            Assert.Equal(200, (await engine.PostAsync($"/exec/{exec}/resize?h=21&w=51")).Status);
        });
        Assert.Equal((0, "30 70\r\n21 51\r\n"), (code, output));
    });

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Exec_of_a_missing_command_is_127(string driver) => await WithIdleAsync(driver, async id =>
    {
        var (code, output) = await ExecAsync(id, new JsonObject { ["Cmd"] = new JsonArray("nothing") });
        Assert.Equal(127, code);
        Assert.Equal("OCI runtime exec failed: exec failed: unable to start container process: exec: \"nothing\": executable file not found in $PATH\r\n", output);
    });

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Exec_takes_input_to_its_end(string driver) => await WithIdleAsync(driver, async id =>
    {
        string exec = (await engine.PostAsync($"/containers/{id}/exec", new JsonObject { ["Cmd"] = Shell("cat; echo end"), ["AttachStdin"] = true, ["AttachStdout"] = true })).Result.GetProperty("Id").GetString()!;
        await using var stream = await engine.UpgradeAsync($"/exec/{exec}/start", "{}", Limit);
        await stream.WriteAsync("word\n"u8.ToArray(), Limit);
        stream.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        Assert.Equal("word\nend\n", Encoding.UTF8.GetString(Api.Unframe(await stream.ReadToEndAsync(Limit))));
    });

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_signal_reaches_its_first_process(string driver)
    {
        string id = await engine.RunAsync(Script(driver, "trap 'echo got; exit 5' USR1; echo ready; while :; do sleep 0.02; done"));
        await UntilSaidAsync(id, "ready");
        Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/kill?signal=SIGUSR1")).Status);
        Assert.Equal(5, await engine.WaitAsync(id));
        Assert.Equal("ready\ngot\n", await engine.LogsAsync(id));
        await engine.RemoveAsync(id);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Stop_asks_first_and_then_kills(string driver)
    {
        string deaf = await engine.RunAsync(Script(driver, "trap '' TERM; echo ready; while :; do sleep 0.02; done"));
        await UntilSaidAsync(deaf, "ready");
        Assert.Equal(204, (await engine.PostAsync($"/containers/{deaf}/stop?t=1")).Status);
        Assert.Equal(137, (await StateAsync(deaf)).GetProperty("ExitCode").GetInt32());
        await engine.RemoveAsync(deaf);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task The_end_of_the_first_process_is_the_end_of_all(string driver)
    {
        string id = await engine.RunAsync(Script(driver, "sleep 1000 & sleep 1000 & exit 4"));
        Assert.Equal(4, await engine.WaitAsync(id));
        await UntilAsync(() => Task.FromResult(!CgroupFolders.OfContainer(id).Any()));
        await engine.RemoveAsync(id);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Paused_nothing_runs_and_then_it_goes_on(string driver)
    {
        string id = await engine.RunAsync(Script(driver, "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done"));
        await UntilSaidAsync(id, "3\n");
        Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/pause")).Status);
        Assert.Equal("paused", await engine.StateAsync(id));
        string before = "";
        async Task<bool> IsSilentAsync()
        {
            before = await engine.LogsAsync(id);
            await Task.Delay(150, Limit);
            return before == await engine.LogsAsync(id);
        }
        await UntilAsync(IsSilentAsync);   // a line that it wrote right before may be under way
        Assert.True(await IsSilentAsync());
        Assert.Equal(409, (await engine.PostAsync($"/containers/{id}/exec", new JsonObject { ["Cmd"] = new JsonArray("true") })).Status);
        Assert.Equal(204, (await engine.PostAsync($"/containers/{id}/unpause")).Status);
        await UntilAsync(async () => (await engine.LogsAsync(id)).Length > before.Length);
        await engine.RemoveAsync(id);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task What_runs_is_listed(string driver) => await WithIdleAsync(driver, async id =>
    {
        var top = (await engine.GetAsync($"/containers/{id}/top?ps_args=-o%20pid,comm")).Result;
        Assert.Contains(top.GetProperty("Processes").EnumerateArray(), p => p[1].GetString() == "sh");
        Assert.All(top.GetProperty("Processes").EnumerateArray(), p => Assert.DoesNotContain("lxc", p[1].GetString()!, StringComparison.Ordinal));
    });

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task What_it_uses_is_measured(string driver) => await WithIdleAsync(driver, async id =>
    {
        var stats = (await engine.GetAsync($"/containers/{id}/stats?stream=0&one-shot=1")).Result;
        Assert.True(stats.GetProperty("cpu_stats").GetProperty("cpu_usage").GetProperty("total_usage").GetUInt64() > 0);
        Assert.True(stats.GetProperty("memory_stats").GetProperty("usage").GetUInt64() > 0);
        Assert.InRange(stats.GetProperty("pids_stats").GetProperty("current").GetUInt64(), 1UL, 5UL);
        Assert.Equal(64UL << 20, stats.GetProperty("memory_stats").GetProperty("limit").GetUInt64());
    }, new JsonObject { ["Memory"] = 64 << 20 });
}
