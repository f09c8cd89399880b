using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>The kernel's magic numbers of file systems (statfs(2), <c>include/uapi/linux/magic.h</c>).</summary>
public static unsafe class FileSystemType
{
    public const long Proc = 0x9FA0, Overlay = 0x794C7630, Tmpfs = 0x01021994;

    /// <summary>What an open file, directory or mount lies on.</summary>
    public static long Of(Fd file)
    {
        long* status = stackalloc long[32];   // struct statfs: the type comes first
        Syscall.Check(Syscall.Call(SyscallNumber.Fstatfs, file.Number, (nint)status), "statfs an open file");
        return status[0];
    }
}
