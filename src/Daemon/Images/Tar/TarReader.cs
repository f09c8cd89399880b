using Gantry.Daemon.Images.Streams;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Images.Tar;

/// <summary>Gets every byte of an archive that is not the content of a file, in the order of the archive.</summary>
internal interface ITarRecorder
{
    void Raw(ReadOnlySpan<byte> bytes);
}

/// <summary>Reads an archive front to back: ustar, PAX, GNU and old headers, long names, sparse files. It judges the form of headers, not what they ask for.</summary>
/// <remarks>
/// What is accepted and refused follows Go's <c>archive/tar</c>, and so dockerd. An entry's content is lent straight from the source's
/// blocks; what the caller leaves of it is skipped. Everything else, down to the last byte after the end mark, goes to the recorder.
/// </remarks>
internal sealed class TarReader(ByteSource source, ITarRecorder? recorder = null)
{
    /// <summary>Limit for a long name or an extended header, as in Go (<c>maxSpecialFileSize</c>).</summary>
    private const int MaxSpecialSize = 1 << 20;

    private readonly byte[] block = new byte[TarHeader.BlockSize];
    private long remaining;
    private int padding;
    private bool ended;

    /// <summary>The current entry; the same object each time.</summary>
    public TarEntry Entry { get; } = new();

    /// <summary>Bytes of the current entry's content that have not been consumed.</summary>
    public long Remaining => remaining;

    /// <summary>Goes to the next entry. False at the archive's end, with everything behind it read.</summary>
    /// <exception cref="InvalidArchiveException"><c>unexpected EOF</c> or <c>archive/tar: invalid tar header</c>.</exception>
    public bool MoveNext()
    {
        if (ended) return false;
        SkipContent();
        PaxRecords? pax = null;
        byte[]? longName = null, longLink = null;
        Entry.Reset();
        while (ReadHeader())
        {
            var header = new TarHeader(block);
            switch (header.Type)
            {
                case TarEntryType.PaxExtended:
                    pax = PaxRecords.Parse(ReadSpecial(header.Size));
                    continue;
                case TarEntryType.PaxGlobal:
                    // Applies to all later entries by the letter of POSIX; dockerd and containerd leave it out, and so do all layers in use.
                    ReadSpecial(header.Size);
                    continue;
                case TarEntryType.GnuLongName:
                    longName = UntilZero(ReadSpecial(header.Size));
                    continue;
                case TarEntryType.GnuLongLink:
                    longLink = UntilZero(ReadSpecial(header.Size));
                    continue;
            }
            Describe(header, pax, longName, longLink);
            return true;
        }
        if (pax is not null || longName is not null || longLink is not null) throw InvalidArchiveException.UnexpectedEnd();
        ended = true;
        RecordRest();
        return false;
    }

    /// <summary>Lends some of the current entry's content; empty when it has all been consumed.</summary>
    public ReadOnlySpan<byte> Content()
    {
        if (remaining == 0) return default;
        if (!source.Fill()) throw InvalidArchiveException.UnexpectedEnd();
        var available = source.Available;
        return available.Length > remaining ? available[..(int)remaining] : available;
    }

    /// <summary><see cref="Content"/> for whoever lends it on.</summary>
    public ReadOnlyMemory<byte> ContentBlock()
    {
        int length = Content().Length;
        return length == 0 ? default : source.Block[..length];
    }

    public void Consume(int count)
    {
        source.Consume(count);
        remaining -= count;
    }

    /// <summary>Consumes what is left of the current entry's content and its padding, which the end of an archive may cut off: docker build -f - sends such ones. The recorder gets it.</summary>
    public void SkipContent()
    {
        while (remaining > 0)
        {
            var content = Content();
            recorder?.Raw(content);
            Consume(content.Length);
        }
        if (padding == 0) return;
        if (source.Fill())
        {
            int there = Math.Min(padding, source.Available.Length);
            recorder?.Raw(source.Available[..there]);
            source.Consume(there);
        }
        padding = 0;
    }

    /// <summary>Reads the next block that is no end mark into <see cref="block"/>. An archive that just stops between two entries has ended too.</summary>
    private bool ReadHeader()
    {
        if (!ReadBlock()) return false;
        if (TarHeader.IsZero(block))
        {
            if (!ReadBlock() || TarHeader.IsZero(block)) return false;
            throw InvalidArchiveException.InvalidHeader();
        }
        return new TarHeader(block).HasValidChecksum ? true : throw InvalidArchiveException.InvalidHeader();
    }

    private bool ReadBlock()
    {
        if (!source.Fill()) return false;
        if (source.Available.Length < TarHeader.BlockSize) throw InvalidArchiveException.UnexpectedEnd();
        source.Available[..TarHeader.BlockSize].CopyTo(block);
        source.Consume(TarHeader.BlockSize);
        recorder?.Raw(block);
        return true;
    }

    private byte[] ReadSpecial(long size)
    {
        if (size is < 0 or > MaxSpecialSize) throw new InvalidArchiveException("archive/tar: header field too long");
        byte[] data = new byte[size];
        remaining = size;
        padding = PaddingOf(size);
        for (int done = 0; done < data.Length;)
        {
            var content = Content();
            content.CopyTo(data.AsSpan(done));
            recorder?.Raw(content);
            done += content.Length;
            Consume(content.Length);
        }
        SkipContent();
        return data;
    }

