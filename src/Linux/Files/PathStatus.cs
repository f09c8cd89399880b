using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>Asks statx(2) about files of the host by path, or about open ones.</summary>
public static unsafe class PathStatus
{
    private const int NoFollow = 0x100, EmptyPath = 0x1000, BasicStats = 0x7ff;

    /// <summary>The file itself, were it a link. Null when there is none.</summary>
    public static FileStatus? TryGet(string path)
    {
        using var name = new CString(path, stackalloc byte[512]);
        RawStatus raw = default;
        fixed (byte* p = name)
        {
            if (Syscall.Call(SyscallNumber.Statx, OpenFile.CurrentDirectory, (nint)p, NoFollow, BasicStats, (nint)(&raw)) < 0) return null;
        }
        return FileStatus.From(raw);
    }

    public static FileStatus Of(SafeHandle file)
    {
        RawStatus raw = default;
        byte empty = 0;
        bool held = false;
        file.DangerousAddRef(ref held);
        try
        {
            Syscall.Check(Syscall.Call(SyscallNumber.Statx, file.DangerousGetHandle(), (nint)(&empty), EmptyPath, BasicStats, (nint)(&raw)), "stat an open file");
        }
        finally
        {
            if (held) file.DangerousRelease();
        }
        return FileStatus.From(raw);
    }
}
