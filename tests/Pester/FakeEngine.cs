using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

/// <summary>An engine that answers what a test tells it to, on a Unix socket: for what a real engine does rarely, or not at all.</summary>
public sealed class FakeEngine : IDisposable
{
    private readonly Socket listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly ConcurrentDictionary<string, Answer> answers = new ConcurrentDictionary<string, Answer>();
    private readonly CancellationTokenSource stopping = new CancellationTokenSource();
    private readonly Task accepting;

    public FakeEngine()
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "gpt-fake-" + Guid.NewGuid().ToString("N").Substring(0, 8) + ".sock");
        listener.Bind(new UnixDomainSocketEndPoint(Path));
        listener.Listen(16);
        Set("HEAD /_ping", 200, "text/plain", "");
        Set("GET /version", 200, "application/json", "{\"Platform\":{\"Name\":\"Fake\"},\"Version\":\"1.0\",\"ApiVersion\":\"1.51\",\"MinAPIVersion\":\"1.24\",\"Os\":\"linux\",\"Arch\":\"amd64\"}");
        accepting = Task.Run(AcceptAsync);
    }

    public string Path { get; }

    public string Uri => "unix://" + Path;

    public string ApiVersion { get; set; } = "1.51";

    /// <summary>"POST /engine/commands/start {body}", in order.</summary>
    public ConcurrentQueue<string> Requests { get; } = new ConcurrentQueue<string>();

    /// <summary>Fires when a request is left without an end to its answer and the client goes away.</summary>
    public ManualResetEventSlim Abandoned { get; } = new ManualResetEventSlim();

    /// <summary>Answers a route (without its version) so, until told otherwise.</summary>
    public void Set(string route, int status, string contentType, string body) => answers[route] = new Answer { Status = status, ContentType = contentType, Body = body };

    /// <summary>Sends this much of an answer and no more, without closing.</summary>
    public void SetEndless(string route, string contentType, string beginning) => answers[route] = new Answer { Status = 200, ContentType = contentType, Body = beginning, Endless = true };

    /// <summary>Takes a request and says nothing.</summary>
    public void SetSilent(string route) => answers[route] = new Answer { Silent = true };

    /// <summary>Breaks off in the middle of an answer.</summary>
    public void SetBroken(string route, string beginning) => answers[route] = new Answer { Status = 200, ContentType = "application/json", Body = beginning, Broken = true };

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptAsync(stopping.Token));
        }
        catch (Exception e) when (e is OperationCanceledException || e is ObjectDisposedException || e is SocketException)
        {
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using (var stream = new NetworkStream(socket, ownsSocket: true))
        {
            try
            {
                while (await ReadRequestAsync(stream) is string request && await AnswerAsync(stream, request))
                {
                }
            }
            catch (Exception e) when (e is IOException || e is OperationCanceledException)
            {
                Abandoned.Set();
            }
        }
    }

    /// <summary>"METHOD /path?query\nbody"; null at the end.</summary>
    private async Task<string> ReadRequestAsync(Stream stream)
    {
        var bytes = new List<byte>();
        var one = new byte[1];
        while (!EndsHead(bytes))
        {
            if (await stream.ReadAsync(one, 0, 1, stopping.Token) == 0) return null;
            bytes.Add(one[0]);
        }
        var lines = Encoding.ASCII.GetString(bytes.ToArray()).Split(new[] { "\r\n" }, StringSplitOptions.RemoveEmptyEntries);
        var length = lines.Where(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)).Select(l => int.Parse(l.Substring(15))).FirstOrDefault();
        var body = new byte[length];
        for (int read = 0; read < length;) read += await stream.ReadAsync(body, read, length - read, stopping.Token);
        return lines[0].Substring(0, lines[0].LastIndexOf(' ')) + "\n" + Encoding.UTF8.GetString(body);
    }

    private static bool EndsHead(List<byte> b) => b.Count >= 4 && b[b.Count - 4] == 13 && b[b.Count - 3] == 10 && b[b.Count - 2] == 13 && b[b.Count - 1] == 10;

    private async Task<bool> AnswerAsync(Stream stream, string request)
    {
        var parts = request.Split(new[] { '\n' }, 2);
        string line = System.Text.RegularExpressions.Regex.Replace(parts[0], "^(\\S+) /v[0-9.]+/", "$1 /");
        Requests.Enqueue(parts[1].Length == 0 ? line : line + " " + parts[1]);
        var answer = answers.TryGetValue(line, out var exact) ? exact
            : answers.TryGetValue(line.Split('?')[0], out var path) ? path
            : new Answer { Status = 404, ContentType = "application/json", Body = "{\"message\":\"page not found\"}" };
        if (answer.Silent)
        {
            await HangAsync(stream);
            return false;
        }
        var body = Encoding.UTF8.GetBytes(answer.Body);
        string length = answer.Endless ? "" : "Content-Length: " + (body.Length + (answer.Broken ? 100 : 0)) + "\r\n";
        if (answer.Status == 204 || answer.Status == 304) length = "";
        string head = "HTTP/1.1 " + answer.Status + " X\r\nApi-Version: " + ApiVersion + "\r\nOstype: linux\r\nServer: Fake/1.0 (linux)\r\nContent-Type: " + answer.ContentType + "\r\n" + length + "\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head).Concat(line.StartsWith("HEAD ") ? new byte[0] : body).ToArray());
        if (answer.Endless)
        {
            await HangAsync(stream);
            return false;
        }
        return !answer.Broken;
    }

    /// <summary>Until the client goes away.</summary>
    private async Task HangAsync(Stream stream)
    {
        var one = new byte[1];
        if (await stream.ReadAsync(one, 0, 1, stopping.Token) == 0) Abandoned.Set();
    }

    public void Dispose()
    {
        stopping.Cancel();
        listener.Dispose();
        File.Delete(Path);
    }

    private sealed class Answer
    {
        public int Status { get; set; }

        public string ContentType { get; set; } = "";

        public string Body { get; set; } = "";

        public bool Endless { get; set; }

        public bool Silent { get; set; }

        public bool Broken { get; set; }
    }
}
