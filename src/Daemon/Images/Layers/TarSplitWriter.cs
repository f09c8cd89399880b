using System.Buffers.Binary;
using System.IO.Compression;
using Gantry.Daemon.Images.Tar;

namespace Gantry.Daemon.Images.Layers;

/// <summary>Keeps what an unpacked layer's files do not hold: the archive's headers and padding, and where the files' bytes stood between them.</summary>
/// <remarks>
/// With it and the files the archive can be written again, byte for byte, so that no layer is stored twice (docs/decisions/layers-and-their-archives.md). The form:
/// gzip over the magic, then records. A raw record is <c>0</c>, a length and that many bytes of the archive; a file record is <c>1</c>, the
/// path's length, offset and length in the file, and the path; <c>2</c> ends the list. Numbers are little-endian, lengths of raw data and
/// paths 32 bits, offset and length of file data 64.
/// </remarks>
internal sealed class TarSplitWriter : ITarRecorder, IDisposable
{
    public static ReadOnlySpan<byte> Magic => "gantry split 1\n"u8;

    public const byte RawRecord = 0, FileRecord = 1, EndRecord = 2;

    private const int RawBuffer = 64 * 1024;

    private readonly GZipStream output;
    private readonly byte[] raw = new byte[RawBuffer];
    private int rawLength;

    /// <summary>Takes ownership of the file.</summary>
    public TarSplitWriter(Stream file)
    {
        output = new GZipStream(file, CompressionLevel.Fastest);
        output.Write(Magic);
    }

    public void Raw(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int count = Math.Min(bytes.Length, RawBuffer - rawLength);
            bytes[..count].CopyTo(raw.AsSpan(rawLength));
            rawLength += count;
            bytes = bytes[count..];
            if (rawLength == RawBuffer) FlushRaw();
        }
    }

    /// <summary>Here stood bytes that a file of the layer holds.</summary>
    public void File(ReadOnlySpan<byte> path, long offset, long length)
    {
        FlushRaw();
        Span<byte> head = stackalloc byte[21];
        head[0] = FileRecord;
        BinaryPrimitives.WriteInt32LittleEndian(head[1..], path.Length);
        BinaryPrimitives.WriteInt64LittleEndian(head[5..], offset);
        BinaryPrimitives.WriteInt64LittleEndian(head[13..], length);
        output.Write(head);
        output.Write(path);
    }

    private void FlushRaw()
    {
        if (rawLength == 0) return;
        Span<byte> head = stackalloc byte[5];
        head[0] = RawRecord;
        BinaryPrimitives.WriteInt32LittleEndian(head[1..], rawLength);
        output.Write(head);
        output.Write(raw.AsSpan(0, rawLength));
        rawLength = 0;
    }

    /// <summary>Writes the end mark: without it the list is taken for damaged.</summary>
    public void Complete()
    {
        FlushRaw();
        output.Write([EndRecord]);
    }

    public void Dispose() => output.Dispose();
}
