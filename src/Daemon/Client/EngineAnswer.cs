using System.Globalization;
using System.Text;
using Gantry.Protocol.Streams;

namespace Gantry.Daemon.Client;

/// <summary>An answer whose head has been read.</summary>
/// <param name="Body">The body, without its transfer encoding.</param>
internal sealed record EngineAnswer(int Status, Dictionary<string, string> Headers, Stream Body)
{
    private const int LongestHead = 1 << 20;

    public static async Task<EngineAnswer> ReadAsync(Stream stream, CancellationToken cancellation)
    {
        while (true)
        {
            var buffered = new BufferedInput(stream);
            string status = await buffered.ReadLineAsync(LongestHead, cancellation).ConfigureAwait(false);
            string[] words = status.Split(' ', 3);
            if (words.Length < 2 || !words[0].StartsWith("HTTP/1.", StringComparison.Ordinal) || !int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int code))
                throw new IOException($"what answers there does not speak HTTP: {status}");
            var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            string line;
            while ((line = await buffered.ReadLineAsync(LongestHead, cancellation).ConfigureAwait(false)).Length > 0)
            {
                int colon = line.IndexOf(':');
                if (colon > 0) headers[line[..colon]] = line[(colon + 1)..].Trim();
            }
            if (code == 100) continue;
            return new EngineAnswer(code, headers, BodyOf(code, headers, buffered));
        }
    }

    private static Stream BodyOf(int code, Dictionary<string, string> headers, BufferedInput input)
    {
        if (code is 204 or 304) return Stream.Null;
        if (code != 101 && headers.TryGetValue("Transfer-Encoding", out string? encoding) && encoding.Contains("chunked", StringComparison.OrdinalIgnoreCase)) return new ChunkedBody(input);
        if (code != 101 && headers.TryGetValue("Content-Length", out string? length)) return new SizedBody(input, long.Parse(length, CultureInfo.InvariantCulture));
        return input;
    }

    public async Task<byte[]> ReadAllAsync(CancellationToken cancellation)
    {
        var whole = new MemoryStream();
        await Body.CopyToAsync(whole, cancellation).ConfigureAwait(false);
        return whole.ToArray();
    }

    /// <summary>A stream of which lines can be read, and then the rest.</summary>
    private sealed class BufferedInput(Stream inner) : ForwardStream
    {
        private readonly byte[] buffer = new byte[16 << 10];
        private int start, end;

        public async Task<string> ReadLineAsync(int limit, CancellationToken cancellation)
        {
            var line = new List<byte>(128);
            while (true)
            {
                if (start == end)
                {
                    start = 0;
                    end = await inner.ReadAsync(buffer, cancellation).ConfigureAwait(false);
                    if (end == 0) throw new IOException("the engine closed the connection");
                }
                int newline = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
                int stop = newline < 0 ? end : start + newline;
                line.AddRange(buffer.AsSpan(start, stop - start));
                start = newline < 0 ? end : stop + 1;
                if (newline >= 0) return Encoding.UTF8.GetString(line.ToArray()).TrimEnd('\r');
                if (line.Count > limit) throw new IOException("the engine's answer has a line without an end");
            }
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken = default)
        {
            if (start == end) return await inner.ReadAsync(target, cancellationToken).ConfigureAwait(false);
            int count = Math.Min(target.Length, end - start);
            buffer.AsSpan(start, count).CopyTo(target.Span);
            start += count;
            return count;
        }
    }

    private sealed class SizedBody(BufferedInput input, long left) : ForwardStream
    {
        private long left = left;

        public override async ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken = default)
        {
            if (left == 0 || target.IsEmpty) return 0;
            int count = await input.ReadAsync(target[..(int)Math.Min(target.Length, left)], cancellationToken).ConfigureAwait(false);
            if (count == 0) throw new IOException("the engine's answer was cut off");
            left -= count;
            return count;
        }
    }

    private sealed class ChunkedBody(BufferedInput input) : ForwardStream
    {
        private long left;
        private bool ended;

        public override async ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken = default)
        {
            if (ended || target.IsEmpty) return 0;
            if (left == 0)
            {
                string size = await input.ReadLineAsync(4096, cancellationToken).ConfigureAwait(false);
                if (size.Length == 0) size = await input.ReadLineAsync(4096, cancellationToken).ConfigureAwait(false);   // the end of the chunk before
                left = long.Parse(size.Split(';')[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                if (left == 0)
                {
                    ended = true;
                    return 0;
                }
            }
            int count = await input.ReadAsync(target[..(int)Math.Min(target.Length, left)], cancellationToken).ConfigureAwait(false);
            if (count == 0) throw new IOException("the engine's answer was cut off");
            left -= count;
            return count;
        }
    }
}
