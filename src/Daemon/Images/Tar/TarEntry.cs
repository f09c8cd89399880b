using Gantry.Linux.Files;

namespace Gantry.Daemon.Images.Tar;

/// <summary>The type flag of a header (POSIX pax(1), "ustar Interchange Format"; GNU tar manual, "Basic Tar Format").</summary>
internal enum TarEntryType : byte
{
    RegularV7 = 0,
    Regular = (byte)'0',
    HardLink = (byte)'1',
    SymbolicLink = (byte)'2',
    CharacterDevice = (byte)'3',
    BlockDevice = (byte)'4',
    Directory = (byte)'5',
    Fifo = (byte)'6',
    Contiguous = (byte)'7',
    GnuLongLink = (byte)'K',
    GnuLongName = (byte)'L',
    GnuSparse = (byte)'S',
    GnuVolume = (byte)'V',
    PaxGlobal = (byte)'g',
    PaxExtended = (byte)'x',
}

/// <summary>One entry of an archive. The reader uses the same object for all of them.</summary>
internal sealed class TarEntry
{
    public TarEntryType Type { get; set; }

    /// <summary>As in the archive: bytes, possibly absolute, possibly with <c>..</c>.</summary>
    public byte[] Name { get; set; } = [];

    public byte[] LinkName { get; set; } = [];

    /// <summary>The low twelve bits.</summary>
    public uint Permissions { get; set; }

    public uint Owner { get; set; }

    public uint Group { get; set; }

    /// <summary>Length of the file, holes included.</summary>
    public long Size { get; set; }

    /// <summary>Bytes that follow the header in the archive.</summary>
    public long StoredSize { get; set; }

    public FileTime Modified { get; set; }

    public DeviceNumber Device { get; set; }

    /// <summary>Extended attributes: full name (<c>security.capability</c>) and raw value.</summary>
    public List<(byte[] Name, byte[] Value)> Attributes { get; } = [];

    /// <summary>For a sparse file: where its stored bytes belong, in order; the rest are holes.</summary>
    public List<(long Offset, long Length)>? Segments { get; set; }

    public bool IsRegular => Type is TarEntryType.Regular or TarEntryType.RegularV7 or TarEntryType.Contiguous or TarEntryType.GnuSparse;

    public string DisplayName => FilePath.Printable(Name);

    public void Reset()
    {
        Type = default;
        Name = [];
        LinkName = [];
        Permissions = Owner = Group = 0;
        Size = StoredSize = 0;
        Modified = default;
        Device = default;
        Attributes.Clear();
        Segments = null;
    }
}
