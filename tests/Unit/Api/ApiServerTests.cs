using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;

namespace Gantry.Unit.Api;

/// <summary>Requests and answers over a real socket; the shapes are those of the golden recordings that the names tell.</summary>
public sealed class ApiServerTests : IAsyncLifetime
{
    private readonly ApiHost host = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await host.DisposeAsync();

    private async Task<(int Status, string Body, HttpResponseMessage Answer)> SendAsync(string method, string path, HttpContent? content = null)
    {
        var answer = await host.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path) { Content = content }, ApiHost.Limit);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer);
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private static string Headers(HttpResponseMessage answer) =>
        string.Join('\n', answer.Headers.Concat(answer.Content.Headers).Where(h => h.Key != "Date").OrderBy(h => h.Key, StringComparer.Ordinal).Select(h => $"{h.Key}: {string.Join(", ", h.Value)}"));

    [Fact]
    public async Task A_path_that_nothing_serves_is_not_found_without_the_engines_headers()
    {
        var (status, body, answer) = await SendAsync("GET", "/v1.51/nonsense");
        Assert.Equal((404, "{\"message\":\"page not found\"}\n"), (status, body));
        Assert.Equal("Content-Length: 29\nContent-Type: application/json", Headers(answer));
    }

    [Theory]
    [InlineData("POST", "/engine/commands")]
    [InlineData("HEAD", "/engine/commands")]
    [InlineData("PATCH", "/engine/commands")]
    [InlineData("GET", "/")]
    [InlineData("GET", "/v1.51")]
    [InlineData("GET", "/v1.51/")]
    [InlineData("GET", "/vx/engine/commands")]
    [InlineData("GET", "/engine/commands/")]
    public async Task Another_method_or_path_is_not_found(string method, string path) => Assert.Equal(404, (await SendAsync(method, path)).Status);

    [Fact]
    public async Task A_version_too_new_is_refused_with_the_version_headers_only()
    {
        var (status, body, answer) = await SendAsync("GET", "/v1.99/engine/commands");
        Assert.Equal((400, "{\"message\":\"client version 1.99 is too new. Maximum supported API version is 1.51\"}\n"), (status, body));
        Assert.Matches("^Api-Version: 1.51\nContent-Length: 84\nContent-Type: application/json\nOstype: linux\nServer: Docker/[^ ]+ \\(linux\\)$", Headers(answer));
    }

    [Theory]
    [InlineData("1.12")]
    [InlineData("1")]
    [InlineData("1.5.3")]
    public async Task A_version_too_old_is_refused_in_plain_text(string version)
    {
        var (status, body, answer) = await SendAsync("GET", $"/v{version}/engine/commands");
        Assert.Equal((400, $"client version {version} is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version\n"), (status, body));
        Assert.Equal(("text/plain; charset=utf-8", "nosniff"), (answer.Content.Headers.ContentType!.ToString(), answer.Headers.GetValues("X-Content-Type-Options").Single()));
    }

    [Theory]
    [InlineData("/v1.24/engine/commands", 200)]
    [InlineData("/v1.51/engine/commands", 200)]
    [InlineData("/engine/commands", 200)]
    [InlineData("/v1.23/engine/commands", 400)]
    [InlineData("/v1.52/engine/commands", 400)]
    [InlineData("/v2.0/engine/commands", 400)]
    public async Task Versions_from_1_24_to_1_51_are_spoken(string path, int expected) => Assert.Equal(expected, (await SendAsync("GET", path)).Status);

    [Fact]
    public async Task Options_are_answered_for_any_path()
    {
        var (status, body, answer) = await SendAsync("OPTIONS", "/what/ever");
        Assert.Equal((200, ""), (status, body));
        Assert.Contains("Docker-Experimental: false", Headers(answer), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1.40/things/a/look?all=1&n=5&names=x&names=y", "name=a,all=True,n=5,names=x,y,header=,api=1.40")]
    [InlineData("/things/a%2Fb%20c/look?all=no", "name=a/b c,all=False,n=,names=,header=,api=1.51")]
    [InlineData("/things/a/b/look/look?all=", "name=a/b/look,all=False,n=,names=,header=,api=1.51")]
    [InlineData("/things/a/look?n=1&n=2&x=%E2%82%AC+", "name=a,all=False,n=1,names=,header=,api=1.51")]
    public async Task Arguments_come_from_path_and_query(string path, string expected)
    {
        host.Engine.Register(TestCommands.Lookup("look", "GET /things/{name*}/look"), TestCommands.Tell);
        var (_, body, _) = await SendAsync("GET", path);
        Assert.Equal($"[\"{expected.Replace(",all", "\",\"all").Replace(",n=", "\",\"n=").Replace(",names", "\",\"names").Replace(",header", "\",\"header").Replace(",api", "\",\"api")}\"]\n", body);
    }

    [Fact]
    public async Task A_declared_header_is_an_argument()
    {
        host.Engine.Register(TestCommands.Lookup("look", "GET /things/{name}"), TestCommands.Tell);
        var answer = await host.Http.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/things/a") { Headers = { { "X-Test", "secret" } } });
        Assert.Contains("header=secret", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/things/a?all=%zz", "invalid URL escape \\\"%zz\\\"")]
    [InlineData("/things/a?all=1;b=2", "invalid semicolon separator in query")]
    [InlineData("/things/a?n=x", "invalid value for 'n': \\\"x\\\" is not a whole number")]
    public async Task A_query_that_cannot_be_read_is_a_bad_request(string target, string message)
    {
        host.Engine.Register(TestCommands.Lookup("look", "GET /things/{name}"), TestCommands.Tell);
        string answer = await host.RawAsync($"GET {target} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.EndsWith($"{{\"message\":\"{message}\"}}\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_more_precise_route_wins_and_a_wanted_query_value_chooses_between_commands()
    {
        host.Engine.Register(TestCommands.Lookup("one", "GET /things/{name*}"), TestCommands.Tell);
        host.Engine.Register(TestCommands.Do("all", "GET /things/all"), (_, _, _) => Task.FromResult(default(Nothing)));
        host.Engine.Register(TestCommands.Do("pull", "POST /things/create?from", status: 202), (_, _, _) => Task.FromResult(default(Nothing)));
        host.Engine.Register(TestCommands.Do("import", "POST /things/create", status: 203), (_, _, _) => Task.FromResult(default(Nothing)));
        Assert.Equal(204, (await SendAsync("GET", "/things/all")).Status);
        Assert.Equal(200, (await SendAsync("GET", "/things/all/x")).Status);
        Assert.Equal(202, (await SendAsync("POST", "/things/create?from=x")).Status);
        Assert.Equal(203, (await SendAsync("POST", "/things/create?from=")).Status);
    }

    [Fact]
    public async Task A_command_registered_later_is_served()
    {
        Assert.Equal(404, (await SendAsync("GET", "/late")).Status);
        host.Engine.Register(TestCommands.Do("late", "GET /late"), (_, _, _) => Task.FromResult(default(Nothing)));
        Assert.Equal(204, (await SendAsync("GET", "/late")).Status);
    }

    [Theory]
    [InlineData(304)]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(409)]
    [InlineData(500)]
    [InlineData(501)]
    [InlineData(503)]
    public async Task Each_kind_of_error_has_its_status_and_a_message(int kind)
    {
        host.Engine.Register(TestCommands.Do("bad", "GET /bad"), (_, _, _) => throw new EngineException((ErrorKind)kind, "a <b> & \"c\" ä"));
        var (status, body, _) = await SendAsync("GET", "/bad");
        Assert.Equal((kind, kind == 304 ? "" : "{\"message\":\"a <b> & \\\"c\\\" ä\"}\n"), (status, body));
    }

    [Fact]
    public async Task Any_other_exception_is_500_with_its_text()
    {
        host.Engine.Register(TestCommands.Do("bad", "GET /bad"), (_, _, _) => throw new InvalidOperationException("broken"));
        Assert.Equal((500, "{\"message\":\"broken\"}\n"), ((await SendAsync("GET", "/bad")).Status, (await SendAsync("GET", "/bad")).Body));
    }

    [Theory]
    [InlineData(0, 204)]
    [InlineData(200, 200)]
    [InlineData(201, 201)]
    public async Task A_success_without_a_response_has_no_body_and_no_type(int declared, int expected)
    {
        host.Engine.Register(TestCommands.Do("do", "POST /do", declared), (_, _, _) => Task.FromResult(default(Nothing)));
        var (status, body, answer) = await SendAsync("POST", "/do");
        Assert.Equal((expected, "", false), (status, body, answer.Content.Headers.Contains("Content-Type")));
        Assert.Equal(expected == 204 ? null : 0, answer.Content.Headers.ContentLength is 0 && expected == 204 ? null : answer.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task Json_ends_with_a_newline_and_escapes_no_html()
    {
        host.Engine.Register(TestCommands.Create, (_, request, _) => Task.FromResult(new IdResponse { Id = "<&>" + request.Image }));
        var (status, body, answer) = await SendAsync("POST", "/things/create", Json("""{"Image":"ä"}"""));
        Assert.Equal((201, "{\"Id\":\"<&>ä\"}\n", "application/json"), (status, body, answer.Content.Headers.ContentType!.ToString()));
    }

    [Theory]
    [InlineData("text/plain", "{}", "unsupported Content-Type header (text/plain): must be 'application/json'")]
    [InlineData("application/jsonx", "{}", "unsupported Content-Type header (application/jsonx): must be 'application/json'")]
    [InlineData(null, "{}", "malformed Content-Type header (): mime: no media type")]
    [InlineData("application/json", "{bad", "invalid JSON: invalid character 'b' looking for beginning of object key string")]
    [InlineData("application/json", "{\"Image\": 5}", "invalid JSON: json: cannot unmarshal number into Go struct field .Image of type string")]
    [InlineData("application/json; charset=utf-8", " ", "invalid JSON: got EOF while reading request body")]
    [InlineData("application/json", "", "config cannot be empty in order to create a container")]
    [InlineData(null, "", "config cannot be empty in order to create a container")]
    [InlineData("application/json", "null", "config cannot be empty in order to create a container")]
    public async Task A_body_that_cannot_be_read_is_refused_in_dockerds_words(string? type, string body, string message)
    {
        host.Engine.Register(TestCommands.Create, (_, _, _) => Task.FromResult(new IdResponse()));
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        if (type is not null) content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        var answer = await SendAsync("POST", "/things/create", content);
        Assert.Equal((400, $"{{\"message\":\"{message}\"}}\n"), (answer.Status, answer.Body));
    }

    [Fact]
    public async Task A_body_of_megabytes_is_read_and_an_absurd_one_is_refused()
    {
        host.Engine.Register(TestCommands.Create, (_, request, _) => Task.FromResult(new IdResponse { Id = request.Image.Length.ToString(System.Globalization.CultureInfo.InvariantCulture) }));
        Assert.Equal("{\"Id\":\"3000000\"}\n", (await SendAsync("POST", "/things/create", Json($$"""{"Image":"{{new string('x', 3_000_000)}}"}"""))).Body);
        Assert.Equal(400, (await SendAsync("POST", "/things/create", Json($$"""{"Image":"{{new string('x', 17 << 20)}}"}"""))).Status);
        Assert.Equal(200, (await SendAsync("GET", "/engine/commands")).Status);
    }

    [Fact]
    public async Task A_name_of_a_mebibyte_reaches_the_command()
    {
        host.Engine.Register(TestCommands.Lookup("look", "GET /things/{name}"), (_, a, _) => Task.FromResult<List<string>>([a.Required("name").Length.ToString(System.Globalization.CultureInfo.InvariantCulture)]));
        string answer = await host.RawAsync($"GET /things/{new string('x', 1 << 20)} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
        Assert.EndsWith("[\"1048576\"]\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_streams_writes_arrive_one_by_one()
    {
        var next = new SemaphoreSlim(0);
        host.Engine.Register(TestCommands.Do("flow", "GET /flow", streams: "stream of text"), async (job, _, cancellation) =>
        {
            await job.Output.StartAsync(cancellation);
            for (int i = 0; i < 3; i++)
            {
                await next.WaitAsync(cancellation);
                await job.Output.WriteAsync(Encoding.UTF8.GetBytes($"{i}\n"), cancellation);
            }
            return default;
        });
        using var answer = await host.Http.GetAsync("/flow", HttpCompletionOption.ResponseHeadersRead, ApiHost.Limit);   // the head comes before anything is written
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        for (int i = 0; i < 3; i++)
        {
            next.Release();
            Assert.Equal(i.ToString(System.Globalization.CultureInfo.InvariantCulture), await reader.ReadLineAsync(ApiHost.Limit));
        }
        Assert.Null(await reader.ReadLineAsync(ApiHost.Limit));
    }

    [Fact]
    public async Task An_error_before_the_first_byte_of_a_stream_is_a_status()
    {
        host.Engine.Register(TestCommands.Do("flow", "GET /flow", streams: "stream of text"), (_, _, _) => throw EngineException.NotFound("nothing here"));
        Assert.Equal((404, "{\"message\":\"nothing here\"}\n"), ((await SendAsync("GET", "/flow")).Status, (await SendAsync("GET", "/flow")).Body));
    }

    [Fact]
    public async Task An_error_after_the_first_byte_is_the_streams_last_line()
    {
        host.Engine.Register(TestCommands.Do("flow", "POST /flow", streams: "stream of progress"), async (job, _, cancellation) =>
        {
            await job.Output.WriteAsync("{\"status\":\"a\"}\r\n"u8.ToArray(), cancellation);
            throw EngineException.NotFound("no such layer");
        });
        var (status, body, _) = await SendAsync("POST", "/flow");
        Assert.Equal((200, "{\"status\":\"a\"}\r\n{\"errorDetail\":{\"message\":\"no such layer\"},\"error\":\"no such layer\"}\r\n"), (status, body));
    }

    [Fact]
    public async Task An_error_within_an_archive_cuts_the_connection_off()
    {
        host.Engine.Register(TestCommands.Do("tar", "GET /tar", streams: "stream of tar"), async (job, _, cancellation) =>
        {
            job.Output.ContentType = "application/x-tar";
            await job.Output.WriteAsync(new byte[512], cancellation);
            throw EngineException.System("disk broke");
        });
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => host.Http.GetByteArrayAsync("/tar", ApiHost.Limit));
    }

    [Fact]
    public async Task A_response_can_follow_a_head_that_was_sent_early()
    {
        host.Engine.Register(new Command<Nothing, IdResponse>("wait", "") { Bind = _ => default, Response = Gantry.Protocol.Json.WireJson.TypeInfo<IdResponse>(), Routes = ["POST /wait"] }, async (job, _, cancellation) =>
        {
            await job.Output.StartAsync(cancellation);
            return new IdResponse { Id = "x" };
        });
        Assert.Equal((200, "{\"Id\":\"x\"}\n"), ((await SendAsync("POST", "/wait")).Status, (await SendAsync("POST", "/wait")).Body));
    }

    [Fact]
    public async Task An_upload_of_any_length_reaches_the_command_as_a_stream()
    {
        host.Engine.Register(TestCommands.Do("upload", "POST /upload", streams: "upload"), async (job, _, cancellation) =>
        {
            long total = 0;
            byte[] buffer = new byte[64 << 10];
            for (int n; (n = await job.Input.ReadAsync(buffer, cancellation)) > 0;) total += n;
            await job.Output.WriteAsync(Encoding.UTF8.GetBytes(total.ToString(System.Globalization.CultureInfo.InvariantCulture)), cancellation);
            return default;
        });
        var content = new ByteArrayContent(new byte[40 << 20]) { Headers = { ContentType = new("application/x-tar") } };
        Assert.Equal("41943040", (await SendAsync("POST", "/upload", content)).Body);
        var chunked = new HttpRequestMessage(HttpMethod.Post, "/upload") { Content = new StreamContent(new MemoryStream(new byte[5])) };
        chunked.Headers.TransferEncodingChunked = true;
        Assert.Equal("5", await (await host.Http.SendAsync(chunked)).Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_client_that_goes_away_cancels_its_job()
    {
        var started = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        host.Engine.Register(TestCommands.Do("long", "GET /long"), async (_, _, cancellation) =>
        {
            started.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            finally
            {
                cancelled.SetResult();
            }
            return default;
        });
        using (var socket = await host.ConnectAsync())
        {
            await socket.SendAsync("GET /long HTTP/1.1\r\nHost: d\r\n\r\n"u8.ToArray());
            await started.Task;
        }
        await cancelled.Task.WaitAsync(ApiHost.Limit);
    }

    [Fact]
    public async Task A_command_that_outlives_its_client_runs_to_its_end()
    {
        var started = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        var ended = new TaskCompletionSource<bool>();
        host.Engine.Register(TestCommands.Do("stop", "POST /stop", outlives: true), async (_, _, cancellation) =>
        {
            started.SetResult();
            await release.Task;
            ended.SetResult(cancellation.IsCancellationRequested);
            return default;
        });
        using (var socket = await host.ConnectAsync())
        {
            await socket.SendAsync("POST /stop HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
            await started.Task;
        }
        release.SetResult();
        Assert.False(await ended.Task.WaitAsync(ApiHost.Limit));
    }

    [Fact]
    public async Task A_client_that_ends_its_direction_after_the_request_still_gets_the_answer()
    {
        using var socket = await host.ConnectAsync();
        await using var stream = new System.Net.Sockets.NetworkStream(socket);
        await stream.WriteAsync("GET /engine/commands HTTP/1.1\r\nHost: d\r\n\r\n"u8.ToArray());
        socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        using var reader = new StreamReader(stream);
        Assert.Contains("command_list", await reader.ReadToEndAsync(ApiHost.Limit), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_wait_at_the_gate_and_are_served_when_it_opens()
    {
        await using var closed = new ApiHost(open: false);
        var answer = closed.Http.GetAsync("/engine/commands", ApiHost.Limit);
        await host.Http.GetAsync("/engine/commands");   // a round trip elsewhere: time enough for a wrong answer
        Assert.False(answer.IsCompleted);
        closed.Engine.AcceptGate.Open();
        Assert.Equal(HttpStatusCode.OK, (await answer).StatusCode);
    }

    [Theory]
    [InlineData("GET", "/swarm", 503, "This node is not a swarm manager. Use \\\"docker swarm init\\\" or \\\"docker swarm join\\\" to connect this node to swarm and try again.")]
    [InlineData("GET", "/services", 503, "This node is not a swarm manager. Use \\\"docker swarm init\\\" or \\\"docker swarm join\\\" to connect this node to swarm and try again.")]
    [InlineData("POST", "/swarm/leave", 503, "This node is not part of a swarm")]
    [InlineData("POST", "/swarm/init", 501, "swarm mode is not supported by this engine")]
    [InlineData("PUT", "/volumes/x", 503, "volume update only valid for cluster volumes, but swarm is unavailable")]
    [InlineData("GET", "/plugins/x/json", 404, "plugin \\\"x\\\" not found")]
    [InlineData("POST", "/plugins/pull", 501, "plugins are not supported by this engine")]
    [InlineData("POST", "/session", 400, "no upgrade proto in request")]
    [InlineData("GET", "/containers/json", 501, "ContainerList is not implemented by this engine")]
    [InlineData("POST", "/containers/x/start", 501, "ContainerStart is not implemented by this engine")]
    [InlineData("GET", "/images/a/b/json", 501, "ImageInspect is not implemented by this engine")]
    [InlineData("GET", "/networks/", 501, "NetworkList is not implemented by this engine")]
    public async Task What_this_engine_does_not_have_has_its_answer(string method, string path, int status, string message)
    {
        var answer = await SendAsync(method, path);
        Assert.Equal((status, $"{{\"message\":\"{message}\"}}\n"), (answer.Status, answer.Body));
        Assert.True(answer.Answer.Headers.Contains("Api-Version"));
    }

    [Fact]
    public async Task There_are_no_plugins() => Assert.Equal((200, "[]\n"), ((await SendAsync("GET", "/plugins")).Status, (await SendAsync("GET", "/plugins")).Body));

    [Fact]
    public async Task A_session_that_asks_for_an_upgrade_is_not_implemented() =>
        Assert.StartsWith("HTTP/1.1 501", await host.RawAsync("POST /session HTTP/1.1\r\nHost: d\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n"), StringComparison.Ordinal);

    [Theory]
    [InlineData("nonsense\r\n\r\n")]
    [InlineData("GET /engine/commands HTTP/9.9\r\n\r\n")]
    [InlineData("GET /engine/commands HTTP/1.1\r\nHost: d\r\nContent-Length: -5\r\n\r\n")]
    [InlineData("POST /engine/commands/commands HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
    [InlineData("\0\0\0\0\0\0\0\0\r\n\r\n")]
    public async Task What_is_no_http_is_refused_and_the_server_goes_on(string bytes)
    {
        string answer = await host.RawAsync(bytes);
        Assert.Matches("^(HTTP/1.1 (4|505)|$)", answer);
        Assert.Equal(200, (await SendAsync("GET", "/engine/commands")).Status);
    }
}
