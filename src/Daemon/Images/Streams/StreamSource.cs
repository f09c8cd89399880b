using System.Buffers;
using Gantry.Protocol.Streams;

namespace Gantry.Daemon.Images.Streams;

/// <summary>Pulls from a stream whose reads block (a file, a decompressor).</summary>
public sealed class StreamSource(Stream stream) : ByteSource
{
    private byte[]? buffer;

    protected override bool Next(out ReadOnlyMemory<byte> next)
    {
        buffer ??= ArrayPool<byte>.Shared.Rent(BlockPipe.BlockSize);
        int read = stream.ReadAtLeast(buffer.AsSpan(0, BlockPipe.BlockSize), BlockPipe.BlockSize, throwOnEndOfStream: false);
        next = buffer.AsMemory(0, read);
        return read > 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (buffer is not null) ArrayPool<byte>.Shared.Return(buffer);
        buffer = null;
        stream.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>A source as a stream, for decompressors of the BCL. The source stays its owner's.</summary>
internal sealed class SourceStream(ByteSource source) : ForwardStream
{
    public override int Read(Span<byte> buffer) => source.Read(buffer);

    public override int Read(byte[] buffer, int offset, int count) => source.Read(buffer.AsSpan(offset, count));
}
