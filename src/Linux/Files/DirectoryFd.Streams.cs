using Gantry.Linux.Kernel;
using Microsoft.Win32.SafeHandles;

namespace Gantry.Linux.Files;

// Files as streams, for code that wants those.
public sealed unsafe partial class DirectoryFd
{
    /// <summary>Creates a file that must not exist yet, for writing.</summary>
    public FileStream CreateFileStream(FilePath name, uint mode = 0x180) =>
        Stream(OpenFile(name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, mode), FileAccess.Write);

    public FileStream OpenFileStream(FilePath name) => Stream(OpenFile(name, OpenFlags.ReadOnly), FileAccess.Read);

    private static FileStream Stream(Fd file, FileAccess access) => new(new SafeFileHandle(file.Release(), ownsHandle: true), access, bufferSize: 64 * 1024);
}
