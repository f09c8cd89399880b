using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gantry.Unit.Registries;

/// <param name="Path">With its query.</param>
/// <param name="Headers">By lower-case name.</param>
internal sealed record Request(string Method, string Path, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public string? Authorization => Headers.GetValueOrDefault("authorization");

    /// <summary>The offset of a <c>Range</c> header; 0 without one.</summary>
    public int Offset => Headers.TryGetValue("range", out string? range) ? int.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture) : 0;
}

/// <param name="Sent">Bytes of the body that are sent before the connection is cut; null for all.</param>
/// <param name="Hold">Waited for between the first byte of the body and the others.</param>
internal sealed record Answer(int Status, byte[] Body, IReadOnlyList<(string Name, string Value)> Headers, int? Sent = null, Task? Hold = null)
{
    public Answer(int status, string body, string? challenge = null) : this(status, Encoding.UTF8.GetBytes(body), challenge is null ? [] : [("WWW-Authenticate", challenge)])
    {
    }

    public Answer With(string name, string value) => this with { Headers = [.. Headers, (name, value)] };
}

/// <summary>A registry on loopback that does what a test says: one request per connection, answered by a function.</summary>
internal sealed class ScriptedRegistry : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentQueue<Request> requests = new();

    public ScriptedRegistry()
    {
        listener.Start();
        Host = listener.LocalEndpoint.ToString()!;
        _ = ServeAsync();
    }

    /// <summary><c>127.0.0.1:port</c>.</summary>
    public string Host { get; }

    public Func<Request, Answer> Answer { get; set; } = _ => new(404, "");

    /// <summary>What was asked so far, pings left out.</summary>
    public IReadOnlyList<Request> Requests => [.. requests.Where(r => r.Path != "/v2/")];

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync();
                _ = AnswerAsync(client);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The end of the test.
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                if (await ReadAsync(client.GetStream()) is { } request) await WriteAsync(client.GetStream(), request);
            }
            catch (IOException)
            {
                // The client has gone: some tests are about that.
            }
        }
    }

    private static async Task<Request?> ReadAsync(NetworkStream stream)
    {
        byte[] first = new byte[1];
        if (await stream.ReadAsync(first) == 0 || first[0] == 0x16) return null;   // a TLS hello: closed, as a plain registry does
        using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
        string[] words = ((char)first[0] + await reader.ReadLineAsync()).Split(' ');
        var headers = new Dictionary<string, string>();
        while (await reader.ReadLineAsync() is { Length: > 0 } header)
        {
            int colon = header.IndexOf(':', StringComparison.Ordinal);
            headers[header[..colon].ToLowerInvariant()] = header[(colon + 1)..].Trim();
        }
        char[] body = new char[int.Parse(headers.GetValueOrDefault("content-length", "0"), CultureInfo.InvariantCulture)];
        if (body.Length > 0) await reader.ReadBlockAsync(body);   // of nothing it would wait for more
        return new Request(words[0], words[1], headers, new string(body));
    }

    private async Task WriteAsync(NetworkStream stream, Request request)
    {
        requests.Enqueue(request);
        var answer = Answer(request);
        var head = new StringBuilder($"HTTP/1.1 {answer.Status} Status\r\nContent-Length: {answer.Body.Length}\r\nConnection: close\r\n");
        foreach (var (name, value) in answer.Headers) head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        await stream.WriteAsync(Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()));
        if (request.Method == "HEAD") return;
        var body = answer.Body.AsMemory(0, answer.Sent ?? answer.Body.Length);
        if (answer.Hold is { } hold && body.Length > 0)
        {
            await stream.WriteAsync(body[..1]);
            await hold;
            body = body[1..];
        }
        await stream.WriteAsync(body);
    }

    public void Dispose() => listener.Stop();
}
