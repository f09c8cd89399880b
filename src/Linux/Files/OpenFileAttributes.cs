using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>Owner, mode and times of an open file.</summary>
public static unsafe class OpenFileAttributes
{
    public static void ChangeOwner(Fd file, uint owner, uint group, string step = "chown") =>
        Syscall.Check(Syscall.Call(SyscallNumber.Fchown, file.Number, (nint)owner, (nint)group), step);

    /// <summary>Sets the twelve permission bits. To be done after <see cref="ChangeOwner"/>, which clears the set-id bits.</summary>
    public static void ChangeMode(Fd file, uint permissions, string step = "chmod") =>
        Syscall.Check(Syscall.Call(SyscallNumber.Fchmod, file.Number, (nint)permissions), step);

    public static void SetTimes(Fd file, FileTime accessed, FileTime modified, string step = "set times")
    {
        long* times = stackalloc long[4] { accessed.Seconds, accessed.Nanoseconds, modified.Seconds, modified.Nanoseconds };
        Syscall.Check(Syscall.Call(SyscallNumber.Utimensat, file.Number, 0, (nint)times, 0), step);
    }
}
