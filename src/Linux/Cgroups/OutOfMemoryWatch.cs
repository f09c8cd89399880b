using System.Globalization;
using System.Text;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Cgroups;

/// <summary>A descriptor that becomes readable when the out-of-memory killer may have been at work in a group, and the count that tells whether it was.</summary>
/// <remarks>
/// It also becomes readable when the group is removed. Wait for <see cref="Signal"/> with poll or epoll, then <see cref="Read"/>, which makes it
/// unreadable again.
/// </remarks>
public sealed class OutOfMemoryWatch : IDisposable
{
    private const int CloseOnExec = 0x80000, NonBlocking = 0x800;
    private readonly CgroupDirectory group;

    private OutOfMemoryWatch(CgroupDirectory group, Fd signal)
    {
        this.group = group;
        Signal = signal;
    }

    public Fd Signal { get; }

    /// <summary>v1: an eventfd that the memory controller signals (kernel: <c>cgroup-v1/memory.rst</c>, "OOM Control").</summary>
    internal static OutOfMemoryWatch Legacy(CgroupDirectory group)
    {
        var signal = new Fd((int)Syscall.Check(Syscall.Call(SyscallNumber.Eventfd2, 0, CloseOnExec | NonBlocking), "eventfd2"));
        try
        {
            using var control = group.Open("memory.oom_control"u8, ControlFile.ReadOnly);
            group.Write("cgroup.event_control"u8, string.Create(CultureInfo.InvariantCulture, $"{signal.Number} {control.Number}"));
            return new OutOfMemoryWatch(group, signal);
        }
        catch
        {
            signal.Dispose();
            throw;
        }
    }

    /// <summary>v2: changes of <c>memory.events</c>, told by inotify (kernel: <c>cgroup-v2.rst</c>, "Memory Interface Files").</summary>
    internal static unsafe OutOfMemoryWatch Unified(CgroupDirectory group)
    {
        const int Modified = 2;
        var signal = new Fd((int)Syscall.Check(Syscall.Call(SyscallNumber.InotifyInit1, CloseOnExec | NonBlocking), "inotify_init1"));
        string file = group.FullPath + "/memory.events";
        nint result;
        fixed (byte* path = Encoding.UTF8.GetBytes(file + "\0")) result = Syscall.Call(SyscallNumber.InotifyAddWatch, signal.Number, (nint)path, Modified);
        if (result >= 0) return new OutOfMemoryWatch(group, signal);
        signal.Dispose();
        throw new KernelException("watch " + file, (Errno)(int)-result);
    }

    /// <summary>Takes the signal back and reads how it stands.</summary>
    /// <returns>0 and false when the group is gone.</returns>
    public unsafe OutOfMemoryState Read()
    {
        Span<byte> drained = stackalloc byte[4096];
        fixed (byte* p = drained)
        {
            while (Syscall.CallRestarting(SyscallNumber.Read, Signal.Number, (nint)p, drained.Length) == drained.Length)
            {
                // An inotify queue can hold more than one buffer; an eventfd never does.
            }
        }
        return ReadState(group);
    }

    internal static OutOfMemoryState ReadState(CgroupDirectory group)
    {
        Span<byte> text = stackalloc byte[512];
        int length = group.Read(group.Hierarchy.Unified ? "memory.events"u8 : "memory.oom_control"u8, text);
        if (length <= 0) return default;
        return new OutOfMemoryState(ControlFile.Value(text[..length], "under_oom"u8) != 0, (long)ControlFile.Value(text[..length], "oom_kill"u8));
    }

    public void Dispose() => Signal.Dispose();
}

/// <param name="UnderOom">Processes wait for memory now (v1, with the killer switched off).</param>
/// <param name="Kills">Processes that the killer has ended in this group since it was made.</param>
public readonly record struct OutOfMemoryState(bool UnderOom, long Kills);
