using System.Text;

namespace Gantry.Daemon.Images.Tar;

/// <summary>Header blocks for archives of the engine's own making: short plain names, root's files (POSIX ustar).</summary>
internal static class TarWriter
{
    /// <summary>Two zero blocks end an archive.</summary>
    public static readonly byte[] End = new byte[2 * TarHeader.BlockSize];

    /// <param name="name">At most 100 bytes; a directory's ends with a slash.</param>
    /// <param name="size">Bytes that follow.</param>
    /// <param name="modified">Unix seconds.</param>
    public static byte[] Header(string name, long size, long modified)
    {
        bool isDirectory = name.EndsWith('/');
        byte[] block = new byte[TarHeader.BlockSize];
        Encoding.ASCII.GetBytes(name, block.AsSpan(0, 100));
        Number(block.AsSpan(100, 8), isDirectory ? 0x1ed : 0x1a4);
        Number(block.AsSpan(108, 8), 0);
        Number(block.AsSpan(116, 8), 0);
        Number(block.AsSpan(124, 12), size);
        Number(block.AsSpan(136, 12), modified);
        block[156] = (byte)(isDirectory ? TarEntryType.Directory : TarEntryType.Regular);
        "ustar\0"u8.CopyTo(block.AsSpan(257));
        "00"u8.CopyTo(block.AsSpan(263));
        Number(block.AsSpan(329, 8), 0);
        Number(block.AsSpan(337, 8), 0);
        SetChecksum(block);
        return block;
    }

    /// <summary>To be done last: the sum of all other bytes, with spaces in the sum's own place.</summary>
    public static void SetChecksum(Span<byte> block)
    {
        block.Slice(148, 8).Fill((byte)' ');
        int sum = 0;
        foreach (byte b in block) sum += b;
        Number(block.Slice(148, 7), sum);
    }

    /// <summary>Zeros up to the next block.</summary>
    public static ReadOnlyMemory<byte> Padding(long size) => End.AsMemory(0, (int)(-size & (TarHeader.BlockSize - 1)));

    /// <summary>Digits with leading zeros and one ending zero byte; beyond eight gigabytes GNU's binary form.</summary>
    public static void Number(Span<byte> field, long value)
    {
        if (value >> (3 * (field.Length - 1)) != 0)
        {
            field.Clear();
            field[0] = 0x80;
            System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(field[^8..], value);
            return;
        }
        for (int i = field.Length - 2; i >= 0; i--, value >>= 3) field[i] = (byte)('0' + (value & 7));
        field[^1] = 0;
    }
}
