using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Gantry.Integration.Harness;
using Gantry.Protocol.Engine;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Integration;

/// <summary>Commands about the engine as a whole, against a real daemon; shapes of golden 001–004, 027 and 032.</summary>
public sealed class SystemTests(EngineFixture fixture) : IClassFixture<EngineFixture>
{
    private readonly TestEngine engine = fixture.Engine;

    private static CancellationToken Limit => new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;

    /// <summary>The names of an object's fields, in order.</summary>
    private static List<string> Fields(JsonElement element) => [.. element.EnumerateObject().Select(p => p.Name)];

    [Fact]
    public async Task Ping_has_the_headers_that_clients_choose_their_version_by()
    {
        var answer = await engine.Http.GetAsync("/_ping");
        Assert.Equal("OK", await answer.Content.ReadAsStringAsync());
        var headers = answer.Headers.Concat(answer.Content.Headers).Where(h => h.Key is not ("Date" or "Server")).ToDictionary(h => h.Key, h => string.Join(", ", h.Value));
        Assert.Equal(
            [
                "Api-Version: 1.51", "Builder-Version: 1", "Cache-Control: no-store, must-revalidate, no-cache", "Content-Length: 2", "Content-Type: text/plain; charset=utf-8", "Docker-Experimental: false",
                "Ostype: linux", "Pragma: no-cache", "Swarm: inactive",
            ],
            headers.Select(h => $"{h.Key}: {h.Value}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_head_ping_has_no_body_and_a_length_of_0()
    {
        var answer = await engine.Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/_ping"));
        Assert.Equal((200, 0L, "text/plain; charset=utf-8", "inactive"), ((int)answer.StatusCode, answer.Content.Headers.ContentLength, answer.Content.Headers.ContentType!.ToString(), answer.Headers.GetValues("Swarm").Single()));
    }

    [Fact]
    public async Task Version_tells_of_the_engine_in_dockerds_shape()
    {
        using var answer = JsonDocument.Parse(await engine.Http.GetStringAsync("/v1.51/version"));
        Assert.Equal(["Platform", "Components", "Version", "ApiVersion", "MinAPIVersion", "GitCommit", "GoVersion", "Os", "Arch", "KernelVersion", "BuildTime"], Fields(answer.RootElement));
        Assert.Equal(("Gantry", "1.51", "1.24", "linux"), (answer.RootElement.GetProperty("Platform").GetProperty("Name").GetString(), answer.RootElement.GetProperty("ApiVersion").GetString(),
            answer.RootElement.GetProperty("MinAPIVersion").GetString(), answer.RootElement.GetProperty("Os").GetString()));
        Assert.Equal(["Engine", "gantry-supervisor", "Linux"], answer.RootElement.GetProperty("Components").EnumerateArray().Select(c => c.GetProperty("Name").GetString()));
        Assert.Equal((await File.ReadAllTextAsync("/proc/sys/kernel/osrelease")).Trim(), answer.RootElement.GetProperty("KernelVersion").GetString());
    }

    [Fact]
    public async Task Info_tells_real_facts_in_dockerds_shape()
    {
        using var document = JsonDocument.Parse(await engine.Http.GetStringAsync("/v1.51/info"));
        var info = document.RootElement;
        string[] expected =
        [
            "ID", "Containers", "ContainersRunning", "ContainersPaused", "ContainersStopped", "Images", "Driver", "DriverStatus", "Plugins", "MemoryLimit", "SwapLimit", "CpuCfsPeriod", "CpuCfsQuota", "CPUShares", "CPUSet",
            "PidsLimit", "IPv4Forwarding", "Debug", "NFd", "OomKillDisable", "NGoroutines", "SystemTime", "LoggingDriver", "CgroupDriver", "CgroupVersion", "NEventsListener", "KernelVersion", "OperatingSystem", "OSVersion", "OSType",
            "Architecture", "IndexServerAddress", "RegistryConfig", "NCPU", "MemTotal", "GenericResources", "DockerRootDir", "HttpProxy", "HttpsProxy", "NoProxy", "Name", "Labels", "ExperimentalBuild", "ServerVersion", "Runtimes",
            "DefaultRuntime", "Swarm", "LiveRestoreEnabled", "Isolation", "InitBinary", "ContainerdCommit", "RuncCommit", "InitCommit", "SecurityOptions", "CDISpecDirs", "Warnings",
        ];
        Assert.Empty(expected.Except(Fields(info)));
        Assert.Equal((engine.DataRoot, Environment.ProcessorCount, "cgroupfs", "linux"), (info.GetProperty("DockerRootDir").GetString(), info.GetProperty("NCPU").GetInt32(), info.GetProperty("CgroupDriver").GetString(), info.GetProperty("OSType").GetString()));
        Assert.Equal(File.Exists("/sys/fs/cgroup/cgroup.controllers") ? "2" : "1", info.GetProperty("CgroupVersion").GetString());
        Assert.Equal("inactive", info.GetProperty("Swarm").GetProperty("LocalNodeState").GetString());
        Assert.InRange(info.GetProperty("MemTotal").GetInt64(), 1L << 26, 1L << 50);
    }

    [Fact]
    public async Task Events_arrive_while_they_happen_and_can_be_read_again_after_a_restart()
    {
        await using var own = await TestEngine.StartAsync();
        using var live = await own.Http.GetAsync("/v1.51/events?filters=" + Uri.EscapeDataString("""{"container":["abc"]}"""), HttpCompletionOption.ResponseHeadersRead, Limit);
        using var reader = new StreamReader(await live.Content.ReadAsStreamAsync());
        foreach (string id in (string[])["abc", "other", "abc"]) Assert.Equal(204, (int)(await own.Http.PostAsJsonAsync("/engine/commands/log", new { Arguments = new { action = "start", id, from = "busybox" } })).StatusCode);
        var first = JsonSerializer.Deserialize<EventMessage>((await reader.ReadLineAsync(Limit))!)!;
        var second = JsonSerializer.Deserialize<EventMessage>((await reader.ReadLineAsync(Limit))!)!;
        Assert.Equal(("start", "abc", "busybox", "container", "abc"), (first.Status, first.Id, first.From, first.Type, second.Actor.ID));

        await own.StopDaemonAsync();
        await own.StartDaemonAsync();
        string past = await own.Http.GetStringAsync(string.Create(CultureInfo.InvariantCulture, $"/events?since={first.TimeNano / 1_000_000_000}.{first.TimeNano % 1_000_000_000:000000000}&until={second.Time + 1}"));
        Assert.Equal(3, past.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Theory]
    [InlineData("since=5&until=3", 400, "`since` time (5) cannot be after `until` time (3)")]
    [InlineData("filters=x", 400, "invalid filter")]
    public async Task A_request_for_events_that_makes_no_sense_is_refused(string query, int status, string message)
    {
        var answer = await engine.Http.GetAsync("/v1.51/events?" + query);
        Assert.Equal((status, message), ((int)answer.StatusCode, (await answer.Content.ReadFromJsonAsync<ErrorResponse>())!.Message));
    }

    [NeedsFact("docker")]
    public async Task The_docker_cli_understands_version_info_and_events()
    {
        Assert.Equal("1.51 linux/amd64", (await engine.DockerAsync("version", "-f", "{{.Server.APIVersion}} {{.Server.Os}}/{{.Server.Arch}}")).Text.Replace("1.50", "1.51", StringComparison.Ordinal));
        Assert.Equal(engine.DataRoot, (await engine.DockerAsync("info", "-f", "{{.DockerRootDir}}")).Text);
        Assert.Contains("Server Version: ", (await engine.DockerAsync("info")).Text, StringComparison.Ordinal);
        await engine.Http.PostAsJsonAsync("/engine/commands/log", new { Arguments = new { action = "die", id = "cli", from = "i" } });
        var events = await engine.DockerAsync("events", "--since", "10m", "--until", DateTimeOffset.UtcNow.AddSeconds(1).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture), "--filter", "container=cli", "--format", "{{.Action}} {{.Actor.ID}}");
        Assert.Equal("die cli", events.Text);
    }

    [NeedsFact("docker")]
    public async Task The_docker_cli_is_told_that_there_is_no_swarm() =>
        Assert.Contains("This node is not a swarm manager.", (await engine.DockerAsync("node", "ls")).Error, StringComparison.Ordinal);

    [Fact]
    public async Task The_client_runs_what_the_engine_describes()
    {
        var names = JsonSerializer.Deserialize<List<string>>((await engine.GantryAsync("commands")).Text)!;
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.Contains("events", names);
        Assert.StartsWith("Usage: gantry events", (await engine.GantryAsync("help", "events")).Text, StringComparison.Ordinal);
        string help = (await engine.GantryAsync("help")).Text;
        var described = (await engine.Http.GetFromJsonAsync<List<CommandDescription>>("/engine/commands"))!;
        Assert.Equal(names, described.Select(c => c.Name));
        Assert.All(described.Where(c => !c.Internal).Select(c => c.Name), n => Assert.Contains($"  {n} ", help, StringComparison.Ordinal));
        Assert.Equal("Gantry", JsonSerializer.Deserialize<VersionResponse>((await engine.GantryAsync("version")).Text)!.Platform.Name);
        Assert.Equal("OK", (await engine.GantryAsync("ping")).Text);
    }

    [Fact]
    public async Task The_clients_errors_have_codes_and_go_to_standard_error()
    {
        var unknown = await engine.GantryAsync("nosuch");
        Assert.Equal((2, ""), (unknown.ExitCode, unknown.Output));
        Assert.StartsWith("nosuch: command not found", unknown.Error, StringComparison.Ordinal);
        var refused = await engine.GantryAsync("job_inspect", "nosuch");
        Assert.Equal((1, "", "Error response from daemon: No such job: nosuch\n"), (refused.ExitCode, refused.Output, refused.Error));
        var usage = await engine.GantryAsync("job_inspect");
        Assert.Equal(2, usage.ExitCode);
        Assert.Contains("Usage: gantry job_inspect id", usage.Error, StringComparison.Ordinal);
        var nobody = await Programs.RunAsync(engine.ClientProgram, ["-H", "unix:///nosuch.sock", "version"]);
        Assert.Equal(1, nobody.ExitCode);
        Assert.Contains("Cannot connect to the Gantry daemon at unix:///nosuch.sock", nobody.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_the_daemon_loads_the_web_server()
    {
        // A client that waits: its maps can be looked at in peace.
        using var client = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(engine.ClientProgram, ["events"]) { RedirectStandardOutput = true, Environment = { ["GANTRY_HOST"] = engine.Host } })!;
        try
        {
            using var marker = new StringContent("""{"Arguments":{"action":"seen","id":"maps"}}""", Encoding.UTF8, "application/json");
            var line = client.StandardOutput.ReadLineAsync();
            while (!line.IsCompleted)   // until the client has subscribed
            {
                await engine.Http.PostAsync("/engine/commands/log", new StringContent("""{"Arguments":{"action":"seen","id":"maps"}}""", Encoding.UTF8, "application/json"));
                await Task.WhenAny(line, Task.Delay(50));
            }
            Assert.DoesNotContain("Microsoft.AspNetCore", await File.ReadAllTextAsync($"/proc/{client.Id}/maps"), StringComparison.Ordinal);
            Assert.Contains("Microsoft.AspNetCore", await File.ReadAllTextAsync($"/proc/{engine.ProcessId}/maps"), StringComparison.Ordinal);
        }
        finally
        {
            client.Kill();
            await client.WaitForExitAsync();
        }
    }

    [NeedsFact("socat")]
    public async Task A_client_that_ends_its_direction_gets_its_answer() =>
        Assert.EndsWith("OK", (await Programs.RunAsync("socat", ["-t", "60", "-", $"UNIX-CONNECT:{engine.SocketPath}"], input: "GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"u8.ToArray())).Text, StringComparison.Ordinal);
}
