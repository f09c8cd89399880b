using Gantry.Linux.Kernel;

namespace Gantry.Linux.Files;

/// <summary>Walks a tree depth-first, parents before their content: however deep the tree, neither descriptors nor stack run out.</summary>
/// <remarks>
/// No symbolic link is followed. The directories on the way up are held open, the nearest <see cref="MaxHeld"/> of them; beyond those the way
/// back is <c>..</c>, and what it leads to must be the very directory that the walk came from: a tree of such depth that is rearranged meanwhile
/// ends the walk with <c>ESTALE</c> instead of leading it astray. What disappears meanwhile is skipped.
/// </remarks>
public sealed class TreeWalk : IDisposable
{
    /// <summary>Directories above the current one that are held open.</summary>
    private const int MaxHeld = 64;

    private readonly bool crossFileSystems;
    private readonly List<Level> levels = [];
    private DirectoryFd directory;
    private byte[] path = new byte[256];
    private int pathLength;
    private FileStatus status;
    private bool descend;

    /// <summary>Begins below the root, which itself is not reported and stays its owner's.</summary>
    /// <param name="root">Where to begin.</param>
    /// <param name="crossFileSystems">Enter what is mounted in the tree; otherwise a mount point is reported and not entered.</param>
    /// <param name="sorted">Report names in the order of their bytes, so that two walks of equal trees agree.</param>
    public TreeWalk(DirectoryFd root, bool crossFileSystems = false, bool sorted = false)
    {
        this.crossFileSystems = crossFileSystems;
        Sorted = sorted;
        directory = root.DuplicateDirectory();
        Enter(root.Status());
    }

    private bool Sorted { get; }

    private sealed record Level(ulong Inode, DeviceNumber FileSystem, List<byte[]> Names, int PathLength)
    {
        public int Next { get; set; }

        /// <summary>Null when it lies too far up.</summary>
        public DirectoryFd? Directory { get; set; }
    }

    /// <summary>The directory that holds the current entry; valid until the next <see cref="MoveNext"/>.</summary>
    public DirectoryFd Directory => directory;

    public byte[] Name => levels[^1].Names[levels[^1].Next - 1];

    /// <summary>The current entry's path from the root, without a leading slash.</summary>
    public ReadOnlySpan<byte> Path => path.AsSpan(0, pathLength);

    public ref readonly FileStatus Status => ref status;

    /// <summary>How many directories lie between the root and the current entry.</summary>
    public int Depth => levels.Count - 1;

    /// <summary>Leaves out what the current directory holds.</summary>
    public void SkipContent() => descend = false;

    public bool MoveNext()
    {
        if (descend) Descend();
        while (levels.Count > 0)
        {
            var level = levels[^1];
            while (level.Next < level.Names.Count)
            {
                byte[] name = level.Names[level.Next++];
                var found = directory.TryStatus(name, out status);
                if (found.Errno == Errno.ENOENT) continue;
                found.Check("stat", name);
                SetPath(level.PathLength, name);
                descend = status.Type == FileType.Directory && (crossFileSystems || status.FileSystem == level.FileSystem);
                return true;
            }
            levels.RemoveAt(levels.Count - 1);
            if (levels.Count > 0) Ascend(levels[^1]);
            else level.Directory = null;   // it stays open as the current one
        }
        return false;
    }

    private void Descend()
    {
        descend = false;
        var opened = directory.TryOpenDirectory(Name, out var child);
        if (opened.Errno is Errno.ENOENT or Errno.ENOTDIR) return;
        opened.Check("open directory", Path);
        directory = child!;
        Enter(directory.Status());
        if (levels.Count <= MaxHeld) return;
        var far = levels[levels.Count - 1 - MaxHeld];
        far.Directory?.Dispose();
        far.Directory = null;
    }

    private void Enter(in FileStatus entered)
    {
        var names = new List<byte[]>();
        using (var reader = new DirectoryReader(directory))
        {
            while (reader.MoveNext()) names.Add(reader.Name.ToArray());
        }
        if (Sorted) names.Sort(static (a, b) => a.AsSpan().SequenceCompareTo(b));
        levels.Add(new Level(entered.Inode, entered.FileSystem, names, pathLength) { Directory = directory });
    }

    private void Ascend(Level parent)
    {
        var left = directory;
        if (parent.Directory is { } held)
        {
            directory = held;
            left.Dispose();
            return;
        }
        left.TryOpenDirectory("..", out var up).Check("open the parent of", Path);
        directory = parent.Directory = up!;
        left.Dispose();
        var found = directory.Status();
        if (found.Inode != parent.Inode || found.FileSystem != parent.FileSystem) throw new KernelException("walk a tree that was moved meanwhile", Errno.ESTALE);
    }

    private void SetPath(int parentLength, byte[] name)
    {
        int separator = parentLength == 0 ? 0 : 1;
        int length = parentLength + separator + name.Length;
        if (length > path.Length) Array.Resize(ref path, Math.Max(length, path.Length * 2));
        if (separator == 1) path[parentLength] = (byte)'/';
        name.CopyTo(path, parentLength + separator);
        pathLength = length;
    }

    public void Dispose()
    {
        foreach (var level in levels) level.Directory?.Dispose();
        directory.Dispose();
    }
}