    private static byte[] UntilZero(byte[] text) => text.AsSpan().IndexOf((byte)0) is >= 0 and int end ? text[..end] : text;

    private static int PaddingOf(long size) => (int)(-size & (TarHeader.BlockSize - 1));

    private void Describe(in TarHeader header, PaxRecords? pax, byte[]? longName, byte[]? longLink)
    {
        var entry = Entry;
        entry.Type = header.Type;
        entry.Name = pax?.SparseName ?? pax?.Path ?? longName ?? header.Name;
        entry.LinkName = pax?.LinkPath ?? longLink ?? header.LinkName.ToArray();
        entry.Permissions = (uint)header.Mode & ModeBits.PermissionMask;
        entry.Owner = Id(pax?.Owner ?? header.Owner);
        entry.Group = Id(pax?.Group ?? header.Group);
        entry.Modified = pax?.Modified ?? new FileTime(header.Modified, 0);
        entry.Device = new DeviceNumber((uint)header.DeviceMajor, (uint)header.DeviceMinor);
        if (pax is not null) entry.Attributes.AddRange(pax.Attributes);
        if (entry.Type == TarEntryType.RegularV7 && entry.Name.AsSpan().EndsWith("/"u8)) entry.Type = TarEntryType.Directory;

        long stored = pax?.Size ?? header.Size;
        if (stored < 0) throw InvalidArchiveException.InvalidHeader();
        // Links, devices, directories and fifos have no content, whatever their size field says.
        remaining = entry.StoredSize = entry.Type is >= TarEntryType.HardLink and <= TarEntryType.Fifo ? 0 : stored;
        padding = PaddingOf(remaining);
        entry.Size = remaining;
        if (entry.Type == TarEntryType.GnuSparse) ReadGnuSparse(header);
        else if (pax is { SparseMapInFile: true } && entry.IsRegular) ReadSparseMapInFile(pax);
        else if (pax?.SparseMap is { } map && entry.IsRegular) SetSegments(map, pax.SparseRealSize ?? throw InvalidArchiveException.InvalidHeader());
    }

    private static uint Id(long id) => id is >= 0 and <= uint.MaxValue ? (uint)id : throw InvalidArchiveException.InvalidHeader();

    private void ReadGnuSparse(in TarHeader header)
    {
        long realSize = header.GnuRealSize;
        bool more = header.GnuSparseContinues;
        var segments = new List<(long, long)>();
        AddSegments(header.GnuSparseTable, segments);
        while (more)
        {
            if (segments.Count > MaxSpecialSize / 24) throw InvalidArchiveException.InvalidHeader();
            if (!ReadBlock()) throw InvalidArchiveException.UnexpectedEnd();
            AddSegments(block.AsSpan(0, 21 * 24), segments);
            more = block[504] != 0;
        }
        SetSegments(segments, realSize);
    }

    private static void AddSegments(ReadOnlySpan<byte> table, List<(long, long)> segments)
    {
        for (; !table.IsEmpty; table = table[24..])
        {
            if (table[0] == 0) return;
            segments.Add((TarHeader.Number(table[..12]), TarHeader.Number(table.Slice(12, 12))));
        }
    }

    /// <summary>The map is a list of decimal numbers, one a line: how many segments, then offset and length of each; padded to whole blocks.</summary>
    private void ReadSparseMapInFile(PaxRecords pax)
    {
        var lines = new List<byte>();
        long Next()
        {
            int end;
            while ((end = lines.IndexOf((byte)'\n')) < 0)
            {
                if (lines.Count > MaxSpecialSize || remaining < TarHeader.BlockSize) throw InvalidArchiveException.InvalidHeader();
                if (!ReadBlock()) throw InvalidArchiveException.UnexpectedEnd();
                remaining -= TarHeader.BlockSize;
                lines.AddRange(block);
            }
            long number = PaxRecords.Number(lines.GetRange(0, end).ToArray());
            lines.RemoveRange(0, end + 1);
            return number;
        }
        long count = Next();
        if (count > MaxSpecialSize) throw InvalidArchiveException.InvalidHeader();
        var segments = new List<(long, long)>();
        for (long i = 0; i < count; i++) segments.Add((Next(), Next()));
        Entry.StoredSize = remaining;
        SetSegments(segments, pax.SparseRealSize ?? throw InvalidArchiveException.InvalidHeader());
    }

    private void SetSegments(List<(long Offset, long Length)> segments, long realSize)
    {
        long end = 0, stored = 0;
        foreach (var (offset, length) in segments)
        {
            if (offset < end || length < 0 || offset > realSize - length) throw InvalidArchiveException.InvalidHeader();
            end = offset + length;
            stored += length;
        }
        if (stored != remaining || realSize < 0) throw InvalidArchiveException.InvalidHeader();
        segments.RemoveAll(s => s.Length == 0);
        Entry.Segments = segments;
        Entry.Size = realSize;
    }

    private void RecordRest()
    {
        while (source.Fill())
        {
            recorder?.Raw(source.Available);
            source.Consume(source.Available.Length);
        }
    }
}
