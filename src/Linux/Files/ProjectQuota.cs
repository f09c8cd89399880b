using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>Limits what a directory tree may take of its file system: project quotas of xfs and ext4 (quotactl(2), ioctl_fsxattr; quotactl_fd: Linux 5.14).</summary>
/// <remarks>A project is a number that files carry; new files get their directory's. The limit belongs to the number. Project 0 is everything without one.</remarks>
public static unsafe class ProjectQuota
{
    private const int ProjectType = 2;   // PRJQUOTA
    private const int SetLimit = 'X' << 8 | 4, GetState = 'X' << 8 | 5;   // Q_XSETQLIM, Q_XGETQSTAT
    private static readonly nint GetAttributes = unchecked((nint)0x801c581fL), SetAttributes = (nint)0x401c5820L;   // FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR
    private const uint Inherit = 0x200;   // FS_XFLAG_PROJINHERIT
    private const int BlockSize = 512;

    /// <summary>Whether the file system that holds the directory counts and enforces project quotas.</summary>
    public static bool IsEnforced(DirectoryFd directory)
    {
        const ushort enforced = 1 << 5;   // FS_QUOTA_PDQ_ENFD
        byte* state = stackalloc byte[256];   // struct fs_quota_stat
        new Span<byte>(state, 256).Clear();
        return Call(directory, GetState, 0, state).Succeeded && (*(ushort*)(state + 2) & enforced) != 0;
    }

    /// <summary>The project of a directory; 0 also where the file system has none.</summary>
    public static uint ProjectOf(DirectoryFd directory)
    {
        Attributes attributes = default;
        KernelResult result = Syscall.Call(SyscallNumber.Ioctl, directory.Number, GetAttributes, (nint)(&attributes));
        return result.Succeeded ? attributes.Project : 0;
    }

    /// <summary>Puts an empty directory, and all that will be in it, into a project.</summary>
    public static void SetProject(DirectoryFd directory, uint project)
    {
        Attributes attributes = default;
        new KernelResult(Syscall.Call(SyscallNumber.Ioctl, directory.Number, GetAttributes, (nint)(&attributes))).Check("read a directory's project");
        attributes.Flags |= Inherit;
        attributes.Project = project;
        new KernelResult(Syscall.Call(SyscallNumber.Ioctl, directory.Number, SetAttributes, (nint)(&attributes))).Check("set a directory's project");
    }

    /// <summary>Limits what all files of a project take together.</summary>
    /// <param name="directory">Any directory of the file system.</param>
    /// <param name="bytes">0 is no limit.</param>
    public static void Limit(DirectoryFd directory, uint project, long bytes)
    {
        var quota = new DiskQuota
        {
            Version = 1, Flags = ProjectType, FieldMask = 1 << 2 | 1 << 3, Id = project,   // FS_DQ_BSOFT, FS_DQ_BHARD
            HardBlocks = (ulong)((bytes + BlockSize - 1) / BlockSize), SoftBlocks = (ulong)((bytes + BlockSize - 1) / BlockSize),
        };
        Call(directory, SetLimit, project, (byte*)&quota).Check("limit a project's size");
    }

    private static KernelResult Call(DirectoryFd directory, int command, uint project, byte* argument) =>
        Syscall.Call(SyscallNumber.QuotactlFd, directory.Number, command << 8 | ProjectType, (nint)project, (nint)argument);

    /// <summary><c>struct fsxattr</c>, 28 bytes.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 28)]
    private struct Attributes
    {
        [FieldOffset(0)] public uint Flags;
        [FieldOffset(12)] public uint Project;
    }

    /// <summary><c>struct fs_disk_quota</c>, 112 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 112)]
    private struct DiskQuota
    {
        public sbyte Version, Flags;
        public ushort FieldMask;
        public uint Id;
        public ulong HardBlocks, SoftBlocks;
    }
}
