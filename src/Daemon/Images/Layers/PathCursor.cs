using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Daemon.Images.Layers;

/// <summary>Opens the directories of a tree that is being written, one step at a time, and keeps those on the way to the last one open.</summary>
/// <remarks>
/// Archives list a directory's content together, so most entries find their directory open. No step follows a symbolic link: a link that
/// the layer itself has made is read and resolved by name with the layer as its root, as it would be in the container; one whose
/// relative target leads above that root is refused, as in dockerd.
/// </remarks>
/// <param name="plainMarks">What hides a directory is marked in the plain form (<see cref="Overlay"/>).</param>
internal sealed class PathCursor(DirectoryFd root, bool plainMarks = false) : IDisposable
{
    /// <summary>Directories kept open; of a deeper path, the nearest.</summary>
    private const int MaxOpen = 48;

    /// <summary>rwxr-xr-x: a directory that the archive uses and does not list.</summary>
    private const uint ImpliedMode = 0x1ed;

    /// <summary>As in the kernel (<c>MAXSYMLINKS</c>).</summary>
    private const int MaxLinks = 40;

    private readonly List<(DirectoryFd Directory, int End)> open = [];
    private byte[] path = new byte[256];
    private int length;
    private byte[] wanted = new byte[256];
    private byte[] combined = new byte[256];

    /// <summary>The path without symbolic links of the directory that was entered last.</summary>
    public ReadOnlySpan<byte> RealPath => path.AsSpan(0, length);

    /// <summary>Opens a directory by its clean path.</summary>
    /// <param name="directory">Relative to the root; empty is the root.</param>
    /// <param name="create">Make what is missing, mode 0755, owner 0:0.</param>
    public DirectoryFd Enter(ReadOnlySpan<byte> directory, bool create)
    {
        if (directory.SequenceEqual(RealPath)) return Deepest;
        EntryPath.CheckLength(directory);
        Resize(ref wanted, directory.Length);
        directory.CopyTo(wanted);
        int wantedLength = directory.Length;
        for (int links = 0; !TryWalk(wanted.AsSpan(0, wantedLength), create, ref wantedLength);)
        {
            if (++links > MaxLinks) throw new KernelException("open directory " + FilePath.Printable(directory), Errno.ELOOP);
        }
        return Deepest;
    }

    private DirectoryFd Deepest => open.Count > 0 ? open[^1].Directory : root;

    /// <summary>Walks as far as there are directories. False when a symbolic link has changed the path that is wanted.</summary>
    private bool TryWalk(ReadOnlySpan<byte> target, bool create, ref int wantedLength)
    {
        LeaveTo(target);
        while (length < target.Length)
        {
            int start = length == 0 ? 0 : length + 1;
            int end = target[start..].IndexOf((byte)'/');
            end = end < 0 ? target.Length : start + end;
            var name = target[start..end];
            var parent = Deepest;
            var opened = parent.TryOpenDirectory(name, out var directory);
            if (opened.Errno == Errno.ENOENT && create)
            {
                opened = MakeDirectory(parent, name, out directory);
            }
            if (opened.Errno is Errno.ENOTDIR or Errno.ELOOP)
            {
                if (create && Overlay.IsWhiteout(parent, name, parent.Status(name))) opened = ReplaceWhiteout(parent, name, out directory);
                else if (parent.TryReadLink(name, out byte[] link).Succeeded)
                {
                    Redirect(target[..start], link, target[end..], target[..end], ref wantedLength);
                    return false;
                }
            }
            opened.Check("open directory", target[..end]);
            Push(directory!, target[..end]);
        }
        return true;
    }

    private KernelResult ReplaceWhiteout(DirectoryFd parent, ReadOnlySpan<byte> name, out DirectoryFd? directory)
    {
        parent.RemoveFile(name);
        var opened = MakeDirectory(parent, name, out directory);
        if (opened.Succeeded) Overlay.SetOpaque(directory!, plainMarks);
        return opened;
    }

    private static KernelResult MakeDirectory(DirectoryFd parent, ReadOnlySpan<byte> name, out DirectoryFd? directory)
    {
        parent.MakeDirectory(name, ImpliedMode);
        var opened = parent.TryOpenDirectory(name, out directory);
        if (opened.Succeeded) OpenFileAttributes.ChangeMode(directory!, ImpliedMode);   // whatever this process's umask is
        return opened;
    }

    /// <summary>Puts the link's target in the place of the component that it stands for.</summary>
    private void Redirect(ReadOnlySpan<byte> parent, byte[] link, ReadOnlySpan<byte> rest, ReadOnlySpan<byte> at, ref int wantedLength)
    {
        byte[] joined = link.AsSpan().StartsWith("/"u8) ? [.. link, .. rest] : [.. parent, .. link, .. rest];
        if (!EntryPath.TryClean(joined, ref combined, out int cleanLength))
            throw new InvalidArchiveException($"the symbolic link \"{FilePath.Printable(at)}\" leads out of the directory that is written: path escapes from parent");
        EntryPath.CheckLength(combined.AsSpan(0, cleanLength));
        (wanted, combined) = (combined, wanted);
        wantedLength = cleanLength;
    }

    /// <summary>Closes directories that do not lie on the way.</summary>
    private void LeaveTo(ReadOnlySpan<byte> target)
    {
        while (open.Count > 0)
        {
            int end = open[^1].End;
            bool onTheWay = end <= target.Length && (end == target.Length || target[end] == '/') && target[..end].SequenceEqual(path.AsSpan(0, end));
            if (onTheWay) break;
            open[^1].Directory.Dispose();
            open.RemoveAt(open.Count - 1);
        }
        length = open.Count > 0 ? open[^1].End : 0;
    }

    private void Push(DirectoryFd directory, ReadOnlySpan<byte> fullPath)
    {
        if (open.Count == MaxOpen)
        {
            open[0].Directory.Dispose();
            open.RemoveAt(0);
        }
        Resize(ref path, fullPath.Length);
        fullPath.CopyTo(path);
        length = fullPath.Length;
        open.Add((directory, length));
    }

    private static void Resize(ref byte[] buffer, int size)
    {
        if (buffer.Length < size) Array.Resize(ref buffer, Math.Max(size, buffer.Length * 2));
    }

    public void Dispose()
    {
        foreach (var (directory, _) in open) directory.Dispose();
        open.Clear();
        length = 0;
    }
}
