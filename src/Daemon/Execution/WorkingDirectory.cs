using Gantry.Daemon.Engine;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Execution;

/// <summary>Makes the working directory of a new container where its image has none (reference B16).</summary>
internal static class WorkingDirectory
{
    /// <param name="root">The container's root file system.</param>
    /// <param name="path">Absolute, without <c>..</c>.</param>
    /// <exception cref="EngineException">500 <c>Cannot mkdir: X is not a directory</c>.</exception>
    public static void Make(Fd root, string path)
    {
        var parent = Open(root, "/", path) ?? throw EngineException.System($"Cannot mkdir: {path}: the root file system has no root");
        try
        {
            string here = "";
            foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                here += "/" + part;
                var next = Open(root, here, path);
                if (next is null)
                {
                    try
                    {
                        parent.MakeDirectory(part, 0x1ed);
                    }
                    catch (KernelException e)
                    {
                        throw EngineException.System($"Cannot mkdir: {path}: {e.Errno.Describe()}", e);
                    }
                    next = Open(root, here, path) ?? throw EngineException.System($"Cannot mkdir: {path} went away");
                }
                parent.Dispose();
                parent = next;
            }
        }
        finally
        {
            parent.Dispose();
        }
    }

    private static DirectoryFd? Open(Fd root, string path, string whole)
    {
        nint result = OpenFile.TryOpenInRoot(root, path, OpenFlags.ReadOnly | OpenFlags.Directory);
        if (result >= 0) return new DirectoryFd((int)result);
        return (Errno)(int)-result switch
        {
            Errno.ENOENT => null,
            Errno.ENOTDIR => throw EngineException.System($"Cannot mkdir: {whole} is not a directory"),
            var errno => throw EngineException.System($"Cannot mkdir: {whole}: {errno.Describe()}"),
        };
    }
}
