using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Logs;

/// <summary>Docker's <c>json-file</c> format: <c>{"log":"text\n","stream":"stdout","attrs":{…},"time":"…"}</c>, one object a line.</summary>
internal sealed class JsonFileLog : LogWriter
{
    private static readonly SearchValues<byte> MustEscape = SearchValues.Create([.. Enumerable.Range(0, 32).Select(b => (byte)b), (byte)'"', (byte)'\\', 0xE2]);
    [ThreadStatic] private static ArrayBufferWriter<byte>? shared;

    private readonly RotatingFile file;
    private readonly byte[] afterText;
    private readonly byte[] timeText = new byte[32];
    private int timeLength;
    private DateTimeOffset timeOf;

    public JsonFileLog(LogRequest request)
    {
        file = new RotatingFile(request.Path, request.MaxSize, request.MaxFiles, request.Compress);
        string attributes = request.Attributes is { Count: > 0 } attrs
            ? ",\"attrs\":" + System.Text.Json.JsonSerializer.Serialize(attrs, SupervisorJson.Default.SortedDictionaryStringString)
            : "";
        afterText = Encoding.UTF8.GetBytes(attributes + ",\"time\":\"");
    }

    public override LogPosition Position => file.Position;

    public override void Repeat(LogPosition from) => file.Repeat(from);

    private static ArrayBufferWriter<byte> Buffer => shared ??= new ArrayBufferWriter<byte>(256 << 10);

    protected override void Append(OutputKind kind, ReadOnlySpan<byte> record, DateTimeOffset time)
    {
        var buffer = Buffer;
        if (buffer.WrittenCount > 192 << 10 || (file.MaxSize > 0 && file.Size + buffer.WrittenCount >= file.MaxSize)) Flush();
        buffer.Write("{\"log\":\""u8);
        Escape(record, buffer);
        buffer.Write(kind == OutputKind.Stdout ? "\",\"stream\":\"stdout\""u8 : "\",\"stream\":\"stderr\""u8);
        buffer.Write(afterText);
        buffer.Write(TimeText(time));
        buffer.Write("\"}\n"u8);
    }

    private ReadOnlySpan<byte> TimeText(DateTimeOffset time)
    {
        if (time != timeOf)
        {
            timeOf = time;
            time.UtcDateTime.TryFormat(timeText, out timeLength, "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", System.Globalization.CultureInfo.InvariantCulture);
        }
        return timeText.AsSpan(0, timeLength);
    }

    /// <summary>The inside of a JSON string. Bytes that are no UTF-8 become U+FFFD, as in Docker's own logs.</summary>
    internal static void Escape(ReadOnlySpan<byte> text, IBufferWriter<byte> into)
    {
        bool valid = Utf8.IsValid(text);
        while (!text.IsEmpty)
        {
            int plain = valid ? text.IndexOfAny(MustEscape) : text.IndexOfAnyExceptInRange((byte)0x20, (byte)0x7e);
            if (!valid && (plain < 0 ? text : text[..plain]).IndexOfAny((byte)'"', (byte)'\\') is >= 0 and var special) plain = special;
            if (plain < 0)
            {
                into.Write(text);
                return;
            }
            into.Write(text[..plain]);
            text = text[plain..];
            text = text[EscapeOne(text, into)..];
        }
    }

    private static int EscapeOne(ReadOnlySpan<byte> text, IBufferWriter<byte> into)
    {
        byte first = text[0];
        switch (first)
        {
            case (byte)'"':
                into.Write("\\\""u8);
                return 1;
            case (byte)'\\':
                into.Write("\\\\"u8);
                return 1;
            case (byte)'\n':
                into.Write("\\n"u8);
                return 1;
            case (byte)'\r':
                into.Write("\\r"u8);
                return 1;
            case (byte)'\t':
                into.Write("\\t"u8);
                return 1;
            case < 0x20:
                var span = into.GetSpan(6);
                "\\u00"u8.CopyTo(span);
                Utf8Formatter.TryFormat(first, span[4..], out _, new StandardFormat('x', 2));
                into.Advance(6);
                return 1;
        }
        var status = Rune.DecodeFromUtf8(text, out var rune, out int consumed);
        if (status != OperationStatus.Done) into.Write("\\ufffd"u8);
        else if (rune.Value is 0x2028) into.Write("\\u2028"u8);
        else if (rune.Value is 0x2029) into.Write("\\u2029"u8);
        else into.Write(text[..consumed]);
        return consumed;
    }

    protected override void Flush()
    {
        var buffer = Buffer;
        try
        {
            if (buffer.WrittenCount > 0) file.Write(buffer.WrittenSpan);
        }
        finally
        {
            buffer.ResetWrittenCount();   // the buffer is that of every log
        }
    }

    public override void Dispose() => file.Dispose();
}
