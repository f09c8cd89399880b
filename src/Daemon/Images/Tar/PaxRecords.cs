using System.Buffers.Text;
using System.Text;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Images.Tar;

/// <summary>What an extended header says of the next entry (POSIX pax(1), "pax Extended Header").</summary>
internal sealed class PaxRecords
{
    private const string AttributePrefix = "SCHILY.xattr.";

    public byte[]? Path { get; private set; }

    public byte[]? LinkPath { get; private set; }

    public long? Size { get; private set; }

    public long? Owner { get; private set; }

    public long? Group { get; private set; }

    public FileTime? Modified { get; private set; }

    public List<(byte[] Name, byte[] Value)> Attributes { get; } = [];

    public byte[]? SparseName { get; private set; }

    public long? SparseRealSize { get; private set; }

    /// <summary>GNU's sparse format 1.0: the map stands before the file's bytes.</summary>
    public bool SparseMapInFile { get; private set; }

    /// <summary>GNU's formats 0.0 and 0.1: the map stands here.</summary>
    public List<(long Offset, long Length)>? SparseMap { get; private set; }

    /// <summary>Reads <c>length key=value\n</c> records.</summary>
    /// <exception cref="InvalidArchiveException">A record is malformed.</exception>
    public static PaxRecords Parse(ReadOnlySpan<byte> data)
    {
        var records = new PaxRecords();
        int major = 0, minor = 0;
        long offset = -1;
        while (!data.IsEmpty)
        {
            int space = data.IndexOf((byte)' ');
            if (space <= 0 || !Utf8Parser.TryParse(data[..space], out int length, out int used) || used != space || length <= space + 1 || length > data.Length)
                throw InvalidArchiveException.InvalidHeader();
            var record = data[(space + 1)..(length - 1)];
            int equals = record.IndexOf((byte)'=');
            if (equals <= 0 || data[length - 1] != '\n') throw InvalidArchiveException.InvalidHeader();
            records.Add(record[..equals], record[(equals + 1)..], ref major, ref minor, ref offset);
            data = data[length..];
        }
        records.SparseMapInFile = major == 1 && minor == 0;
        if (offset >= 0) throw InvalidArchiveException.InvalidHeader();
        return records;
    }

    private void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ref int major, ref int minor, ref long offset)
    {
        if (key.Contains((byte)0)) throw InvalidArchiveException.InvalidHeader();
        switch (Encoding.UTF8.GetString(key))
        {
            case "path": Path = Text(value); break;
            case "linkpath": LinkPath = Text(value); break;
            case "size": Size = OptionalNumber(value); break;
            case "uid": Owner = OptionalNumber(value); break;
            case "gid": Group = OptionalNumber(value); break;
            case "mtime": Modified = value.IsEmpty ? null : Time(value); break;
            case "GNU.sparse.name": SparseName = Text(value); break;
            case "GNU.sparse.size" or "GNU.sparse.realsize": SparseRealSize = Number(value); break;
            case "GNU.sparse.major": major = (int)Number(value); break;
            case "GNU.sparse.minor": minor = (int)Number(value); break;
            case "GNU.sparse.offset" when offset < 0: offset = Number(value); break;
            case "GNU.sparse.numbytes" when offset >= 0: AddSegment(offset, Number(value)); offset = -1; break;
            case "GNU.sparse.offset" or "GNU.sparse.numbytes": throw InvalidArchiveException.InvalidHeader();
            case "GNU.sparse.map": ParseMap(value); break;
            case var name when name.StartsWith(AttributePrefix, StringComparison.Ordinal):
                Attributes.Add((key[AttributePrefix.Length..].ToArray(), value.ToArray()));
                break;
        }
    }

    private void ParseMap(ReadOnlySpan<byte> map)
    {
        SparseMap ??= [];
        while (!map.IsEmpty)
        {
            long offset = NextNumber(ref map);
            if (map.IsEmpty) throw InvalidArchiveException.InvalidHeader();
            AddSegment(offset, NextNumber(ref map));
        }
    }

    private static long NextNumber(ref ReadOnlySpan<byte> list)
    {
        int comma = list.IndexOf((byte)',');
        var number = comma < 0 ? list : list[..comma];
        list = comma < 0 ? default : list[(comma + 1)..];
        return Number(number);
    }

    private void AddSegment(long offset, long length) => (SparseMap ??= []).Add((offset, length));

    /// <summary>An empty value takes the record back; names must not hold a zero.</summary>
    private static byte[]? Text(ReadOnlySpan<byte> value)
    {
        if (value.Contains((byte)0)) throw InvalidArchiveException.InvalidHeader();
        return value.IsEmpty ? null : value.ToArray();
    }

    private static long? OptionalNumber(ReadOnlySpan<byte> value) => value.IsEmpty ? null : Number(value);

    public static long Number(ReadOnlySpan<byte> value) =>
        Utf8Parser.TryParse(value, out long number, out int used) && used == value.Length && number >= 0 ? number : throw InvalidArchiveException.InvalidHeader();

    /// <summary>Decimal seconds, possibly negative, with any number of decimals, of which nine count.</summary>
    private static FileTime Time(ReadOnlySpan<byte> value)
    {
        int point = value.IndexOf((byte)'.');
        var whole = point < 0 ? value : value[..point];
        bool negative = whole.StartsWith("-"u8);
        if (!Utf8Parser.TryParse(whole, out long seconds, out int used) || used != whole.Length) throw InvalidArchiveException.InvalidHeader();
        int nanoseconds = 0;
        if (point >= 0)
        {
            var decimals = value[(point + 1)..];
            if (decimals.ContainsAnyExceptInRange((byte)'0', (byte)'9')) throw InvalidArchiveException.InvalidHeader();
            for (int i = 0; i < 9; i++) nanoseconds = nanoseconds * 10 + (i < decimals.Length ? decimals[i] - '0' : 0);
        }
        if (negative && nanoseconds > 0) return new FileTime(seconds - 1, 1_000_000_000 - nanoseconds);
        return new FileTime(seconds, nanoseconds);
    }
}
