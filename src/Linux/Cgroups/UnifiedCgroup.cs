using System.Diagnostics;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Cgroups;

/// <summary>A group in the unified hierarchy alone (kernel: <c>Documentation/admin-guide/cgroup-v2.rst</c>).</summary>
internal sealed partial class UnifiedCgroup(string path, CgroupDirectory directory) : Cgroup(path, [directory])
{
    private readonly CgroupDirectory group = directory;

    protected override CgroupDirectory ProcessDirectory => group;

    protected override CgroupDirectory? KillDirectory => group;

    public override CgroupEntry OpenEntry()
    {
        var opened = group.Open(default, ControlFile.ReadOnly | ControlFile.DirectoryOnly);
        try
        {
            return new CgroupEntry([], opened, group.Open("cgroup.procs"u8, ControlFile.WriteOnly));
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    public override Task FreezeAsync(CancellationToken cancellation) => FreezeAsync(group, FreezeLimit, cancellation);

    /// <summary>Freezes and waits for the kernel's word in <c>cgroup.events</c>, whose change wakes a poll.</summary>
    internal static async Task FreezeAsync(CgroupDirectory group, TimeSpan limit, CancellationToken cancellation)
    {
        using var events = group.Open("cgroup.events"u8, ControlFile.ReadOnly);
        group.Write("cgroup.freeze"u8, "1");
        long start = Stopwatch.GetTimestamp();
        while (!IsFrozen(group))
        {
            if (Stopwatch.GetElapsedTime(start) > limit)
            {
                group.TryWrite("cgroup.freeze"u8, "0"u8);
                throw new KernelException("freeze cgroup " + group.FullPath, Errno.ETIMEDOUT);
            }
            cancellation.ThrowIfCancellationRequested();
            await Task.Run(() => WaitForChange(events, milliseconds: 50), cancellation).ConfigureAwait(false);
        }
    }

    private static bool IsFrozen(CgroupDirectory group)
    {
        Span<byte> text = stackalloc byte[256];
        int length = group.Read("cgroup.events"u8, text);
        Syscall.Check(length, $"read {group.FullPath}/cgroup.events");
        return ControlFile.Value(text[..length], "frozen"u8) == 1;
    }

    private static unsafe void WaitForChange(Fd events, int milliseconds)
    {
        const long PollPriority = 2;
        long poll = (uint)events.Number | PollPriority << 32;   // struct pollfd { int fd; short events, revents; }
        long* limit = stackalloc long[2];
        limit[0] = 0;
        limit[1] = milliseconds * 1_000_000L;
        Syscall.Call(SyscallNumber.Ppoll, (nint)(&poll), 1, (nint)limit, 0, 0);
    }

    public override void Thaw() => group.TryWrite("cgroup.freeze"u8, "0"u8);

    public override OutOfMemoryWatch WatchOutOfMemory() => OutOfMemoryWatch.Unified(group);

    public override long ReadOutOfMemoryKills() => OutOfMemoryWatch.ReadState(group).Kills;
}
