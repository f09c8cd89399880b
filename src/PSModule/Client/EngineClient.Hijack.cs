using System.Globalization;
using System.Net;
using System.Text;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Client;

/// <summary>Requests that end in a raw two-way stream.</summary>
internal sealed partial class EngineClient
{
    private const string MultiplexedType = "application/vnd.docker.multiplexed-stream";

    /// <summary>Asks for an upgrade and takes the connection over. <paramref name="terminal"/> says how to read an answer that does not name its stream's type (API below 1.42).</summary>
    /// <exception cref="ContainerEngineException">The engine refused.</exception>
    public async Task<HijackedConnection> HijackAsync(string path, Query? query, byte[]? json, bool terminal, CancellationToken cancellation)
    {
        string request = $"POST {path}";
        var stream = await dialer.DialSecureAsync(cancellation).ConfigureAwait(false);
        try
        {
            await stream.WriteAsync(UpgradeRequest(path, query, json), cancellation).ConfigureAwait(false);
            await stream.FlushAsync(cancellation).ConfigureAwait(false);
            var (head, early) = await ReadHeadAsync(stream, cancellation).ConfigureAwait(false);
            RequestTrace.Current?.Invoke($"POST {Prefix}{path}{query} -> {head.Status} (taken over)");
            if (head.Status is 101 or 200) return new HijackedConnection(stream, early, IsMultiplexed(head, terminal));
            string body = await ReadBodyAsync(stream, head, early, cancellation).ConfigureAwait(false);
            throw EngineErrors.From((HttpStatusCode)head.Status, body, request);
        }
        catch (Exception e)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            if (e is IOException or FormatException) throw Translate(e, request);
            throw;
        }
    }

    private bool IsMultiplexed(HttpHead head, bool terminal) =>
        head.Header("Content-Type") is { } type && ApiVersion >= new Version(1, 42) && head.Status == 101
            ? type.StartsWith(MultiplexedType, StringComparison.OrdinalIgnoreCase)
            : !terminal;

    private byte[] UpgradeRequest(string path, Query? query, byte[]? json)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"POST {Prefix}{path}{query} HTTP/1.1\r\nHost: {dialer.BaseUri.Authority}\r\n");
        text.Append("Connection: Upgrade\r\nUpgrade: tcp\r\n");
        if (json is not null) text.Append("Content-Type: application/json\r\n");
        text.Append(CultureInfo.InvariantCulture, $"Content-Length: {json?.Length ?? 0}\r\n\r\n");
        return [.. Encoding.ASCII.GetBytes(text.ToString()), .. json ?? []];
    }

    private static async Task<(HttpHead Head, byte[] Early)> ReadHeadAsync(Stream stream, CancellationToken cancellation)
    {
        byte[] buffer = new byte[4096];
        int length = 0;
        while (true)
        {
            int count = await stream.ReadAsync(buffer.AsMemory(length), cancellation).ConfigureAwait(false);
            if (count == 0) throw new IOException("the engine closed the connection before it answered");
            length += count;
            int end = HttpHead.EndOf(buffer.AsSpan(0, length));
            if (end >= 0) return (HttpHead.Parse(buffer.AsSpan(0, end)), buffer[end..length]);
            if (length >= HttpHead.Limit) throw new FormatException("the answer's head does not end");
            if (length == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
        }
    }

    /// <summary>The text of a refusal: by its length, or all until the engine closes.</summary>
    private static async Task<string> ReadBodyAsync(Stream stream, HttpHead head, byte[] early, CancellationToken cancellation)
    {
        long wanted = long.TryParse(head.Header("Content-Length"), NumberStyles.None, CultureInfo.InvariantCulture, out long length) ? Math.Min(length, HttpHead.Limit) : HttpHead.Limit;
        using var body = new MemoryStream();
        body.Write(early);
        byte[] buffer = new byte[4096];
        while (body.Length < wanted)
        {
            int count = await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false);
            if (count == 0) break;
            body.Write(buffer, 0, count);
        }
        return Encoding.UTF8.GetString(body.ToArray());
    }
}
