using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Gantry.Bench.Engines;

/// <summary>An engine answered with an error.</summary>
internal sealed class EngineAnswerException(string message) : Exception(message);

/// <summary>Speaks the Docker Engine API on a Unix socket, over kept-alive connections.</summary>
internal sealed class EngineClient : IDisposable
{
    private readonly HttpClient http;
    private readonly string socket;

    public EngineClient(string socketPath)
    {
        socket = socketPath;
        http = new HttpClient(new SocketsHttpHandler { ConnectCallback = async (_, cancellation) => new NetworkStream(await ConnectAsync(cancellation), ownsSocket: true) })
        {
            BaseAddress = new Uri("http://engine/v1.44/"),
            Timeout = TimeSpan.FromMinutes(10),
        };
    }

    private async Task<Socket> ConnectAsync(CancellationToken cancellation)
    {
        var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public Task<string> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    public Task<string> PostAsync(string path, JsonNode? body = null) => SendAsync(HttpMethod.Post, path, body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"));

    public Task<string> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path, null);

    /// <summary>Sends a stream, a tar archive mostly.</summary>
    public async Task<string> SendArchiveAsync(HttpMethod method, string path, Stream archive)
    {
        using var content = new StreamContent(archive, 1 << 20) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-tar") } };
        return await SendAsync(method, path, content);
    }

    /// <summary>Reads an answer to its end and throws it away.</summary>
    /// <returns>Its length in bytes.</returns>
    public async Task<long> DrainAsync(string path)
    {
        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        if (!answer.IsSuccessStatusCode) throw new EngineAnswerException($"GET {path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        await using var body = await answer.Content.ReadAsStreamAsync();
        byte[] buffer = new byte[1 << 18];
        long total = 0;
        for (int read; (read = await body.ReadAsync(buffer)) > 0; total += read) ;
        return total;
    }

    private async Task<string> SendAsync(HttpMethod method, string path, HttpContent? content)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = content };
        using var answer = await http.SendAsync(request);
        string text = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode || text.Contains("\"errorDetail\"", StringComparison.Ordinal)) throw new EngineAnswerException($"{method} {path}: {(int)answer.StatusCode} {text.Trim()}");
        return text;
    }

    /// <summary>Creates a container.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> CreateAsync(string[] command, JsonObject? hostConfig = null, string image = "bench")
    {
        // Podman asks a container to end even when it is told to force it, and waits ten seconds.
        var body = new JsonObject { ["Image"] = image, ["StopSignal"] = "SIGKILL", ["Cmd"] = new JsonArray([.. command.Select(c => (JsonNode)c)]), ["HostConfig"] = hostConfig?.DeepClone() ?? new JsonObject { ["NetworkMode"] = "none" } };
        return (string)JsonNode.Parse(await PostAsync("containers/create", body))!["Id"]!;
    }

    public async Task<string> RunAsync(string[] command, JsonObject? hostConfig = null)
    {
        string id = await CreateAsync(command, hostConfig);
        await PostAsync($"containers/{id}/start");
        return id;
    }

    public Task RemoveAsync(string id) => DeleteAsync($"containers/{id}?force=1&v=1");

    public void Dispose() => http.Dispose();
}
