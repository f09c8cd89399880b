using System.Buffers.Binary;

namespace Gantry.Protocol.Streams;

/// <summary>Which of a container's streams a frame carries.</summary>
public enum StreamKind : byte
{
    Stdin = 0,
    Stdout = 1,
    Stderr = 2,
    SystemError = 3,
}

/// <summary>The 8-byte head of a multiplexed stream's frame: kind, three zeros, payload length big-endian (reference 4.7).</summary>
public static class StreamFrame
{
    public const int HeaderSize = 8;

    public static void WriteHeader(Span<byte> header, StreamKind kind, int length)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, (byte)kind);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], length);
    }

    /// <summary>False when the bytes are not a frame head: an unknown kind, padding that is not zero, or a length above 2 GiB.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> header, out StreamKind kind, out int length)
    {
        kind = (StreamKind)header[0];
        length = BinaryPrimitives.ReadInt32BigEndian(header[4..]);
        return header[0] <= 3 && header[1] == 0 && header[2] == 0 && header[3] == 0 && length >= 0;
    }
}
