using System.Collections.Concurrent;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Cgroups;

/// <summary>Makes groups by making directories in the cgroup file systems. Holds one descriptor for each hierarchy's root; groups are reached from there.</summary>
public sealed class CgroupfsDriver : ICgroupDriver
{
    /// <summary>What groups of containers are given on v2, where a controller must be handed down from parent to child.</summary>
    private static readonly string[] HandedDown = ["cpuset", "cpu", "io", "memory", "pids", "hugetlb"];

    private readonly Fd[] roots;
    private readonly Lazy<CgroupFeatures> features;

    /// <summary>Parents known to be there and in order; the value says whether the cpuset hierarchy copies a parent's CPUs to its children by itself.</summary>
    private readonly ConcurrentDictionary<string, bool> parents = new(StringComparer.Ordinal);

    public CgroupfsDriver(CgroupLayout layout)
    {
        Layout = layout;
        roots = new Fd[layout.Hierarchies.Count];
        try
        {
            for (int i = 0; i < roots.Length; i++) roots[i] = OpenRoot(layout.Hierarchies[i].MountPoint);
        }
        catch
        {
            Dispose();
            throw;
        }
        features = new Lazy<CgroupFeatures>(ProbeFeatures);
    }

    public CgroupLayout Layout { get; }

    public CgroupFeatures Features => features.Value;

    private static unsafe Fd OpenRoot(string mountPoint)
    {
        fixed (byte* path = System.Text.Encoding.UTF8.GetBytes(mountPoint + "\0"))
        {
            nint fd = Syscall.Call(SyscallNumber.Openat, -100, (nint)path, ControlFile.PathOnly | ControlFile.DirectoryOnly | ControlFile.CloseOnExec, 0);
            return new Fd((int)Syscall.Check(fd, "open " + mountPoint));
        }
    }

    public ICgroup Open(string path) => Make(Clean(path), Directories(Clean(path)));

    public ICgroup Create(string path)
    {
        path = Clean(path);
        string parent = path[..path.LastIndexOf('/')];
        bool copies = parents.TryGetValue(parent, out bool known) ? known : PrepareParent(parent);
        var directories = Directories(path);
        for (int i = 0; i < directories.Length; i++)
        {
            int result = directories[i].Create();
            if (result == -(int)Errno.ENOENT)
            {
                // Somebody has removed the parent since.
                copies = PrepareParent(parent);
                result = directories[i].Create();
            }
            if (result == -(int)Errno.EEXIST)
            {
                if (!directories[i].TryRemoveTree()) throw new KernelException($"create cgroup {path}: processes are in {directories[i].FullPath}", Errno.EBUSY);
                result = directories[i].Create();
            }
            if (result < 0)
            {
                for (int made = 0; made < i; made++) directories[made].TryRemoveTree();
                throw new KernelException("create " + directories[i].FullPath, (Errno)(-result));
            }
            if (!copies && IsLegacyCpuset(directories[i])) CopyCpuset(Directories(parent)[i], directories[i]);
        }
        return Make(path, directories);
    }

    public ICgroup Adopt(string path)
    {
        path = Clean(path);
        var directories = Directories(path);
        if (Layout.Kind == CgroupKind.Unified) return Make(path, directories);
        string parent = path[..path.LastIndexOf('/')];
        bool copies = PrepareParent(parent);
        for (int i = 0; i < directories.Length; i++)
        {
            int result = directories[i].Create();
            if (result < 0 && result != -(int)Errno.EEXIST) throw new KernelException("create " + directories[i].FullPath, (Errno)(-result));
            if (!copies && IsLegacyCpuset(directories[i])) CopyCpuset(Directories(parent)[i], directories[i]);
        }
        return Make(path, directories);
    }

    private ICgroup Make(string path, CgroupDirectory[] directories) =>
        Layout.Kind == CgroupKind.Unified ? new UnifiedCgroup(path, directories[0]) : new LegacyCgroup(path, directories);

    private CgroupDirectory[] Directories(string path)
    {
        var directories = new CgroupDirectory[roots.Length];
        for (int i = 0; i < roots.Length; i++) directories[i] = new CgroupDirectory(Layout.Hierarchies[i], roots[i], path.Length == 0 ? "/" : path);
        return directories;
    }

