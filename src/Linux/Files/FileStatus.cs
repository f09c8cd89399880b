using System.Runtime.InteropServices;

namespace Gantry.Linux.Files;

/// <summary>What statx(2) says of one file.</summary>
public readonly record struct FileStatus
{
    public required FileType Type { get; init; }

    /// <summary>The low twelve bits: permissions, set-id and sticky.</summary>
    public required uint Permissions { get; init; }

    public required uint Owner { get; init; }

    public required uint Group { get; init; }

    public required long Size { get; init; }

    /// <summary>Bytes allocated on disk.</summary>
    public required long DiskSize { get; init; }

    public required uint Links { get; init; }

    public required ulong Inode { get; init; }

    /// <summary>The file system that holds the file.</summary>
    public required DeviceNumber FileSystem { get; init; }

    /// <summary>For a device node: the device that it stands for.</summary>
    public required DeviceNumber Device { get; init; }

    public required FileTime Accessed { get; init; }

    public required FileTime Modified { get; init; }

    public required FileTime Changed { get; init; }

    /// <summary>Names the mount through which the file was reached (Linux 5.8; 0 before).</summary>
    public required ulong Mount { get; init; }

    /// <summary>A character device 0:0, with which overlay marks a deleted name (kernel: <c>Documentation/filesystems/overlayfs.rst</c>).</summary>
    public bool IsWhiteout => Type == FileType.CharacterDevice && Device == default;

    internal static FileStatus From(in RawStatus raw) => new()
    {
        Type = (FileType)(raw.Mode & ModeBits.TypeMask),
        Permissions = raw.Mode & ModeBits.PermissionMask,
        Owner = raw.Uid,
        Group = raw.Gid,
        Size = (long)raw.Size,
        DiskSize = (long)raw.Blocks * 512,
        Links = raw.Links,
        Inode = raw.Inode,
        FileSystem = new DeviceNumber(raw.DeviceMajor, raw.DeviceMinor),
        Device = new DeviceNumber(raw.NodeMajor, raw.NodeMinor),
        Accessed = new FileTime(raw.Accessed.Seconds, (int)raw.Accessed.Nanoseconds),
        Modified = new FileTime(raw.Modified.Seconds, (int)raw.Modified.Nanoseconds),
        Changed = new FileTime(raw.Changed.Seconds, (int)raw.Changed.Nanoseconds),
        Mount = raw.MountId,
    };
}

/// <summary><c>struct statx</c>, 256 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 256)]
internal struct RawStatus
{
    /// <summary><c>STATX_BASIC_STATS | STATX_MNT_ID</c></summary>
    public const uint Basic = 0x7ff | 0x1000;

    public uint Mask;
    public uint BlockSize;
    public ulong Attributes;
    public uint Links;
    public uint Uid;
    public uint Gid;
    public ushort Mode;
    private ushort spare;
    public ulong Inode;
    public ulong Size;
    public ulong Blocks;
    public ulong AttributesMask;
    public RawTime Accessed;
    public RawTime Created;
    public RawTime Changed;
    public RawTime Modified;
    public uint NodeMajor;
    public uint NodeMinor;
    public uint DeviceMajor;
    public uint DeviceMinor;
    public ulong MountId;
}

[StructLayout(LayoutKind.Sequential)]
internal struct RawTime
{
    public long Seconds;
    public uint Nanoseconds;
    private int reserved;
}
