using System.Buffers.Binary;

namespace Gantry.Daemon.Images.Tar;

/// <summary>The fields of one 512-byte header block, as they stand in it (POSIX ustar, and GNU's and star's variations).</summary>
internal readonly ref struct TarHeader(ReadOnlySpan<byte> block)
{
    public const int BlockSize = 512;

    private readonly ReadOnlySpan<byte> block = block;

    public TarEntryType Type => (TarEntryType)block[156];

    public ReadOnlySpan<byte> LinkName => Text(block.Slice(157, 100));

    public long Mode => Number(block.Slice(100, 8));

    public long Owner => Number(block.Slice(108, 8));

    public long Group => Number(block.Slice(116, 8));

    public long Size => Number(block.Slice(124, 12));

    public long Modified => Number(block.Slice(136, 12));

    public long DeviceMajor => IsV7 ? 0 : Number(block.Slice(329, 8));

    public long DeviceMinor => IsV7 ? 0 : Number(block.Slice(337, 8));

    private bool IsUstar => block.Slice(257, 6).SequenceEqual("ustar\0"u8);

    private bool IsStar => IsUstar && block.Slice(508, 4).SequenceEqual("tar\0"u8);

    private bool IsGnu => block.Slice(257, 8).SequenceEqual("ustar  \0"u8);

    private bool IsV7 => !IsUstar && !IsGnu;

    /// <summary>Name with its prefix; GNU archives use the prefix's place for other things.</summary>
    public byte[] Name
    {
        get
        {
            var name = Text(block[..100]);
            var prefix = IsStar ? Text(block.Slice(345, 131)) : IsUstar ? Text(block.Slice(345, 155)) : default;
            return prefix.IsEmpty ? name.ToArray() : [.. prefix, (byte)'/', .. name];
        }
    }

    /// <summary>The four sparse segments of an old GNU header, the real size, and whether more segments follow in blocks of their own.</summary>
    public ReadOnlySpan<byte> GnuSparseTable => IsGnu ? block.Slice(386, 4 * 24) : throw InvalidArchiveException.InvalidHeader();

    public bool GnuSparseContinues => block[482] != 0;

    public long GnuRealSize => Number(block.Slice(483, 12));

    /// <summary>The sum of all bytes with the checksum's own field taken as spaces; ancient writers summed signed bytes.</summary>
    public bool HasValidChecksum
    {
        get
        {
            if (!TryNumber(block.Slice(148, 8), out long expected)) return false;
            long unsigned = 0, signed = 0;
            for (int i = 0; i < BlockSize; i++)
            {
                byte b = i is >= 148 and < 156 ? (byte)' ' : block[i];
                unsigned += b;
                signed += (sbyte)b;
            }
            return expected == unsigned || expected == signed;
        }
    }

    /// <summary>Whether a first block could begin an archive: a header with a right checksum, or the zeros of an empty one.</summary>
    public static bool Begins(ReadOnlySpan<byte> data) =>
        data.Length >= BlockSize && (IsZero(data[..BlockSize]) || new TarHeader(data[..BlockSize]).HasValidChecksum);

    public static bool IsZero(ReadOnlySpan<byte> block) => block.IndexOfAnyExcept((byte)0) < 0;

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return end < 0 ? field : field[..end];
    }

    public static long Number(ReadOnlySpan<byte> field) => TryNumber(field, out long value) ? value : throw InvalidArchiveException.InvalidHeader();

    /// <summary>Octal digits between spaces and zeros; or, when the first bit is set, a big-endian two's complement number (GNU).</summary>
    private static bool TryNumber(ReadOnlySpan<byte> field, out long value)
    {
        value = 0;
        if ((field[0] & 0x80) != 0) return TryBinary(field, out value);
        var digits = field.Trim((byte)' ').Trim((byte)0).Trim((byte)' ');
        if (digits.IndexOf((byte)0) is >= 0 and int end) digits = digits[..end];
        foreach (byte digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'7' || value >> 60 != 0) return false;
            value = (value << 3) | (uint)(digit - '0');
        }
        return true;
    }

    private static bool TryBinary(ReadOnlySpan<byte> field, out long value)
    {
        Span<byte> number = stackalloc byte[field.Length];
        field.CopyTo(number);
        bool negative = (number[0] & 0x40) != 0;
        number[0] = (byte)(negative ? number[0] | 0x80 : number[0] & 0x7f);
        value = 0;
        byte filler = (byte)(negative ? 0xff : 0);
        if (number.Length > 8)
        {
            if (number[..^8].IndexOfAnyExcept(filler) >= 0) return false;
            number = number[^8..];
        }
        else if (number.Length < 8)
        {
            throw new ArgumentException("number fields have eight bytes or more", nameof(field));
        }
        value = BinaryPrimitives.ReadInt64BigEndian(number);
        return negative == value < 0;
    }
}
