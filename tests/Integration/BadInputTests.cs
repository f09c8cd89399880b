using System.Text;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration;

/// <summary>Requests that nobody should send: each has its documented code and a text that names what is wrong, and the engine goes on.</summary>
public sealed class BadInputTests(BusyboxFixture fixture) : IClassFixture<BusyboxFixture>
{
    private readonly TestEngine engine = fixture.Engine;

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private async Task AssertAliveAsync() => Assert.Equal("OK", await engine.Http.GetStringAsync("/_ping"));

    [Theory]
    [InlineData("{", 400, "invalid JSON: unexpected EOF")]
    [InlineData("", 400, "invalid JSON: got EOF while reading request body")]
    [InlineData("[]", 400, "json: cannot unmarshal array into Go value")]
    [InlineData("""{"Cmd": 5}""", 400, "json: cannot unmarshal number")]
    [InlineData("""{"Image": {}}""", 400, "json: cannot unmarshal object into Go struct field")]
    [InlineData("""{"Image": "busybox", "HostConfig": {"Memory": "1g"}}""", 400, "json: cannot unmarshal string into Go struct field")]
    [InlineData("""{"Image": "busybox", "HostConfig": {"Memory": -1}}""", 400, "Minimum memory limit allowed is 6MB")]
    [InlineData("""{"Image": "busybox", "HostConfig": {"ShmSize": -5}}""", 400, "SHM size can not be less than 0")]
    [InlineData("""{"Image": "busybox", "Cmd": ["true"], "HostConfig": {"Binds": ["relative:/x:zz"]}}""", 500, "invalid mode: zz")]
    [InlineData("""{"Image": "busybox", "Cmd": ["true"], "HostConfig": {"Binds": ["/a:not/absolute"]}}""", 500, "invalid volume specification: '/a:not/absolute': invalid mount config for type \"bind\": invalid mount path: 'not/absolute' mount path must be absolute")]
    [InlineData("""{"Image": "busybox", "Cmd": ["true"], "HostConfig": {"Binds": ["re/lative:/x"]}}""", 400, "includes invalid characters for a local volume name")]
    [InlineData("""{"Image": "UPPER"}""", 400, "invalid reference format")]
    [InlineData("""{"Image": "absent:latest"}""", 404, "No such image: absent:latest")]
    [InlineData("""{}""", 400, "config cannot be empty in order to create a container")]
    public async Task A_create_request_that_is_wrong_is_told_why(string body, int status, string text)
    {
        var answer = await engine.SendAsync(HttpMethod.Post, "/containers/create", Json(body));
        Assert.Equal(status, answer.Status);
        Assert.Contains(text, answer.Message, StringComparison.Ordinal);
        await AssertAliveAsync();
    }

