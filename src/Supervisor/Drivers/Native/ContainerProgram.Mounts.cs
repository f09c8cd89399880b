using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Native;

internal static unsafe partial class ContainerProgram
{
    private const int ResolveInRoot = 0x10, ResolveNoMagicLinks = 0x02, ResolveNoXdev = 0x01, ResolveNoSymlinks = 0x04, ResolveBeneath = 0x08;
    private const int FromEmptyPath = 0x4, ToEmptyPath = 0x40, EmptyPath = 0x1000, CloneTree = 1, RecursiveTree = 0x8000;
    private const long MsRecursive = 1 << 14, MsPrivate = 1 << 18;
    private static readonly int PathDirectory = OpenFile.Native(OpenFlags.PathOnly | OpenFlags.CloseOnExec | OpenFlags.Directory);
    private static readonly int PathOnly = OpenFile.Native(OpenFlags.PathOnly | OpenFlags.CloseOnExec);

    /// <summary><c>struct open_how</c> of openat2(2).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        public ulong Flags, Mode, Resolve;
    }

    private static byte* How(this ChildProgram program, int flags, int resolve) =>
        (byte*)program.Structure(new OpenHow { Flags = (ulong)flags, Resolve = (ulong)resolve });

    /// <summary>Opens a path below the root as a descriptor without access. <paramref name="path"/> is the container's, absolute.</summary>
    private static ChildProgram.Step OpenInRoot(this ChildProgram program, Fd root, string path, int flags, ChildProgram.Slot into)
    {
        string relative = path.TrimStart('/');
        return program.Call($"open {path} in the container", SyscallNumber.Openat2, root.Number, program.Text(relative.Length == 0 ? "." : relative),
            program.How(flags, ResolveInRoot | ResolveNoMagicLinks), sizeof(OpenHow)).Into(into);
    }

    private static void PlaceRoot(this ChildProgram program, ProgramInput input)
    {
        byte* none = program.Text("");
        program.Call("make mounts private", SyscallNumber.Mount, 0, program.Text("/"), 0, (nint)(MsRecursive | MsPrivate), 0);
        // A user namespace's root may not be let into our directories; / is open to all.
        string staging = input.InUserNamespace ? "/" : input.StagingDirectory;
        program.Call("attach the root file system", SyscallNumber.MoveMount, input.Root.Number, none, OpenFile.CurrentDirectory, program.Text(staging), FromEmptyPath);
    }

    /// <summary>Adds the spec's mounts. Returns the slot that holds the new proc mount, if there is one.</summary>
    /// <remarks>
    /// In the order of the spec, but for proc, sysfs and cgroups: they come after what is not meant to lie in them. Were a link in a shared volume changed
    /// meanwhile to lead into one of them, nothing of it would be there yet, and what was mounted would be covered (CVE-2019-19921, CVE-2023-27561).
    /// </remarks>
    private static ChildProgram.Slot? AddMounts(this ChildProgram program, ProgramInput input)
    {
        ChildProgram.Slot? proc = null;
        var mounts = input.Spec.Mounts;
        foreach (int i in Enumerable.Range(0, mounts.Count).OrderBy(i => Turn(mounts[i])))
        {
            var mount = mounts[i];
            var options = MountOptions.Parse(mount.Options);
            if (input.BindSources.TryGetValue(i, out var source)) program.AddBind(input, mount, source);
            else if (options.Bind) throw new ArgumentException($"mount {mount.Destination}: its source was not opened");
            else if (mount.Type == "proc") proc = program.AddProc(input, mount, options);
            else if (mount.Type is "cgroup" or "cgroup2") program.AddCgroups(input, mount, options);
            else program.AddFileSystem(input, mount, options);
        }
        return proc;
    }

    private static int Turn(MountSpec mount) => mount switch
    {
        { Type: "proc" or "sysfs" or "cgroup" or "cgroup2" } => 1,
        { Destination: var path } when IsKernels(path) => 2,
        _ => 0,
    };

    private static bool IsKernels(string path) => path.StartsWith("/proc/", StringComparison.Ordinal) || path.StartsWith("/sys/", StringComparison.Ordinal);

    /// <summary>A mount whose source is a detached mount with its attributes already set.</summary>
    private static void AddBind(this ChildProgram program, ProgramInput input, MountSpec mount, Fd source)
    {
        bool directory = mount.Type != "file";
        string step = MountFailure.Step(mount);
        var target = program.MountPoint(input.Root, mount.Destination, directory, step: step);
        program.Call(step, SyscallNumber.MoveMount, source.Number, program.Text(""), target, program.Text(""), FromEmptyPath | ToEmptyPath);
    }

    /// <summary>A new file system of any type that mount(2) knows: tmpfs, devpts, sysfs, mqueue, ….</summary>
    private static void AddFileSystem(this ChildProgram program, ProgramInput input, MountSpec mount, MountOptions options)
    {
        var target = program.MountPoint(input.Root, mount.Destination, directory: true, ordinary: mount.Type == "sysfs");
        program.Call($"enter {mount.Destination}", SyscallNumber.Fchdir, target);
        program.Call($"mount {mount.Type} at {mount.Destination}", SyscallNumber.Mount, program.Text(mount.Source ?? mount.Type ?? "none"), program.Text("."),
            program.Text(mount.Type ?? "none"), (nint)options.MountFlags, options.Data.Length == 0 ? (ChildProgram.Argument)0 : program.Text(options.Data));
        program.SetPropagation(input, mount, options);
    }

    private static void SetPropagation(this ChildProgram program, ProgramInput input, MountSpec mount, MountOptions options)
    {
        if (options.Propagation is 0 or MountPropagation.Private) return;
        var mounted = program.NewSlot();
        program.OpenInRoot(input.Root, mount.Destination, PathOnly, mounted);
        var attributes = program.Structure(new DetachedMount.MountAttr { Propagation = (ulong)options.Propagation });
        program.Call($"set the propagation of {mount.Destination}", SyscallNumber.MountSetattr, mounted, program.Text(""),
            EmptyPath | (options.PropagationRecursive ? RecursiveTree : 0), (byte*)attributes, sizeof(DetachedMount.MountAttr));
    }

    /// <summary>proc is made by descriptor: later writes below it go through that descriptor and cannot be led elsewhere (CVE-2019-16884, CVE-2025-52881).</summary>
    private static ChildProgram.Slot AddProc(this ChildProgram program, ProgramInput input, MountSpec mount, MountOptions options)
    {
        var proc = program.NewProc(options);
        var target = program.MountPoint(input.Root, mount.Destination, directory: true, ordinary: true);
        program.Call($"mount proc at {mount.Destination}", SyscallNumber.MoveMount, proc, program.Text(""), target, program.Text(""), FromEmptyPath | ToEmptyPath);
        return proc;
    }

    private static ChildProgram.Slot NewProc(this ChildProgram program, MountOptions options)
    {
        const int setFlag = 0, setString = 1, create = 6, closeOnExec = 1;
        var context = program.NewSlot();
        var proc = program.NewSlot();
        program.Call("open the proc file system", SyscallNumber.Fsopen, program.Text("proc"), closeOnExec).Into(context);
        program.Call("name the proc file system", SyscallNumber.Fsconfig, context, setString, program.Text("source"), program.Text("proc"), 0);
        foreach (string option in options.DataOptions)
        {
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) program.Call($"set option {option} of proc", SyscallNumber.Fsconfig, context, setFlag, program.Text(option), 0, 0);
            else program.Call($"set option {option} of proc", SyscallNumber.Fsconfig, context, setString, program.Text(option[..equals]), program.Text(option[(equals + 1)..]), 0);
        }
        program.Call("create the proc file system", SyscallNumber.Fsconfig, context, create, 0, 0, 0);
        program.Call("mount proc", SyscallNumber.Fsmount, context, closeOnExec, (nint)options.Set).Into(proc);
        return proc;
    }

    /// <summary>cgroup v2 is one file system. v1 is a tmpfs with the container's own group of every hierarchy bound below it, read-only.</summary>
    private static void AddCgroups(this ChildProgram program, ProgramInput input, MountSpec mount, MountOptions options)
    {
        bool privateNamespace = input.Spec.Linux.Namespaces.Any(n => n.Type == "cgroup");
        if (input.CgroupUnified)
        {
            if (privateNamespace)
            {
                program.AddFileSystem(input, mount with { Type = "cgroup2", Source = "cgroup" }, options);
                return;
            }
            program.BindCgroup(input, input.CgroupViews[0].HostPath, mount.Destination, options.Set);
            return;
        }
        var tmpfs = mount with { Type = "tmpfs", Source = "tmpfs", Options = ["nosuid", "noexec", "nodev", "mode=755"] };
        program.AddFileSystem(input, tmpfs, MountOptions.Parse(tmpfs.Options));
        foreach (var view in input.CgroupViews)
        {
            program.BindCgroup(input, view.HostPath, $"{mount.Destination}/{view.Name}", options.Set);
            foreach (string alias in view.Aliases)
            {
                var directory = program.NewSlot();
                program.OpenInRoot(input.Root, mount.Destination, PathDirectory, directory);
                program.Call($"link cgroup {alias}", SyscallNumber.Symlinkat, program.Text(view.Name), directory, program.Text(alias)).Tolerate(Errno.EEXIST);
            }
        }
        if (!options.Set.HasFlag(MountAttributes.ReadOnly)) return;
        var mounted = program.NewSlot();
        program.OpenInRoot(input.Root, mount.Destination, PathDirectory, mounted);
        program.SetMountAttributes(mounted, MountAttributes.ReadOnly, recursive: false, $"make {mount.Destination} read-only");
    }

    private static void BindCgroup(this ChildProgram program, ProgramInput input, string hostPath, string destination, MountAttributes attributes)
    {
        var tree = program.NewSlot();
        program.Call($"open the cgroup {hostPath}", SyscallNumber.OpenTree, OpenFile.CurrentDirectory, program.Text(hostPath), CloneTree | (int)OpenFlags.CloseOnExec).Into(tree);
        program.SetMountAttributes(tree, attributes, recursive: false, $"set the attributes of {destination}");
        var target = program.MountPoint(input.Root, destination, directory: true);
        program.Call($"mount the cgroup at {destination}", SyscallNumber.MoveMount, tree, program.Text(""), target, program.Text(""), FromEmptyPath | ToEmptyPath);
    }

    private static void SetMountAttributes(this ChildProgram program, ChildProgram.Argument mount, MountAttributes set, bool recursive, string step)
    {
        var attributes = program.Structure(new DetachedMount.MountAttr { Set = (ulong)set });
        program.Call(step, SyscallNumber.MountSetattr, mount, program.Text(""), EmptyPath | (recursive ? RecursiveTree : 0), (byte*)attributes, sizeof(DetachedMount.MountAttr));
    }

    /// <summary>Opens a mount point, and makes it and its parents when it is missing.</summary>
    /// <param name="ordinary">No link may lead to it: /proc and /sys of an image must be what they seem (CVE-2023-27561).</param>
    /// <param name="step">What to call the opening in an error.</param>
    private static ChildProgram.Slot MountPoint(this ChildProgram program, Fd root, string path, bool directory, bool ordinary = false, string? step = null)
    {
        var target = program.NewSlot();
        var found = program.NewLabel();
        int flags = directory ? PathDirectory : PathOnly;
        step ??= ordinary ? $"open {path} in the container, which must not be a link" : $"open {path} in the container";
        ChildProgram.Step Open() => program.Call(step, SyscallNumber.Openat2, root.Number, program.Text(path.TrimStart('/') is { Length: > 0 } relative ? relative : "."),
            program.How(flags, ResolveInRoot | ResolveNoMagicLinks | (ordinary ? ResolveNoSymlinks : 0)), sizeof(OpenHow)).Into(target);

        Open().Tolerate(Errno.ENOENT).OnSuccess(found);
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        string parent = "/";
        for (int i = 0; i < parts.Length; i++)
        {
            var within = program.NewSlot();
            program.OpenInRoot(root, parent, PathDirectory, within);
            bool last = i == parts.Length - 1;
            if (last && !directory) program.Call($"create {path} in the container", SyscallNumber.Mknodat, within, program.Text(parts[i]), 0x8000 | 0x1ED, 0).Tolerate(Errno.EEXIST);
            else program.Call($"create {path} in the container", SyscallNumber.Mkdirat, within, program.Text(parts[i]), 0x1ED).Tolerate(Errno.EEXIST);
            parent = parent.Length == 1 ? "/" + parts[i] : $"{parent}/{parts[i]}";
        }
        Open();
        program.Mark(found);
        return target;
    }

    /// <summary>A working directory that is missing is made, root's. What prevents it is told by chdir.</summary>
    private static void MakeWorkingDirectory(this ChildProgram program, Fd root, string path)
    {
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0 || parts.Contains("..")) return;
        var found = program.NewLabel();
        program.OpenInRoot(root, path, PathOnly, program.NewSlot()).TolerateAll().OnSuccess(found);
        string parent = "/";
        foreach (string part in parts)
        {
            var within = program.NewSlot();
            program.OpenInRoot(root, parent, PathDirectory, within).TolerateAll();
            program.Call($"create {path} in the container", SyscallNumber.Mkdirat, within, program.Text(part), 0x1ED).TolerateAll();
            parent = parent.Length == 1 ? "/" + part : $"{parent}/{part}";
        }
        program.Mark(found);
    }

    /// <summary>Covers masked paths and makes read-only ones so. Missing ones are no error.</summary>
    private static void HidePaths(this ChildProgram program, ProgramInput input)
    {
        foreach (string path in input.Spec.Linux.ReadonlyPaths ?? [])
        {
            var at = program.NewSlot();
            var tree = program.NewSlot();
            var skip = program.NewLabel();
            program.OpenInRoot(input.Root, path, PathOnly, at).Tolerate(Errno.ENOENT, Errno.ENOTDIR).OnError(skip);
            program.Call($"bind {path}", SyscallNumber.OpenTree, at, program.Text(""), CloneTree | EmptyPath | RecursiveTree | (int)OpenFlags.CloseOnExec).Into(tree);
            program.SetMountAttributes(tree, MountAttributes.ReadOnly, recursive: false, $"make {path} read-only");
            program.Call($"cover {path}", SyscallNumber.MoveMount, tree, program.Text(""), at, program.Text(""), FromEmptyPath | ToEmptyPath);
            program.Mark(skip);
        }
        foreach (string path in input.Spec.Linux.MaskedPaths ?? []) program.Mask(input.Root, path);
    }

    private static void Mask(this ChildProgram program, Fd root, string path)
    {
        var at = program.NewSlot();
        var file = program.NewLabel();
        var done = program.NewLabel();
        program.OpenInRoot(root, path, PathDirectory, at).Tolerate(Errno.ENOENT, Errno.ENOTDIR).OnError(file);
        program.Call($"enter {path}", SyscallNumber.Fchdir, at);
        program.Call($"mask {path}", SyscallNumber.Mount, program.Text("tmpfs"), program.Text("."), program.Text("tmpfs"), 1 /* MS_RDONLY */, program.Text("nr_blocks=1,nr_inodes=1")).OnSuccess(done);
        program.Mark(file);
        var tree = program.NewSlot();
        program.OpenInRoot(root, path, PathOnly, at).Tolerate(Errno.ENOENT, Errno.ENOTDIR).OnError(done);
        // The host's own node, by the path that it has before the root is changed: a container's /dev/null could have been replaced (CVE-2025-31133).
        // Read-only, which a device does not mind: else the container's root could change the mode and owner of the host's node.
        program.Call("bind the host's /dev/null", SyscallNumber.OpenTree, OpenFile.CurrentDirectory, program.Text("/dev/null"), CloneTree | (int)OpenFlags.CloseOnExec).Into(tree);
        program.SetMountAttributes(tree, MountAttributes.ReadOnly | MountAttributes.NoSuid | MountAttributes.NoExec, recursive: false, "make the host's /dev/null read-only");
        program.Call($"mask {path}", SyscallNumber.MoveMount, tree, program.Text(""), at, program.Text(""), FromEmptyPath | ToEmptyPath);
        program.Mark(done);
    }

    private static void WriteSysctls(this ChildProgram program, RuntimeSpec spec, ChildProgram.Slot? proc)
    {
        if (spec.Linux.Sysctl is not { Count: > 0 } values) return;
        var mounted = proc ?? program.NewProc(MountOptions.Parse([]));   // /proc may be one that the user has brought
        foreach (var (name, value) in values)
        {
            string path = "sys/" + SystemControlPath.Of(name);
            var file = program.NewSlot();
            program.Call($"open sysctl {name}", SyscallNumber.Openat2, mounted, program.Text(path),
                program.How((int)(OpenFlags.WriteOnly | OpenFlags.CloseOnExec), ResolveBeneath | ResolveNoXdev | ResolveNoMagicLinks), sizeof(OpenHow)).Into(file);
            program.Call($"set sysctl {name} to {value}", SyscallNumber.Write, file, program.Text(value), System.Text.Encoding.UTF8.GetByteCount(value));
        }
    }

    private static void SealRoot(this ChildProgram program, ProgramInput input)
    {
        if (input.Spec.Root?.Readonly == true) program.SetMountAttributes(input.Root.Number, MountAttributes.ReadOnly, recursive: false, "make the root file system read-only");
    }

    /// <summary>The old root is stacked below the new one and taken away from under it: no directory for it is needed (pivot_root(2), NOTES).</summary>
    private static void MoveIntoRoot(this ChildProgram program, ProgramInput input)
    {
        const int detach = 2;
        byte* here = program.Text(".");
        program.Call("enter the root file system", SyscallNumber.Fchdir, input.Root.Number);
        program.Call("pivot_root", SyscallNumber.PivotRoot, here, here);
        program.Call("detach the host's file systems", SyscallNumber.Umount2, here, detach);
        program.Call("enter /", SyscallNumber.Chdir, program.Text("/"));
        MountPropagation propagation = input.Spec.Linux.RootfsPropagation switch
        {
            "shared" or "rshared" => MountPropagation.Shared,
            "slave" or "rslave" => MountPropagation.Slave,
            "unbindable" or "runbindable" => MountPropagation.Unbindable,
            _ => 0,
        };
        if (propagation == 0) return;
        long recursive = input.Spec.Linux.RootfsPropagation!.StartsWith('r') ? MsRecursive : 0;
        program.Call("set the root's propagation", SyscallNumber.Mount, 0, program.Text("/"), 0, (nint)((long)propagation | recursive), 0);
    }
}