    /// <summary>Makes what is missing on the way to a parent, and sets it up to have children. Returns whether a cpuset child copies its parent by itself.</summary>
    /// <remarks>On v2 a unit of systemd that has been handed over, and the slices above it, are systemd's to make, and what is above it systemd's to set up.</remarks>
    private bool PrepareParent(string parent)
    {
        string[] names = parent.Split('/', StringSplitOptions.RemoveEmptyEntries);
        int unit = Layout.Kind == CgroupKind.Unified ? Array.FindIndex(names, IsUnit) : -1;
        bool copies = true;
        string path = "";
        var above = Directories(path);
        if (unit < 0) HandDown(above);
        for (int depth = 0; depth < names.Length; depth++)
        {
            path += "/" + names[depth];
            var level = Directories(path);
            for (int i = 0; i < level.Length && depth > unit; i++)
            {
                int result = level[i].Create();
                if (result < 0 && result != -(int)Errno.EEXIST) throw new KernelException("create " + level[i].FullPath, (Errno)(-result));
                if (!IsLegacyCpuset(level[i])) continue;
                CopyCpuset(above[i], level[i]);   // also when it is there: whoever made it may have died over it
                if (result == 0) level[i].TryWrite("cgroup.clone_children"u8, "1"u8);
                copies = level[i].ReadNumber("cgroup.clone_children"u8) == 1;
            }
            if (depth >= unit) HandDown(level);
            above = level;
        }
        if (parent.Length == 0) copies = false;
        if (unit < 0) parents[parent] = copies;   // a unit may end and be made again
        return copies;
    }

    private static bool IsUnit(string name) => name.EndsWith(".scope", StringComparison.Ordinal) || name.EndsWith(".service", StringComparison.Ordinal);

    private static bool IsLegacyCpuset(CgroupDirectory directory) => !directory.Hierarchy.Unified && directory.Hierarchy.Has("cpuset");

    /// <summary>A new v1 cpuset has no CPUs and no memory nodes, and takes no process until it has.</summary>
    private static void CopyCpuset(CgroupDirectory from, CgroupDirectory to)
    {
        Span<byte> value = stackalloc byte[4096];
        foreach (bool cpus in (ReadOnlySpan<bool>)[true, false])
        {
            var file = cpus ? "cpuset.cpus"u8 : "cpuset.mems"u8;
            int length = to.Read(file, value);
            if (length > 0 && !value[..length].Trim("\n\0"u8).IsEmpty) continue;
            length = from.Read(file, value);
            if (length > 0) to.Write(file, ControlFile.Text(value[..length].Trim("\n\0"u8)));
        }
    }

    /// <summary>
    /// Lets the children of a v2 group have its controllers. Only where v2 is all there is: a group that hands controllers down can hold no process of
    /// its own, and beside v1 nothing is limited by them.
    /// </summary>
    private void HandDown(CgroupDirectory[] level)
    {
        if (Layout.Kind != CgroupKind.Unified) return;
        Span<byte> text = stackalloc byte[512];
        foreach (var directory in level)
        {
            int length = directory.Read("cgroup.controllers"u8, text);
            string[] usable = length > 0 ? ControlFile.Text(text[..length]).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries) : [];
            length = directory.Read("cgroup.subtree_control"u8, text);
            string[] given = length > 0 ? ControlFile.Text(text[..length]).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries) : [];
            string[] missing = [.. HandedDown.Intersect(usable).Except(given)];
            if (missing.Length == 0) continue;
            // One refused controller (a cpuset with real-time tasks, a group that holds processes) must not keep the others back.
            if (directory.TryWrite("cgroup.subtree_control"u8, System.Text.Encoding.ASCII.GetBytes("+" + string.Join(" +", missing))) == 0) continue;
            foreach (string controller in missing) directory.TryWrite("cgroup.subtree_control"u8, System.Text.Encoding.ASCII.GetBytes("+" + controller));
        }
    }

    private CgroupFeatures ProbeFeatures()
    {
        var probes = Directories("");
        return Layout.Kind == CgroupKind.Unified ? FeatureProbe.Unified(probes[0]) : FeatureProbe.Legacy(probes);
    }

    /// <exception cref="ArgumentException">Not an absolute path of at least one name, or one that climbs.</exception>
    private static string Clean(string path)
    {
        string[] names = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (!path.StartsWith('/') || names.Length == 0 || names.Any(n => n is "." or "..") || path.Contains('\0'))
            throw new ArgumentException($"\"{path}\" is not a path of a cgroup", nameof(path));
        return "/" + string.Join('/', names);
    }

    public void Dispose()
    {
        foreach (var root in roots) root?.Dispose();
    }
}
