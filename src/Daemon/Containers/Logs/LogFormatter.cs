using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Gantry.Protocol.Streams;

namespace Gantry.Daemon.Containers.Logs;

/// <summary>Writes records as clients get them: in frames, or raw for a terminal, with times and attributes where they were asked for (reference 4.11).</summary>
internal sealed class LogFormatter(LogQuery query, bool framed)
{
    private readonly ArrayBufferWriter<byte> buffer = new(128 << 10);

    public int Length => buffer.WrittenCount;

    public ReadOnlyMemory<byte> Written => buffer.WrittenMemory;

    public void Reset() => buffer.ResetWrittenCount();

    public void Add(in LogRecord record)
    {
        int start = buffer.WrittenCount;
        if (framed) buffer.Advance(Clear(buffer.GetSpan(StreamFrame.HeaderSize)));
        if (query.Timestamps)
        {
            var time = buffer.GetSpan(40);
            record.Time.UtcDateTime.TryFormat(time, out int length, "yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z '", CultureInfo.InvariantCulture);
            buffer.Advance(length);
        }
        if (query.Details && !record.Attributes.IsEmpty) AddDetails(record.Attributes);
        buffer.Write(record.Text);
        if (!framed) return;
        var written = System.Runtime.InteropServices.MemoryMarshal.AsMemory(buffer.WrittenMemory).Span[start..];
        StreamFrame.WriteHeader(written, record.Stream, written.Length - StreamFrame.HeaderSize);
    }

    private static int Clear(Span<byte> span)
    {
        span[..StreamFrame.HeaderSize].Clear();
        return StreamFrame.HeaderSize;
    }

    /// <summary><c>key=value,key=value</c> and a space, keys in order.</summary>
    private void AddDetails(ReadOnlySpan<byte> attributes)
    {
        var reader = new Utf8JsonReader(attributes);
        var pairs = new SortedDictionary<string, string>(StringComparer.Ordinal);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName) continue;
                string name = reader.GetString()!;
                reader.Read();
                pairs[name] = reader.GetString() ?? "";
            }
        }
        catch (JsonException)
        {
            return;   // a damaged record keeps its text
        }
        buffer.Write(Encoding.UTF8.GetBytes(string.Join(',', pairs.Select(p => $"{Uri.EscapeDataString(p.Key)}={Uri.EscapeDataString(p.Value)}")) + " "));
    }
}
