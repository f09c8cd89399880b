using System.Buffers;
using System.Buffers.Binary;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Logs;

/// <summary>The compact format of the <c>local</c> driver: for each record its length, time (Unix nanoseconds), stream and bytes, and the length again.</summary>
/// <remarks>Little-endian: int32 length of what is between the two lengths · int64 time · byte stream (1 stdout, 2 stderr) · bytes · int32 length. The second length lets a reader go backwards.</remarks>
internal sealed class LocalLog(LogRequest request) : LogWriter
{
    private readonly RotatingFile file = new(request.Path, request.MaxSize, request.MaxFiles, request.Compress);
    [ThreadStatic] private static ArrayBufferWriter<byte>? shared;

    public override LogPosition Position => file.Position;

    public override void Repeat(LogPosition from) => file.Repeat(from);

    private static ArrayBufferWriter<byte> Buffer => shared ??= new ArrayBufferWriter<byte>(64 << 10);

    protected override void Append(OutputKind kind, ReadOnlySpan<byte> record, DateTimeOffset time)
    {
        var buffer = Buffer;
        if (buffer.WrittenCount > 48 << 10 || (file.MaxSize > 0 && file.Size + buffer.WrittenCount >= file.MaxSize)) Flush();
        int length = 9 + record.Length;
        var span = buffer.GetSpan(8 + length);
        BinaryPrimitives.WriteInt32LittleEndian(span, length);
        BinaryPrimitives.WriteInt64LittleEndian(span[4..], (time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) * 100);
        span[12] = (byte)kind;
        record.CopyTo(span[13..]);
        BinaryPrimitives.WriteInt32LittleEndian(span[(4 + length)..], length);
        buffer.Advance(8 + length);
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
