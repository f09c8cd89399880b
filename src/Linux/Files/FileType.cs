namespace Gantry.Linux.Files;

/// <summary>The type bits of <c>st_mode</c> (inode(7)).</summary>
public enum FileType : uint
{
    Unknown = 0,
    Fifo = 0x1000,
    CharacterDevice = 0x2000,
    Directory = 0x4000,
    BlockDevice = 0x6000,
    Regular = 0x8000,
    SymbolicLink = 0xA000,
    Socket = 0xC000,
}

/// <summary>Permission bits beyond <c>rwx</c>.</summary>
public static class ModeBits
{
    public const uint TypeMask = 0xF000;
    public const uint PermissionMask = 0xFFF;
    public const uint SetUser = 0x800;
    public const uint SetGroup = 0x400;
    public const uint Sticky = 0x200;
}

/// <summary>A device's numbers. <see cref="Encoded"/> is the form in which mknod(2) and statx(2) users store them (makedev(3)).</summary>
public readonly record struct DeviceNumber(uint Major, uint Minor)
{
    public ulong Encoded => (Minor & 0xff) | ((ulong)(Major & 0xfff) << 8) | ((ulong)(Minor & ~0xffu) << 12) | ((ulong)(Major & ~0xfffu) << 32);
}

/// <summary>A moment as the kernel keeps it: seconds since 1970, possibly negative, and nanoseconds 0…999,999,999.</summary>
public readonly record struct FileTime(long Seconds, int Nanoseconds) : IComparable<FileTime>
{
    public int CompareTo(FileTime other) => Seconds != other.Seconds ? Seconds.CompareTo(other.Seconds) : Nanoseconds.CompareTo(other.Nanoseconds);

    public static bool operator <(FileTime left, FileTime right) => left.CompareTo(right) < 0;

    public static bool operator >(FileTime left, FileTime right) => left.CompareTo(right) > 0;

    public static bool operator <=(FileTime left, FileTime right) => left.CompareTo(right) <= 0;

    public static bool operator >=(FileTime left, FileTime right) => left.CompareTo(right) >= 0;
}
