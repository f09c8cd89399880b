using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Gantry.Daemon.Images.Tar;

/// <summary>Header blocks of any entry: ustar, with an extended header in front for what ustar has no room for (POSIX pax(1), "pax Interchange Format").</summary>
/// <remarks>Names go out as the bytes that they are. Times keep their nanoseconds; whole seconds, and so all files of packages, need no extended header.</remarks>
internal sealed class TarEncoder
{
    private const int NameField = 100;
    private const long LargestOctalId = 0x1fffff, LargestOctal = 0x1_ffff_ffff;

    private readonly MemoryStream buffer = new();
    private readonly MemoryStream records = new();

    /// <summary>The blocks that stand before the entry's content; valid until the next call.</summary>
    public ReadOnlyMemory<byte> Encode(TarEntry entry)
    {
        buffer.SetLength(0);
        records.SetLength(0);
        CollectRecords(entry);
        if (records.Length > 0)
        {
            WriteBlock(TarEntryType.PaxExtended, "PaxHeaders/entry"u8, default, 0x1a4, 0, 0, records.Length, Math.Max(entry.Modified.Seconds, 0), default);
            records.WriteTo(buffer);
            buffer.Write(TarWriter.Padding(records.Length).Span);
        }
        WriteBlock(entry.Type, entry.Name, entry.LinkName, entry.Permissions, entry.Owner, entry.Group, entry.StoredSize, Math.Clamp(entry.Modified.Seconds, 0, LargestOctal), entry);
        return buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
    }

    private void CollectRecords(TarEntry entry)
    {
        if (entry.Name.Length > NameField) Record("path"u8, entry.Name);
        if (entry.LinkName.Length > NameField) Record("linkpath"u8, entry.LinkName);
        if (entry.StoredSize > LargestOctal) Record("size"u8, Ascii($"{entry.StoredSize}"));
        if (entry.Owner > LargestOctalId) Record("uid"u8, Ascii($"{entry.Owner}"));
        if (entry.Group > LargestOctalId) Record("gid"u8, Ascii($"{entry.Group}"));
        if (entry.Modified.Nanoseconds != 0 || entry.Modified.Seconds is < 0 or > LargestOctal) Record("mtime"u8, Time(entry.Modified));
        foreach (var (name, value) in entry.Attributes) Record([.. "SCHILY.xattr."u8, .. name], value);
    }

    private static byte[] Ascii(FormattableString text) => Encoding.ASCII.GetBytes(text.ToString(CultureInfo.InvariantCulture));

    /// <summary>Before 1970 the decimals count upwards from the second, in the kernel; in this form they count away from zero.</summary>
    private static byte[] Time(Gantry.Linux.Files.FileTime time)
    {
        if (time.Seconds < 0 && time.Nanoseconds > 0)
        {
            string sign = time.Seconds == -1 ? "-" : "";
            return Ascii($"{sign}{time.Seconds + 1}.{1_000_000_000 - time.Nanoseconds:D9}");
        }
        return time.Nanoseconds == 0 ? Ascii($"{time.Seconds}") : Ascii($"{time.Seconds}.{time.Nanoseconds:D9}");
    }

    /// <summary><c>length key=value\n</c>: the length counts its own digits too.</summary>
    private void Record(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        int rest = key.Length + value.Length + 3;
        int length = rest + 1;
        while (length != rest + Digits(length)) length = rest + Digits(length);
        records.Write(Ascii($"{length} "));
        records.Write(key);
        records.WriteByte((byte)'=');
        records.Write(value);
        records.WriteByte((byte)'\n');
    }

    private static int Digits(int number) => number.ToString(CultureInfo.InvariantCulture).Length;

    private void WriteBlock(TarEntryType type, ReadOnlySpan<byte> name, ReadOnlySpan<byte> link, uint mode, uint owner, uint group, long size, long modified, TarEntry? device)
    {
        Span<byte> block = stackalloc byte[TarHeader.BlockSize];
        block.Clear();
        name[..Math.Min(name.Length, NameField)].CopyTo(block);
        TarWriter.Number(block.Slice(100, 8), mode);
        TarWriter.Number(block.Slice(108, 8), Math.Min(owner, LargestOctalId));
        TarWriter.Number(block.Slice(116, 8), Math.Min(group, LargestOctalId));
        TarWriter.Number(block.Slice(124, 12), Math.Min(size, LargestOctal));
        TarWriter.Number(block.Slice(136, 12), modified);
        block[156] = (byte)type;
        link[..Math.Min(link.Length, NameField)].CopyTo(block[157..]);
        "ustar\0"u8.CopyTo(block[257..]);
        "00"u8.CopyTo(block[263..]);
        TarWriter.Number(block.Slice(329, 8), device?.Device.Major ?? 0);
        TarWriter.Number(block.Slice(337, 8), device?.Device.Minor ?? 0);
        TarWriter.SetChecksum(block);
        buffer.Write(block);
    }
}
