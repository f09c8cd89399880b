using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Tar;

/// <summary>Writes the content of an archive's current entry into a new file. What is nothing but zeros becomes a hole, as it may have been one.</summary>
internal static class EntryContent
{
    /// <summary>The least run of zeros that is left out: what costs more to write than to keep track of.</summary>
    private const int HoleSize = 64 * 1024;

    /// <param name="file">Empty so far. It has the entry's length afterwards.</param>
    public static void Write(TarReader reader, Fd file)
    {
        var entry = reader.Entry;
        if (entry.Segments is null)
        {
            WriteRange(reader, file, 0, entry.StoredSize);
            return;
        }
        foreach (var (offset, length) in entry.Segments) WriteRange(reader, file, offset, length);
        FileData.SetLength(file, entry.Size);
    }

    private static void WriteRange(TarReader reader, Fd file, long offset, long length)
    {
        long at = offset, end = offset + length;
        bool endsInHole = false;
        while (at < end)
        {
            var content = reader.Content();
            if (content.Length > end - at) content = content[..(int)(end - at)];
            int piece = Math.Min(content.Length, HoleSize);
            endsInHole = piece == HoleSize && content[..piece].IndexOfAnyExcept((byte)0) < 0;
            if (!endsInHole)
            {
                piece = LengthOfData(content);
                FileData.Write(file, content[..piece], at);
            }
            reader.Consume(piece);
            at += piece;
        }
        if (endsInHole) FileData.SetLength(file, end);
    }

    /// <summary>Up to the next piece that is a hole.</summary>
    private static int LengthOfData(ReadOnlySpan<byte> content)
    {
        int length = Math.Min(content.Length, HoleSize);
        while (content.Length - length >= HoleSize && content.Slice(length, HoleSize).IndexOfAnyExcept((byte)0) >= 0) length += HoleSize;
        return content.Length - length < HoleSize ? content.Length : length;
    }
}
