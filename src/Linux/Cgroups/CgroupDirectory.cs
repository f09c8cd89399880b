using System.Runtime.CompilerServices;
using System.Text;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Cgroups;

/// <summary>A group's directory in one hierarchy: its files are reached from the hierarchy's root descriptor, so that nothing is held open for a group.</summary>
internal readonly unsafe struct CgroupDirectory(CgroupHierarchy hierarchy, Fd root, string path)
{
    private const int RemoveDirectory = 0x200;   // AT_REMOVEDIR
    private readonly byte[] relative = Encoding.UTF8.GetBytes(path.Trim('/'));

    public CgroupHierarchy Hierarchy { get; } = hierarchy;

    /// <summary>The directory's place in the file system, for messages and listings.</summary>
    public string FullPath { get; } = path == "/" ? hierarchy.MountPoint : hierarchy.MountPoint + path;

    /// <summary>Reads a file of the group. Returns the number of bytes, or a negative errno.</summary>
    public int Read(ReadOnlySpan<byte> file, Span<byte> buffer)
    {
        Span<byte> name = stackalloc byte[512];
        return ControlFile.Read(root.Number, Join(file, name), buffer);
    }

    /// <summary>Reads a file that holds one number (or <c>max</c>); null when there is no such file.</summary>
    [SkipLocalsInit]
    public ulong? ReadNumber(ReadOnlySpan<byte> file)
    {
        Span<byte> buffer = stackalloc byte[64];
        int length = Read(file, buffer);
        return length <= 0 ? null : ControlFile.Number(buffer[..length]);
    }

    /// <summary>Writes a value, as the kernel takes it.</summary>
    /// <returns>0, or a negative errno.</returns>
    public int TryWrite(ReadOnlySpan<byte> file, ReadOnlySpan<byte> value)
    {
        int fd = TryOpen(file, ControlFile.WriteOnly);
        if (fd < 0) return fd;
        using var opened = new Fd(fd);
        return ControlFile.Write(fd, value);
    }

    /// <exception cref="KernelException">The kernel refuses the value, or has no such file.</exception>
    public void Write(ReadOnlySpan<byte> file, string value)
    {
        int result = TryWrite(file, Encoding.UTF8.GetBytes(value));
        if (result < 0) throw Refused(file, value, result);
    }

    public KernelException Refused(ReadOnlySpan<byte> file, string value, int result) =>
        new($"write {value} to {FullPath}/{ControlFile.Text(file)}", (Errno)(-result));

    /// <summary>Opens a file of the group, or the group's directory when the name is empty.</summary>
    /// <exception cref="KernelException">There is none.</exception>
    public Fd Open(ReadOnlySpan<byte> file, int flags)
    {
        int fd = TryOpen(file, flags);
        return fd >= 0 ? new Fd(fd) : throw new KernelException(file.IsEmpty ? $"open {FullPath}" : $"open {FullPath}/{ControlFile.Text(file)}", (Errno)(-fd));
    }

    public bool Exists(ReadOnlySpan<byte> file)
    {
        Span<byte> name = stackalloc byte[512];
        fixed (byte* p = Join(file, name)) return Syscall.Call(SyscallNumber.Faccessat, root.Number, (nint)p, 0, 0) == 0;
    }

    /// <returns>0, or a negative errno.</returns>
    public int Create()
    {
        Span<byte> name = stackalloc byte[512];
        fixed (byte* p = Join(default, name)) return (int)Syscall.Call(SyscallNumber.Mkdirat, root.Number, (nint)p, 0x1ED /* 0755 */);
    }

    /// <returns>0, or a negative errno: EBUSY while it holds processes or groups.</returns>
    public int Remove()
    {
        Span<byte> name = stackalloc byte[512];
        fixed (byte* p = Join(default, name)) return (int)Syscall.Call(SyscallNumber.Unlinkat, root.Number, (nint)p, RemoveDirectory);
    }

    /// <summary>Removes the group and the groups in it, deepest first. False while processes are in one of them.</summary>
    public bool TryRemoveTree()
    {
        int result = Remove();
        if (result == -(int)Errno.EBUSY)
        {
            foreach (var child in Children()) child.TryRemoveTree();
            result = Remove();
        }
        if (result is 0 || result == -(int)Errno.ENOENT) return true;
        if (result == -(int)Errno.EBUSY) return false;
        throw new KernelException($"remove {FullPath}", (Errno)(-result));
    }

    public List<CgroupDirectory> Children()
    {
        var children = new List<CgroupDirectory>();
        var self = this;
        try
        {
            foreach (string child in Directory.EnumerateDirectories(FullPath)) children.Add(self.Child(Path.GetFileName(child)));
        }
        catch (DirectoryNotFoundException)
        {
            // It went away meanwhile, and its children with it.
        }
        return children;
    }

    private CgroupDirectory Child(string name) => new(Hierarchy, root, path.TrimEnd('/') + "/" + name);

    /// <summary>Adds the ids of the processes in the group; with <paramref name="recursive"/> also those of the groups in it.</summary>
    public void AddProcesses(List<int> processes, bool recursive)
    {
        if (ControlFile.TryReadText(FullPath + "/cgroup.procs") is not { } text) return;
        foreach (var line in text.AsSpan().EnumerateLines())
            if (int.TryParse(line, out int pid) && pid > 0) processes.Add(pid);
        if (!recursive) return;
        foreach (var child in Children()) child.AddProcesses(processes, recursive: true);
    }

    private int TryOpen(ReadOnlySpan<byte> file, int flags)
    {
        Span<byte> name = stackalloc byte[512];
        return ControlFile.Open(root.Number, Join(file, name), flags);
    }

    /// <summary>Makes <c>relative/file</c>, ended by a zero byte; <c>.</c> for the hierarchy's root itself.</summary>
    private ReadOnlySpan<byte> Join(ReadOnlySpan<byte> file, Span<byte> buffer)
    {
        int size = relative.Length + file.Length + 3;
        if (size > buffer.Length) buffer = new byte[size];
        ReadOnlySpan<byte> directory = relative.Length == 0 ? "."u8 : relative;
        directory.CopyTo(buffer);
        int length = directory.Length;
        if (!file.IsEmpty)
        {
            buffer[length++] = (byte)'/';
            file.CopyTo(buffer[length..]);
            length += file.Length;
        }
        buffer[length] = 0;
        return buffer[..(length + 1)];
    }
}
