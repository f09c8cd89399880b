using Gantry.Protocol.Streams;

namespace Gantry.PowerShell.Client;

/// <summary>Receives a piece of a frame's payload.</summary>
/// <param name="stream">Which stream it belongs to.</param>
/// <param name="first">Whether the frame begins with it.</param>
/// <param name="payload">Some of its bytes, in order.</param>
internal delegate void FramePiece(StreamKind stream, bool first, ReadOnlySpan<byte> payload);

/// <summary>Takes a multiplexed stream apart, however its bytes come in (reference 4.7).</summary>
internal sealed class FrameSplitter
{
    private readonly byte[] header = new byte[StreamFrame.HeaderSize];
    private int headerLength, remaining;
    private bool first;
    private StreamKind current = StreamKind.Stdout;

    /// <exception cref="FormatException">The bytes are not frames.</exception>
    public void Add(ReadOnlySpan<byte> data, FramePiece piece)
    {
        while (data.Length > 0)
        {
            if (remaining == 0)
            {
                int head = Math.Min(StreamFrame.HeaderSize - headerLength, data.Length);
                data[..head].CopyTo(header.AsSpan(headerLength));
                headerLength += head;
                data = data[head..];
                if (headerLength < StreamFrame.HeaderSize) return;
                headerLength = 0;
                first = true;
                if (!StreamFrame.TryReadHeader(header, out current, out remaining)) throw new FormatException("the stream has no frame where one should begin");
                continue;
            }
            int count = Math.Min(remaining, data.Length);
            piece(current, first, data[..count]);
            first = false;
            remaining -= count;
            data = data[count..];
        }
    }
}
