using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>Changes who owns a file.</summary>
public static class Ownership
{
    private const int CurrentFolder = -100;   // AT_FDCWD

    /// <summary>Gives a file to a user and a group (fchownat(2)); −1 leaves that one as it is.</summary>
    public static unsafe void Change(string path, int user, int group)
    {
        using var text = new CString(path, stackalloc byte[256]);
        fixed (byte* pointer = text)
            Syscall.Check(Syscall.Call(SyscallNumber.Fchownat, CurrentFolder, (nint)pointer, user, group), $"chown {path}");
    }
}
