using System.Diagnostics;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Cgroups;

/// <summary>A group in the v1 hierarchies, and in the unified one where that is mounted beside them.</summary>
internal sealed partial class LegacyCgroup(string path, CgroupDirectory[] directories) : Cgroup(path, directories)
{
    private readonly CgroupDirectory? memory = Find(directories, "memory"), cpu = Find(directories, "cpu"), cpuacct = Find(directories, "cpuacct"),
        cpuset = Find(directories, "cpuset"), pids = Find(directories, "pids"), blkio = Find(directories, "blkio"),
        devices = Find(directories, "devices"), freezer = Find(directories, "freezer"), unified = FindUnified(directories);

    protected override CgroupDirectory ProcessDirectory => pids ?? freezer ?? Directories[0];

    protected override CgroupDirectory? KillDirectory => unified;

    private static CgroupDirectory? Find(CgroupDirectory[] directories, string controller)
    {
        foreach (var directory in directories)
            if (!directory.Hierarchy.Unified && directory.Hierarchy.Has(controller)) return directory;
        return null;
    }

    private static CgroupDirectory? FindUnified(CgroupDirectory[] directories)
    {
        foreach (var directory in directories)
            if (directory.Hierarchy.Unified) return directory;
        return null;
    }

    public override CgroupEntry OpenEntry()
    {
        var files = new List<Fd>(Directories.Length);
        Fd? directory = null;
        try
        {
            foreach (var d in Directories)
                if (!d.Hierarchy.Unified && !d.Hierarchy.Has("memory")) files.Add(d.Open("cgroup.procs"u8, ControlFile.WriteOnly));
            if (memory is { } last) files.Add(last.Open("cgroup.procs"u8, ControlFile.WriteOnly));
            directory = unified?.Open(default, ControlFile.ReadOnly | ControlFile.DirectoryOnly);
            return new CgroupEntry(files, directory, unified?.Open("cgroup.procs"u8, ControlFile.WriteOnly));
        }
        catch
        {
            foreach (var file in files) file.Dispose();
            directory?.Dispose();
            throw;
        }
    }

    public override async Task FreezeAsync(CancellationToken cancellation)
    {
        if (freezer is not { } group)
        {
            await UnifiedCgroup.FreezeAsync(unified ?? throw new KernelException("freeze cgroup " + Path + ": no freezer controller is mounted", Errno.EOPNOTSUPP), FreezeLimit, cancellation)
                .ConfigureAwait(false);
            return;
        }
        group.Write("freezer.state"u8, "FROZEN");
        long start = Stopwatch.GetTimestamp();
        for (int round = 0; !IsFrozen(group); round++)
        {
            if (Stopwatch.GetElapsedTime(start) > FreezeLimit)
            {
                Thaw();
                throw new KernelException("freeze cgroup " + Path, Errno.ETIMEDOUT);
            }
            // A process that was forked while the state was being set can leave the group FREEZING for ever: writing again takes it in
            // (kernel: Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst). A short thaw lets one go on that waits for another.
            await WaitAsync(round, cancellation).ConfigureAwait(false);
            if (round % 16 == 15) group.TryWrite("freezer.state"u8, "THAWED"u8);
            group.TryWrite("freezer.state"u8, "FROZEN"u8);
        }
    }

    private static bool IsFrozen(CgroupDirectory group)
    {
        Span<byte> state = stackalloc byte[32];
        int length = group.Read("freezer.state"u8, state);
        Syscall.Check(length, $"read {group.FullPath}/freezer.state");
        return state[..length].StartsWith("FROZEN"u8);
    }

    public override void Thaw()
    {
        if (freezer is { } group) group.TryWrite("freezer.state"u8, "THAWED"u8);
        else unified?.TryWrite("cgroup.freeze"u8, "0"u8);
    }

    public override OutOfMemoryWatch WatchOutOfMemory() =>
        OutOfMemoryWatch.Legacy(memory ?? throw new KernelException($"watch the memory of cgroup {Path}: no memory controller is mounted", Errno.EOPNOTSUPP));

    public override long ReadOutOfMemoryKills() => memory is { } group ? OutOfMemoryWatch.ReadState(group).Kills : 0;
}
