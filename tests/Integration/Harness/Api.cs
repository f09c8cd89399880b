using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gantry.Integration.Harness;

/// <param name="Body">As it came; JSON of an error has its message in <see cref="Message"/>.</param>
internal sealed record ApiAnswer(int Status, string Body)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public string Message => Json.GetProperty("message").GetString()!;

    /// <summary>The body of a request that must have succeeded.</summary>
    public JsonElement Result
    {
        get
        {
            Assert.True(Status is >= 200 and < 300, $"{Status}: {Body}");
            return Body.Length == 0 ? default : Json;
        }
    }
}

/// <summary>What tests ask of the API, in as many words as it takes.</summary>
internal static class Api
{
    private const string Version = "/v1.51";

    public static async Task<ApiAnswer> SendAsync(this TestEngine engine, HttpMethod method, string path, HttpContent? content = null, CancellationToken cancellation = default)
    {
        using var request = new HttpRequestMessage(method, Version + path) { Content = content };
        using var answer = await engine.Http.SendAsync(request, cancellation);
        return new ApiAnswer((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(cancellation));
    }

    public static Task<ApiAnswer> GetAsync(this TestEngine engine, string path) => engine.SendAsync(HttpMethod.Get, path);

    public static Task<ApiAnswer> DeleteAsync(this TestEngine engine, string path) => engine.SendAsync(HttpMethod.Delete, path);

    public static Task<ApiAnswer> PostAsync(this TestEngine engine, string path, JsonNode? body = null) =>
        engine.SendAsync(HttpMethod.Post, path, body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"));

    /// <summary>A config of busybox with a shell script as its command.</summary>
    public static JsonObject Script(string script, JsonObject? hostConfig = null) =>
        new() { ["Image"] = "busybox", ["Cmd"] = new JsonArray("sh", "-c", script), ["HostConfig"] = hostConfig ?? [] };

    public static async Task<string> CreateAsync(this TestEngine engine, JsonNode config, string? name = null) =>
        (await engine.PostAsync("/containers/create" + (name is null ? "" : "?name=" + name), config)).Result.GetProperty("Id").GetString()!;

    /// <summary>Creates a container and starts it.</summary>
    public static async Task<string> RunAsync(this TestEngine engine, JsonNode config, string? name = null)
    {
        string id = await engine.CreateAsync(config, name);
        _ = (await engine.PostAsync($"/containers/{id}/start")).Result;
        return id;
    }

    /// <returns>Its exit code.</returns>
    public static async Task<int> WaitAsync(this TestEngine engine, string container, string condition = "not-running") =>
        (await engine.PostAsync($"/containers/{container}/wait?condition={condition}")).Result.GetProperty("StatusCode").GetInt32();

    /// <summary>Begins to wait: once the head of the answer is there, the engine waits.</summary>
    /// <returns>A task that gives the exit code.</returns>
    public static async Task<Task<int>> BeginWaitAsync(this TestEngine engine, string container, string condition)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{Version}/containers/{container}/wait?condition={condition}");
        var answer = await engine.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return ExitCodeAsync(answer);
    }

    private static async Task<int> ExitCodeAsync(HttpResponseMessage wait)
    {
        using (wait) return new ApiAnswer((int)wait.StatusCode, await wait.Content.ReadAsStringAsync()).Result.GetProperty("StatusCode").GetInt32();
    }

    public static async Task<JsonElement> InspectAsync(this TestEngine engine, string container) => (await engine.GetAsync($"/containers/{container}/json")).Result;

    public static async Task<string> StateAsync(this TestEngine engine, string container) => (await engine.InspectAsync(container)).GetProperty("State").GetProperty("Status").GetString()!;

    /// <summary>All that a container without a terminal has said, both streams as they came.</summary>
    public static async Task<string> LogsAsync(this TestEngine engine, string container, string query = "stdout=1&stderr=1")
    {
        byte[] framed = await engine.Http.GetByteArrayAsync($"{Version}/containers/{container}/logs?{query}");
        return Encoding.UTF8.GetString(Unframe(framed));
    }

    /// <summary>All that a container with a terminal has said.</summary>
    public static Task<string> RawLogsAsync(this TestEngine engine, string container) => engine.Http.GetStringAsync($"{Version}/containers/{container}/logs?stdout=1&stderr=1");

    public static async Task RemoveAsync(this TestEngine engine, string container) => Assert.Equal(204, (await engine.DeleteAsync($"/containers/{container}?force=1&v=1")).Status);

    /// <summary>Runs a script in a container of its own to the end, and removes it.</summary>
    public static async Task<(int ExitCode, string Output)> ScriptAsync(this TestEngine engine, string script, JsonObject? hostConfig = null)
    {
        string id = await engine.RunAsync(Script(script, hostConfig));
        int code = await engine.WaitAsync(id);
        string output = await engine.LogsAsync(id);
        await engine.RemoveAsync(id);
        return (code, output);
    }

    /// <summary>Runs a shell script by exec.</summary>
    public static async Task<(int ExitCode, string Output)> ExecAsync(this TestEngine engine, string container, string script)
    {
        var made = await engine.PostAsync($"/containers/{container}/exec", new JsonObject { ["Cmd"] = new JsonArray("sh", "-c", script), ["AttachStdout"] = true, ["AttachStderr"] = true });
        return await engine.StartExecAsync(made.Result.GetProperty("Id").GetString()!);
    }

    /// <summary>Starts an exec that has been created, and reads what it says to its end.</summary>
    public static async Task<(int ExitCode, string Output)> StartExecAsync(this TestEngine engine, string exec)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{Version}/exec/{exec}/start") { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
        using var answer = await engine.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        string output = Encoding.UTF8.GetString(Unframe(await answer.Content.ReadAsByteArrayAsync()));
        return ((await engine.GetAsync($"/exec/{exec}/json")).Result.GetProperty("ExitCode").GetInt32(), output);
    }

    /// <summary>Takes the frames of a multiplexed stream apart: kind, three zero bytes, length (big endian), content.</summary>
    public static byte[] Unframe(ReadOnlySpan<byte> stream)
    {
        using var content = new MemoryStream();
        while (stream.Length > 0)
        {
            Assert.True(stream[0] is 1 or 2 && stream[1..4] is [0, 0, 0], $"not a frame: {Convert.ToHexString(stream[..Math.Min(8, stream.Length)])}");
            int length = BinaryPrimitives.ReadInt32BigEndian(stream[4..]);
            content.Write(stream.Slice(8, length));
            stream = stream[(8 + length)..];
        }
        return content.ToArray();
    }

    /// <summary>Takes a connection over, as attach and exec do.</summary>
    /// <returns>The stream right behind the answer's head.</returns>
    public static async Task<NetworkStream> UpgradeAsync(this TestEngine engine, string path, string body = "", CancellationToken cancellation = default)
    {
        var stream = new NetworkStream(await engine.ConnectAsync(cancellation), ownsSocket: true);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST {Version}{path} HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"), cancellation);
        var head = new StringBuilder();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            Assert.Equal(1, await stream.ReadAsync(one, cancellation));
            head.Append((char)one[0]);
        }
        Assert.StartsWith("HTTP/1.1 101 ", head.ToString(), StringComparison.Ordinal);
        return stream;
    }

    public static async Task<byte[]> ReadToEndAsync(this NetworkStream stream, CancellationToken cancellation)
    {
        using var content = new MemoryStream();
        await stream.CopyToAsync(content, cancellation);
        return content.ToArray();
    }
}