    /// <summary>Status and text as dockerd 28.5.2 answers; a bad signal of a stop is 500 there.</summary>
    [Fact]
    public async Task Requests_that_cannot_be_met_are_answered_as_clients_know_it()
    {
        string idle = await engine.CreateAsync(Api.Script("sleep 600")), id = await engine.RunAsync(Api.Script("sleep 600", JsonNode.Parse("""{"AutoRemove": true, "CpuQuota": 50000}""")!.AsObject()));
        string limited = await engine.CreateAsync(Api.Script("sleep 600", JsonNode.Parse("""{"NanoCpus": 500000000}""")!.AsObject()));
        async Task AssertAsync(int status, string text, string path, string? body = null)
        {
            var answer = await engine.PostAsync(path, body is null ? null : JsonNode.Parse(body));
            Assert.Equal((status, text), (answer.Status, answer.Message));
        }

        await AssertAsync(500, $"Container {idle} is not paused", $"/containers/{idle}/unpause");
        await AssertAsync(500, $"Container {id} is not paused", $"/containers/{id}/unpause");
        await AssertAsync(409, $"container {idle} is not running", $"/containers/{idle}/pause");
        await AssertAsync(404, "cannot kill container: nosuch: No such container: nosuch", "/containers/nosuch/kill");
        await AssertAsync(400, $"cannot kill container: {id}: the linux daemon does not support signal 99", $"/containers/{id}/kill?signal=99");
        await AssertAsync(400, $"cannot kill container: {id}: invalid signal: NOPE", $"/containers/{id}/kill?signal=NOPE");
        await AssertAsync(400, $"cannot stop container: {id}: invalid signal: NOPE", $"/containers/{id}/stop?signal=NOPE");
        await AssertAsync(400, $"Cannot restart container {id}: invalid signal: NOPE", $"/containers/{id}/restart?signal=NOPE");
        await AssertAsync(409, $"Cannot update container {id}: Restart policy cannot be updated because AutoRemove is enabled for the container", $"/containers/{id}/update", """{"RestartPolicy": {"Name": "always"}}""");
        await AssertAsync(409, $"Cannot update container {id}: Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set", $"/containers/{id}/update", """{"NanoCpus": 500000000}""");
        await AssertAsync(409, $"Cannot update container {limited}: Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set", $"/containers/{limited}/update", """{"CpuPeriod": 50000, "CpuQuota": 50000}""");
        await AssertAsync(409, $"Cannot update container {limited}: Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set", $"/containers/{limited}/update", """{"CpuQuota": 50000}""");
        await AssertAsync(400, "unable to find user nosuch: no matching entries in passwd file", $"/containers/{id}/exec", """{"Cmd": ["id"], "User": "nosuch"}""");
        await AssertAsync(400, "unable to find group nosuch: no matching entries in group file", $"/containers/{id}/exec", """{"Cmd": ["id"], "User": "0:nosuch"}""");
        await AssertAsync(400, "Invalid escape keys (bad!) provided", $"/containers/{id}/exec", """{"Cmd": ["id"], "DetachKeys": "bad!"}""");
        await AssertAsync(400, "joining network namespace of container: No such container: nosuch", "/containers/create", """{"Image": "busybox", "Cmd": ["true"], "HostConfig": {"NetworkMode": "container:nosuch"}}""");
        await AssertAsync(404, "image with reference busybox was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)", "/containers/create?platform=linux%2Farm64", """{"Image": "busybox", "Cmd": ["true"]}""");
        await AssertAsync(400, "\"\" is an invalid component of \"bad//\": platform specifier component must match \"^[A-Za-z0-9_.-]+$\": invalid argument", "/containers/create?platform=bad%2F%2F", """{"Image": "busybox", "Cmd": ["true"]}""");
        await AssertAsync(400, "failed to parse value as time or duration: \"bad\"", "/containers/prune?filters=" + Uri.EscapeDataString("""{"until": ["bad"]}"""));
        await AssertAsync(400, "error reading build args: invalid character 'b' looking for beginning of value", "/build?buildargs=bad");
        foreach (string container in (string[])[idle, id, limited]) await engine.RemoveAsync(container);
    }

