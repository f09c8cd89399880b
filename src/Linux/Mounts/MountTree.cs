using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;

namespace Gantry.Linux.Mounts;

/// <summary>Mounts put together into one tree, in a mount namespace that holds nothing else and that no process is in. Disposing it unmounts them.</summary>
/// <remarks>
/// Before Linux 6.15 nothing can be mounted on a detached mount. So a child that runs no program (a <see cref="ChildProgram"/>) makes a mount
/// namespace, puts the tree together there and ends; a descriptor of the namespace keeps it. The host's table of mounts never shows any of it.
/// <code>
///  clone3(NEWNS, shared memory and descriptors)
///    open   /proc/self/ns/mnt           what keeps the namespace
///    mount  / private                   nothing of this reaches the host
///    move   root → /proc                any directory would do
///    pivot_root, unmount the old root   the namespace lets go of the host's mounts
///    move   each mount → its place, resolved below the root
///    exit
/// </code>
/// </remarks>
public sealed unsafe class MountTree : IDisposable
{
    private const int Recursive = 0x4000, Private = 1 << 18, Detach = 2, FromEmptyPath = 4, ToEmptyPath = 0x40;
    private readonly Fd space;

    private MountTree(DirectoryFd root, Fd space)
    {
        Root = root;
        this.space = space;
    }

    /// <summary>The root of the tree, for lookups below it.</summary>
    public DirectoryFd Root { get; }

    /// <param name="root">Attached nowhere so far; it stays its owner's, who may close it at once.</param>
    /// <param name="mounts">What to mount in it and where, parents before what lies below them. A place that does not exist is left out.</param>
    /// <exception cref="KernelException">The step that failed.</exception>
    public static MountTree Assemble(DetachedMount root, IReadOnlyList<(Fd Source, string Target)> mounts)
    {
        using var program = new ChildProgram();
        var space = program.NewSlot(-1);
        var places = mounts.Select(_ => program.NewSlot(-1)).ToArray();
        byte* empty = program.Text(""), here = program.Text("."), slash = program.Text("/"), proc = program.Text("/proc");
        var how = program.Structure(new DirectoryFd.OpenHow { Flags = (ulong)OpenFile.Native(OpenFlags.PathOnly | OpenFlags.CloseOnExec), Resolve = (ulong)(ResolveFlags.InRoot | ResolveFlags.NoMagicLinks) });

        program.Call("open the new mount namespace", SyscallNumber.Openat, OpenFile.CurrentDirectory, program.Text("/proc/self/ns/mnt"), (int)OpenFlags.CloseOnExec).Into(space);
        program.Call("make the mounts private", SyscallNumber.Mount, 0, slash, 0, Recursive | Private);
        program.Call("attach the root file system", SyscallNumber.MoveMount, root.Number, empty, OpenFile.CurrentDirectory, proc, FromEmptyPath);
        program.Call("enter the root file system", SyscallNumber.Fchdir, root.Number);
        // A machine that runs from its initial file system cannot do this; then the host's mounts stay beside the tree for as long as it lives.
        var assembled = program.NewLabel();
        program.Call("pivot_root", SyscallNumber.PivotRoot, here, here).Tolerate(Errno.EINVAL).OnError(assembled);
        program.Call("unmount the old root", SyscallNumber.Umount2, here, Detach);
        program.Mark(assembled);
        for (int i = 0; i < mounts.Count; i++)
        {
            var next = program.NewLabel();
            string relative = mounts[i].Target.TrimStart('/');
            program.Call($"open {mounts[i].Target}", SyscallNumber.Openat2, root.Number, program.Text(relative.Length == 0 ? "." : relative), (byte*)how, sizeof(DirectoryFd.OpenHow))
                .Into(places[i]).Tolerate(Errno.ENOENT, Errno.ENOTDIR).OnError(next);
            program.Call($"mount at {mounts[i].Target}", SyscallNumber.MoveMount, mounts[i].Source.Number, empty, places[i], empty, FromEmptyPath | ToEmptyPath);
            program.Mark(next);
        }
        program.Call("exit", SyscallNumber.Exit, 0);
        try
        {
            using (var child = ChildProcess.Start(program, new ChildOptions { Namespaces = CloneFlags.NewMount | CloneFlags.SharedFiles })) child.Wait();
            return new MountTree(DirectoryFd.Open(root), new Fd((int)space.Value));
        }
        catch
        {
            Close(space);
            throw;
        }
        finally
        {
            foreach (var place in places) Close(place);
            GC.KeepAlive(root);
            GC.KeepAlive(mounts);
        }
    }

    private static void Close(ChildProgram.Slot slot)
    {
        if (slot.Value >= 0) Syscall.Call(SyscallNumber.Close, slot.Value);
    }

    public void Dispose()
    {
        Root.Dispose();
        space.Dispose();
    }
}
