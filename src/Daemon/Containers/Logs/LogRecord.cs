using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using Gantry.Protocol.Streams;

namespace Gantry.Daemon.Containers.Logs;

/// <summary>One record of a log, decoded.</summary>
internal ref struct LogRecord
{
    public StreamKind Stream;

    /// <summary>The text as the process wrote it.</summary>
    public ReadOnlySpan<byte> Text;

    public DateTimeOffset Time;

    /// <summary>JSON object of the record's attributes; empty without.</summary>
    public ReadOnlySpan<byte> Attributes;
}

/// <summary>Splits a log file's bytes into records.</summary>
internal abstract class LogDecoder
{
    /// <summary>Decodes the first record of the bytes. 0: it is not complete yet.</summary>
    /// <param name="scratch">Room for the text; at least as large as the record.</param>
    /// <returns>The record's length in the file. A damaged record has an empty <see cref="LogRecord.Text"/> and is passed over.</returns>
    public abstract int Decode(ReadOnlySpan<byte> bytes, Span<byte> scratch, bool needTime, out LogRecord record);

    /// <summary>Where the last <paramref name="count"/> records of a file begin; <paramref name="found"/> is how many there are.</summary>
    public abstract long FindTail(Microsoft.Win32.SafeHandles.SafeFileHandle file, long length, int count, out int found);

    public static LogDecoder Of(string format) => format == "local" ? new LocalDecoder() : new JsonDecoder();
}

/// <summary>Reads <c>json-file</c> logs, its own and Docker's.</summary>
internal sealed class JsonDecoder : LogDecoder
{
    private static readonly SearchValues<byte> QuoteOrEscape = SearchValues.Create("\"\\"u8);

    public override int Decode(ReadOnlySpan<byte> bytes, Span<byte> scratch, bool needTime, out LogRecord record)
    {
        record = default;
        int newline = bytes.IndexOf((byte)'\n');
        if (newline < 0) return 0;
        var line = bytes[..newline];
        if (line.StartsWith("{\"log\":\""u8) && TryUnescape(line[8..], scratch, out int consumed, out int length))
        {
            record.Text = scratch[..length];
            var rest = line[(8 + consumed)..];
            record.Stream = rest.StartsWith(",\"stream\":\"stderr\""u8) ? StreamKind.Stderr : StreamKind.Stdout;
            int attributes = rest.IndexOf("\"attrs\":"u8), time = rest.LastIndexOf("\"time\":\""u8);
            if (attributes >= 0 && time > attributes) record.Attributes = rest[(attributes + 8)..(time - 1)];
            if (needTime && time >= 0) record.Time = ParseTime(rest[(time + 8)..]);
        }
        return newline + 1;
    }

    private static bool TryUnescape(ReadOnlySpan<byte> text, Span<byte> into, out int consumed, out int length)
    {
        consumed = length = 0;
        while (true)
        {
            int plain = text[consumed..].IndexOfAny(QuoteOrEscape);
            if (plain < 0) return false;
            text.Slice(consumed, plain).CopyTo(into[length..]);
            consumed += plain;
            length += plain;
            if (text[consumed] == '"')
            {
                consumed++;
                return true;
            }
            if (consumed + 1 >= text.Length) return false;
            byte escape = text[consumed + 1];
            if (escape == 'u')
            {
                if (!UnescapeUnicode(text, ref consumed, into, ref length)) return false;
                continue;
            }
            into[length++] = escape switch { (byte)'n' => (byte)'\n', (byte)'r' => (byte)'\r', (byte)'t' => (byte)'\t', (byte)'b' => (byte)'\b', (byte)'f' => (byte)'\f', _ => escape };
            consumed += 2;
        }
    }

    private static bool UnescapeUnicode(ReadOnlySpan<byte> text, ref int consumed, Span<byte> into, ref int length)
    {
        if (consumed + 6 > text.Length || !Utf8Parser.TryParse(text.Slice(consumed + 2, 4), out ushort unit, out int used, 'x') || used != 4) return false;
        consumed += 6;
        if (char.IsHighSurrogate((char)unit) && consumed + 6 <= text.Length && text[consumed] == '\\'
            && Utf8Parser.TryParse(text.Slice(consumed + 2, 4), out ushort low, out _, 'x') && char.IsLowSurrogate((char)low))
        {
            consumed += 6;
            length += new System.Text.Rune((char)unit, (char)low).EncodeToUtf8(into[length..]);
            return true;
        }
        length += (System.Text.Rune.TryCreate((char)unit, out var rune) ? rune : System.Text.Rune.ReplacementChar).EncodeToUtf8(into[length..]);
        return true;
    }

    private static DateTimeOffset ParseTime(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOf((byte)'"');
        Span<char> characters = stackalloc char[40];
        if (end is <= 0 or > 40) return default;
        for (int i = 0; i < end; i++) characters[i] = (char)text[i];
        return DateTimeOffset.TryParse(characters[..end], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : default;
    }

    public override long FindTail(Microsoft.Win32.SafeHandles.SafeFileHandle file, long length, int count, out int found)
    {
        found = 0;
        if (count == 0) return length;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            long end = length;
            while (end > 0)
            {
                int size = (int)Math.Min(buffer.Length, end);
                int read = RandomAccess.Read(file, buffer.AsSpan(0, size), end - size);
                for (int i = read - 1; i >= 0; i--)
                {
                    if (buffer[i] != '\n' || end - size + i == length - 1) continue;
                    if (++found == count) return end - size + i + 1;
                }
                end -= size;
            }
            if (length > 0) found++;
            return 0;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

/// <summary>Reads the <c>local</c> driver's files: see the supervisor's writer for the layout.</summary>
internal sealed class LocalDecoder : LogDecoder
{
    private const int Head = 13, Frame = 8, Largest = 1 << 20;

    public override int Decode(ReadOnlySpan<byte> bytes, Span<byte> scratch, bool needTime, out LogRecord record)
    {
        record = default;
        if (bytes.Length < Head) return 0;
        int length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (length is < 9 or > Largest) return bytes.Length;   // damaged: nothing after it can be found
        if (bytes.Length < length + Frame) return 0;
        record.Time = Gantry.Protocol.Json.WireTime.FromUnixNanoseconds(BinaryPrimitives.ReadInt64LittleEndian(bytes[4..]));
        record.Stream = (StreamKind)bytes[12];
        bytes.Slice(Head, length - 9).CopyTo(scratch);
        record.Text = scratch[..(length - 9)];
        return length + Frame;
    }

    public override long FindTail(Microsoft.Win32.SafeHandles.SafeFileHandle file, long length, int count, out int found)
    {
        found = 0;
        Span<byte> word = stackalloc byte[4];
        long at = length;
        while (found < count && at >= Frame)
        {
            if (RandomAccess.Read(file, word, at - 4) != 4) break;
            int size = BinaryPrimitives.ReadInt32LittleEndian(word);
            if (size < 9 || size + Frame > at) break;
            at -= size + Frame;
            found++;
        }
        return at;
    }
}
