using System.Globalization;
using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;

namespace Gantry.Linux.Mounts;

/// <summary>A mount that is attached nowhere: a descriptor and not a path. Its last close unmounts it.</summary>
public sealed unsafe class DetachedMount : Fd
{
    private const int CloneTree = 1, Recursive = 0x8000, EmptyPath = 0x1000;

    private DetachedMount(int fd) : base(fd) { }

    /// <summary>A mount that came from another process, with the right to close it.</summary>
    public static DetachedMount FromDescriptor(Fd fd) => new(fd.Release());

    /// <summary>Makes a new file system and mounts it (fsopen(2), fsconfig(2), fsmount(2): Linux 5.2).</summary>
    /// <param name="options"><c>key=value</c>, or <c>key</c> for a flag.</param>
    /// <exception cref="KernelException">Step <c>mount TYPE: the file system's own message</c>.</exception>
    public static DetachedMount Create(string type, IEnumerable<string> options, MountAttributes attributes = 0)
    {
        using var context = FileSystemContext.Open(type);
        foreach (string option in options)
        {
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) context.SetFlag(option);
            else context.SetString(option[..equals], option[(equals + 1)..]);
        }
        return new DetachedMount(context.Mount(attributes));
    }

    /// <summary>An overlay of read-only layers, topmost first, with or without a writable one.</summary>
    /// <remarks>Layers are added one by one (<c>lowerdir+</c>, Linux 6.8), so their number is not limited by the length of an option string.</remarks>
    public static DetachedMount Overlay(IReadOnlyList<string> lower, string? upper, string? work, IEnumerable<string>? options = null, MountAttributes attributes = 0)
    {
        if (!OverlayTakesSingleLayers) return OverlayByPage(lower, upper, work, options ?? [], attributes);
        using var context = FileSystemContext.Open("overlay");
        context.SetString("source", "overlay");   // what df and mount show
        foreach (string option in options ?? [])
        {
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) context.SetFlag(option);
            else context.SetString(option[..equals], option[(equals + 1)..]);
        }
        foreach (string layer in lower) context.SetString("lowerdir+", layer);
        if (upper is not null)
        {
            context.SetString("upperdir", upper);
            context.SetString("workdir", work!);
        }
        return new DetachedMount(context.Mount(attributes));
    }

    /// <summary>The same before Linux 6.8: all options in one page of memory, as mount(2) takes them.</summary>
    /// <remarks>fsconfig(2) takes no value of more than 255 bytes, which are three or four layers. Layers are attached under short names, so that a page holds hundreds.</remarks>
    internal static DetachedMount OverlayByPage(IReadOnlyList<string> lower, string? upper, string? work, IEnumerable<string> options, MountAttributes attributes)
    {
        // Both names below one mount: overlay demands that.
        string? writable = upper is null ? null : Path.GetDirectoryName(upper);
        if (writable != (work is null ? null : Path.GetDirectoryName(work))) throw new ArgumentException("the upper and the work directory of an overlay must lie in one directory", nameof(work));
        var made = OverlayOfAttached(null, lower, writable, Path.GetFileName(upper), Path.GetFileName(work), options, byPage: true);
        if (attributes != 0) made.SetAttributes(attributes, 0, 0, recursive: false, "set the attributes of an overlay");
        return made;
    }

    /// <summary>
    /// An overlay whose files belong, seen from a user namespace, to whom they belong on disk: of layers whose owners are shifted, the writable one too.
    /// </summary>
    /// <param name="lower">Directories of read-only layers, topmost first.</param>
    /// <param name="writable">The directory that holds the other two.</param>
    /// <remarks>
    /// overlay itself cannot be shifted, but its layers can (Linux 5.19). It makes files as the one who mounted it, who therefore must be somebody that the
    /// shift knows: a child with the ids of the namespace's root and all of this process's rights. The layers are mounted in a namespace of the child's
    /// own, for overlay takes paths.
    /// </remarks>
    public static DetachedMount Overlay(UserNamespace owners, IReadOnlyList<string> lower, string writable, string upper, string work, IEnumerable<string> options) =>
        OverlayOfAttached(owners, lower, writable, upper, work, options, byPage: !OverlayTakesSingleLayers);

    /// <summary>An overlay that a child mounts, with copies of the layers attached in a mount namespace of its own.</summary>
    private static DetachedMount OverlayOfAttached(UserNamespace? owners, IReadOnlyList<string> lower, string? writable, string? upper, string? work, IEnumerable<string> options, bool byPage)
    {
        const int setSecureBits = 28, noFixUp = 1 << 2, fromEmptyPath = 4;
        const long privately = 1 << 14 | 1 << 18;
        const string room = "/tmp", place = room + "/layer";
        var layers = new List<DetachedMount>();
        try
        {
            foreach (string directory in writable is null ? lower : lower.Append(writable))
            {
                var layer = Clone(directory, recursive: false);
                layers.Add(layer);
                if (owners is not null) layer.SetIdMap(owners.Handle, recursive: false, $"shift the owners of {directory} (needs Linux 5.19, and a file system that can)");
            }
            using var program = new ChildProgram();
            var mount = program.NewSlot(-1);
            byte* none = program.Text("");
            program.Call("unshare the mount namespace", SyscallNumber.Unshare, (nint)CloneFlags.NewMount);
            program.Call("make mounts private", SyscallNumber.Mount, 0, program.Text("/"), 0, (nint)privately, 0);
            program.Call("make room for layers", SyscallNumber.Mount, program.Text("layers"), program.Text(room), program.Text("tmpfs"), 0, program.Text("mode=755"));
            for (int i = 0; i < layers.Count; i++)
            {
                byte* at = program.Text(place + i);
                program.Call("make room for a layer", SyscallNumber.Mkdirat, OpenFile.CurrentDirectory, at, 0x1ed);
                program.Call("attach a layer", SyscallNumber.MoveMount, layers[i].Number, none, OpenFile.CurrentDirectory, at, fromEmptyPath);
            }
            if (owners is not null)
            {
                program.Call("keep rights over a change of user", SyscallNumber.Prctl, setSecureBits, noFixUp);
                program.Call("become the namespace's root", SyscallNumber.Setresgid, (nint)owners.RootGroup, (nint)owners.RootGroup, (nint)owners.RootGroup);
                program.Call("become the namespace's root", SyscallNumber.Setresuid, (nint)owners.RootUser, (nint)owners.RootUser, (nint)owners.RootUser);
            }
            IReadOnlyList<string> places = [.. Enumerable.Range(0, lower.Count).Select(i => place + i)];
            IReadOnlyList<string> all = upper is null ? [.. options] : [.. options, $"upperdir={place}{lower.Count}/{upper}", $"workdir={place}{lower.Count}/{work}"];
            if (byPage) program.MountOverlayByPage(places, all, mount);
            else program.MountOverlay(places, all, mount);
            // Memory of its own: a change of user would make all of this process undumpable.
            ChildProcess.Run(program, new ChildOptions { ShareFiles = true, CopyMemory = owners is not null });
            return new DetachedMount((int)mount.Value);
        }
        finally
        {
            foreach (var layer in layers) layer.Dispose();
        }
    }

    private static readonly bool OverlayTakesSingleLayers = Environment.OSVersion.Version >= new Version(6, 8);

    /// <summary>A copy of the mount at a path, or of the tree of mounts below it (open_tree(2)). A file can be cloned too.</summary>
    public static DetachedMount Clone(string path, bool recursive)
    {
        using var name = new CString(path, stackalloc byte[512]);
        fixed (byte* p = name) return CloneAt(OpenFile.CurrentDirectory, p, recursive ? Recursive : 0, $"bind {path}");
    }

    /// <summary>A copy of the mount that an open file or directory is on, rooted at it.</summary>
    public static DetachedMount Clone(Fd file, bool recursive, string step)
    {
        byte empty = 0;
        return CloneAt(file.Number, &empty, EmptyPath | (recursive ? Recursive : 0), step);
    }

    /// <summary>A copy of this mount, rooted at an open file or directory of it; without what is mounted below.</summary>
    /// <param name="part">Opened through this mount, or the mount itself.</param>
    public DetachedMount ClonePart(Fd part, string step)
    {
        try
        {
            return Clone(part, recursive: false, step);
        }
        catch (KernelException e) when (e.Errno == Errno.EINVAL)
        {
            return ClonePartByAttaching(part, step);
        }
    }

    /// <summary>The same before Linux 6.15, which clones only what is attached in the caller's mount namespace.</summary>
    /// <remarks>
    /// A child attaches the mount in a namespace of its own and clones it there, and the part. The attached one goes with the child: a copy takes its place
    /// behind this object's descriptor.
    /// </remarks>
    public DetachedMount ClonePartByAttaching(Fd part, string step)
    {
        const int fromEmptyPath = 4;
        const long privately = 1 << 14 | 1 << 18;
        using var program = new ChildProgram();
        var whole = program.NewSlot();
        var clone = program.NewSlot(-1);
        byte* none = program.Text(""), place = program.Text("/tmp");
        program.Call("unshare the mount namespace", SyscallNumber.Unshare, (nint)CloneFlags.NewMount);
        program.Call("make mounts private", SyscallNumber.Mount, 0, program.Text("/"), 0, (nint)privately, 0);
        program.Call($"{step}: attach it", SyscallNumber.MoveMount, Number, none, OpenFile.CurrentDirectory, place, fromEmptyPath);
        program.Call(step, SyscallNumber.OpenTree, Number, none, CloneTree | EmptyPath | (int)OpenFlags.CloseOnExec).Into(whole);
        program.Call(step, SyscallNumber.OpenTree, part.Number, none, CloneTree | EmptyPath | (int)OpenFlags.CloseOnExec).Into(clone);
        program.Call($"{step}: take its place", SyscallNumber.Dup3, whole, Number, (int)OpenFlags.CloseOnExec);
        program.Call("close", SyscallNumber.Close, whole);
        ChildProcess.Run(program, new ChildOptions { ShareFiles = true });
        return new DetachedMount((int)clone.Value);
    }

    /// <summary>A copy of a mount in another process's mount namespace. No link on the way to it is followed.</summary>
    /// <remarks>The kernel clones only what the caller's own namespace holds, so a child goes there, with this process's descriptors, and opens the copy.</remarks>
    public static DetachedMount CloneFrom(PidFd process, string path)
    {
        const ulong noSymlinks = 0x04, noMagicLinks = 0x02;
        using var program = new ChildProgram();
        var at = program.NewSlot();
        var tree = program.NewSlot(-1);
        ulong[] how = [(ulong)(uint)OpenFile.Native(OpenFlags.PathOnly | OpenFlags.CloseOnExec), 0, noSymlinks | noMagicLinks];
        program.Call($"join the mount namespace of process {process.Pid}", SyscallNumber.Setns, process.Number, (nint)CloneFlags.NewMount);
        program.Call($"open {path} of process {process.Pid}", SyscallNumber.Openat2, OpenFile.CurrentDirectory, program.Text(path), program.Bytes(MemoryMarshal.AsBytes<ulong>(how)), 3 * sizeof(ulong)).Into(at);
        program.Call($"clone {path} of process {process.Pid}", SyscallNumber.OpenTree, at, program.Text(""), CloneTree | EmptyPath | (int)OpenFlags.CloseOnExec).Into(tree);
        program.Call("close", SyscallNumber.Close, at);
        ChildProcess.Run(program, new ChildOptions { ShareFiles = true });
        return new DetachedMount((int)tree.Value);
    }

    private static DetachedMount CloneAt(int directory, byte* path, int flags, string step)
    {
        nint fd = Syscall.Call(SyscallNumber.OpenTree, directory, (nint)path, CloneTree | (int)OpenFlags.CloseOnExec | flags);
        return new DetachedMount((int)Syscall.Check(fd, step));
    }

    /// <summary>Changes attributes and propagation of this mount, or of all below it (mount_setattr(2), Linux 5.12).</summary>
    public void SetAttributes(MountAttributes set, MountAttributes clear, MountPropagation propagation, bool recursive, string step)
    {
        var attributes = new MountAttr { Set = (ulong)set, Clear = (ulong)clear, Propagation = (ulong)propagation };
        byte empty = 0;
        Syscall.Check(Syscall.Call(SyscallNumber.MountSetattr, Number, (nint)(&empty), EmptyPath | (recursive ? Recursive : 0), (nint)(&attributes), sizeof(MountAttr)), step);
    }

    /// <summary>Shifts the owners of everything in this mount by a user namespace's mapping. The mount must be detached.</summary>
    public void SetIdMap(Fd userNamespace, bool recursive, string step)
    {
        var attributes = new MountAttr { Set = (ulong)MountAttributes.IdMap, UserNamespace = (ulong)userNamespace.Number };
        byte empty = 0;
        Syscall.Check(Syscall.Call(SyscallNumber.MountSetattr, Number, (nint)(&empty), EmptyPath | (recursive ? Recursive : 0), (nint)(&attributes), sizeof(MountAttr)), step);
    }

    /// <summary>Attaches the mount at a path of this process's mount namespace (move_mount(2)).</summary>
    public void AttachAt(string path)
    {
        const int fromEmptyPath = 4;
        using var name = new CString(path, stackalloc byte[512]);
        byte empty = 0;
        fixed (byte* p = name)
            Syscall.Check(Syscall.Call(SyscallNumber.MoveMount, Number, (nint)(&empty), OpenFile.CurrentDirectory, (nint)p, fromEmptyPath), $"attach a mount at {path}");
    }

    /// <summary><c>struct mount_attr</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MountAttr
    {
        public ulong Set, Clear, Propagation, UserNamespace;
    }
}
