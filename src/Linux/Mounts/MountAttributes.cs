namespace Gantry.Linux.Mounts;

/// <summary>Per-mount attributes of fsmount(2) and mount_setattr(2) (<c>include/uapi/linux/mount.h</c>).</summary>
[Flags]
public enum MountAttributes : ulong
{
    None = 0,
    ReadOnly = 0x1,
    NoSuid = 0x2,
    NoDev = 0x4,
    NoExec = 0x8,
    NoAccessTime = 0x10,
    StrictAccessTime = 0x20,
    /// <summary>All bits of the access-time setting: to be cleared when one of them is set.</summary>
    AccessTimeMask = 0x70,
    NoDirectoryAccessTime = 0x80,
    IdMap = 0x10_0000,
    NoSymlinkFollow = 0x20_0000,
}

/// <summary>How mount and unmount events travel between mounts (mount_namespaces(7)). Values are those of mount(2).</summary>
public enum MountPropagation : ulong
{
    Unchanged = 0,
    Unbindable = 1 << 17,
    Private = 1 << 18,
    Slave = 1 << 19,
    Shared = 1 << 20,
}
