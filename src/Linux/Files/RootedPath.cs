using System.Text;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>Follows symbolic links below a directory that stands for the root, as far as the path exists.</summary>
/// <remarks>Only text comes out of it. Whatever is done with the path resolves it again below the root, so a link that changes meanwhile leads nowhere else.</remarks>
public static unsafe class RootedPath
{
    private const int MaxLinks = 40;

    /// <summary>The absolute path with all its links replaced; what comes after a missing name is taken as it is.</summary>
    /// <exception cref="KernelException"><see cref="Errno.ELOOP"/>: more links than the kernel would follow.</exception>
    public static string Follow(Fd root, string path)
    {
        var done = new List<string>();
        var rest = new Stack<string>(Parts(path).Reverse());
        int links = 0;
        while (rest.TryPop(out string? part))
        {
            if (part == "..")
            {
                if (done.Count > 0) done.RemoveAt(done.Count - 1);
                continue;
            }
            string here = "/" + string.Join('/', done.Append(part));
            if (ReadLink(root, here) is not { } target)
            {
                done.Add(part);
                continue;
            }
            if (++links > MaxLinks) throw new KernelException($"open {path} in the container", Errno.ELOOP);
            if (target.StartsWith('/')) done.Clear();
            foreach (string next in Parts(target).Reverse()) rest.Push(next);
        }
        return "/" + string.Join('/', done);
    }

    private static IEnumerable<string> Parts(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != ".");

    /// <summary>Null for anything but a link.</summary>
    private static string? ReadLink(Fd root, string path)
    {
        nint result = OpenFile.TryOpenInRoot(root, path, OpenFlags.PathOnly | OpenFlags.NoFollow);
        if (result < 0) return null;
        using var link = new Fd((int)result);
        return LinkTarget(link) is { } target ? Encoding.UTF8.GetString(target) : null;
    }

    /// <summary>The target of a link that is held by a path handle; null for a file of another type.</summary>
    public static byte[]? LinkTarget(Fd handle)
    {
        byte* buffer = stackalloc byte[4096];
        byte empty = 0;
        nint length = Syscall.Call(SyscallNumber.Readlinkat, handle.Number, (nint)(&empty), (nint)buffer, 4096);
        return length < 0 ? null : new ReadOnlySpan<byte>(buffer, (int)length).ToArray();
    }
}