    /// <summary>The words of runc, and the exit codes that dockerd makes of them.</summary>
    [Theory]
    [InlineData("""{"Cmd": ["pwd"], "WorkingDir": "/nosuch"}""", 400, 127, "OCI runtime exec failed: exec failed: unable to start container process: chdir to cwd (\"/nosuch\") set in config.json failed: no such file or directory")]
    [InlineData("""{"Cmd": ["pwd"], "WorkingDir": "rel"}""", 500, 128, "OCI runtime exec failed: exec failed: Cwd must be an absolute path")]
    [InlineData("""{"Cmd": [""]}""", 400, 127, "OCI runtime exec failed: exec failed: unable to start container process: exec: \"\": executable file not found in $PATH")]
    [InlineData("""{"Cmd": ["nosuch"]}""", 400, 127, "OCI runtime exec failed: exec failed: unable to start container process: exec: \"nosuch\": executable file not found in $PATH")]
    [InlineData("""{"Cmd": ["/etc/passwd"]}""", 400, 126, "OCI runtime exec failed: exec failed: unable to start container process: exec: \"/etc/passwd\": permission denied")]
    public async Task An_exec_that_cannot_start_says_why(string body, int status, int code, string text)
    {
        string id = await engine.RunAsync(Api.Script("sleep 600"));
        string exec = (await engine.PostAsync($"/containers/{id}/exec", JsonNode.Parse(body))).Result.GetProperty("Id").GetString()!;
        var answer = await engine.PostAsync($"/exec/{exec}/start", JsonNode.Parse("""{"Detach": true}"""));
        Assert.Equal((status, text), (answer.Status, answer.Message));
        Assert.Equal(code, (await engine.GetAsync($"/exec/{exec}/json")).Result.GetProperty("ExitCode").GetInt32());
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task Fields_that_nobody_knows_are_not_minded()
    {
        var answer = await engine.SendAsync(HttpMethod.Post, "/containers/create", Json("""{"Image": "busybox", "Cmd": ["true"], "Nonsense": {"a": [1, 2]}, "HostConfig": {"More": "nonsense"}}"""));
        await engine.RemoveAsync(answer.Result.GetProperty("Id").GetString()!);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("-x")]
    [InlineData("with space")]
    [InlineData("a/b/c")]
    [InlineData("ümlaut")]
    [InlineData("a\nb")]
    public async Task A_name_that_is_none_is_a_400(string name)
    {
        var answer = await engine.PostAsync("/containers/create?name=" + Uri.EscapeDataString(name), Api.Script("true"));
        Assert.Equal((400, $"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"), (answer.Status, answer.Message));
    }

    [Fact]
    public async Task A_name_of_a_megabyte_is_refused_and_not_repeated_in_full()
    {
        string name = new('n', 1 << 20);
        var label = await engine.PostAsync("/containers/create", new JsonObject { ["Image"] = name });
        Assert.Equal(400, label.Status);
        using var longPath = new HttpRequestMessage(HttpMethod.Get, $"/containers/{name}/json");
        using var answer = await engine.Http.SendAsync(longPath);
        Assert.InRange((int)answer.StatusCode, 400, 431);
        await AssertAliveAsync();
    }

    [Theory]
    [InlineData("GET", "/containers/json?filters={", 400)]
    [InlineData("GET", "/containers/json?filters=%7B%22nonsense%22%3A%5B%22x%22%5D%7D", 400)]
    [InlineData("GET", "/containers/json?limit=many", 400)]
    [InlineData("GET", "/containers/absent/json", 404)]
    [InlineData("POST", "/containers/absent/start", 404)]
    [InlineData("POST", "/containers/absent/kill?signal=NONSENSE", 400)]
    [InlineData("DELETE", "/containers/absent", 404)]
    [InlineData("GET", "/images/absent/json", 404)]
    [InlineData("DELETE", "/images/absent", 404)]
    [InlineData("GET", "/exec/absent/json", 404)]
    [InlineData("GET", "/volumes/absent", 404)]
    [InlineData("GET", "/nowhere", 404)]
    [InlineData("GET", "/events?since=yesterday", 400)]
    public async Task A_wrong_request_has_its_code_and_a_message(string method, string path, int status)
    {
        var answer = await engine.SendAsync(new HttpMethod(method), path);
        Assert.Equal(status, answer.Status);
        Assert.NotEmpty(answer.Message);
        await AssertAliveAsync();
    }

    [Fact]
    public async Task A_version_from_the_future_or_the_past_is_refused_with_both_numbers()
    {
        var (later, earlier) = (await engine.Http.GetAsync("/v1.99/version"), await engine.Http.GetAsync("/v1.12/version"));
        Assert.Equal((400, 400), ((int)later.StatusCode, (int)earlier.StatusCode));
        Assert.Contains("client version 1.99 is too new. Maximum supported API version is 1.51", await later.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains("client version 1.12 is too old. Minimum supported API version is 1.24", await earlier.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_that_are_not_HTTP_end_their_connection_and_nothing_else()
    {
        using var socket = await engine.ConnectAsync();
        await socket.SendAsync(Encoding.ASCII.GetBytes(new string('\u0001', 100_000) + "\r\n\r\n"));
        byte[] buffer = new byte[4096];
        int read = await socket.ReceiveAsync(buffer);
        Assert.StartsWith("HTTP/1.1 400", Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal);
        await AssertAliveAsync();
    }

    [Fact]
    public async Task Clients_that_leave_in_the_middle_of_a_request_cost_nothing()
    {
        for (int i = 0; i < 50; i++)
        {
            using var socket = await engine.ConnectAsync();
            await socket.SendAsync("POST /v1.51/containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"Image\": \"busy"u8.ToArray());
        }
        await AssertAliveAsync();
        Assert.Equal(0, (await engine.GetAsync("/containers/json?all=1")).Result.GetArrayLength());
    }
}
