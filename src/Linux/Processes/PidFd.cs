using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Processes;

/// <summary>A process, held by a descriptor: its number cannot be reused behind our back (pidfd_open(2)).</summary>
public sealed class PidFd(int fd, int pid) : Fd(fd)
{
    public int Pid { get; } = pid;

    /// <exception cref="KernelException"><see cref="Errno.ESRCH"/>: no such process.</exception>
    public static PidFd Open(int pid) =>
        new((int)Syscall.Check(Syscall.Call(SyscallNumber.PidfdOpen, pid), $"pidfd_open {pid}"), pid);

    /// <summary>Sends a signal. False when the process has ended.</summary>
    public bool Signal(int signal)
    {
        nint result = Syscall.Call(SyscallNumber.PidfdSendSignal, Number, signal);
        if (result == -(int)Errno.ESRCH) return false;
        Syscall.Check(result, $"signal {signal} to process {Pid}");
        return true;
    }

    /// <summary>Reaps a child. Null while it runs and <paramref name="block"/> is false.</summary>
    /// <exception cref="KernelException"><see cref="Errno.ECHILD"/>: it is not a child of this process, or was reaped before.</exception>
    public unsafe ExitStatus? Wait(bool block = true)
    {
        const int byPidFd = 3, exited = 4, noHang = 1, allChildren = 0x40000000;
        SignalInfo info = default;
        Syscall.Check(Syscall.CallRestarting(SyscallNumber.Waitid, byPidFd, Number, (nint)(&info), exited | allChildren | (block ? 0 : noHang)), $"wait for process {Pid}");
        if (info.Pid == 0) return null;
        const int exitedNormally = 1;
        return info.Code == exitedNormally ? new ExitStatus(info.Status, 0) : new ExitStatus(128 + info.Status, info.Status);
    }

    /// <summary>How a process ended that another process has reaped (PIDFD_GET_INFO, Linux 6.15). Null when it has not ended, is not reaped yet, or the kernel is older.</summary>
    public unsafe ExitStatus? ReadExit()
    {
        const ulong wantExit = 1 << 3;
        ProcessInfo info = new() { Mask = wantExit };
        nint request = unchecked((nint)(3U << 30 | (uint)sizeof(ProcessInfo) << 16 | 0xFF << 8 | 11));
        if (Syscall.Call(SyscallNumber.Ioctl, Number, request, (nint)(&info)) < 0 || (info.Mask & wantExit) == 0) return null;
        int signal = info.ExitCode & 0x7f;
        return signal == 0 ? new ExitStatus(info.ExitCode >> 8 & 0xff, 0) : new ExitStatus(128 + signal, signal);
    }

    /// <summary>When the process with this number began, in clock ticks since boot: with it a number names one process for ever (proc(5), <c>/proc/PID/stat</c> field 22).</summary>
    public static long? StartTime(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return long.Parse(fields[19], System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException || e is IOException)
        {
            return null;   // it has gone
        }
    }

    /// <summary><c>struct pidfd_info</c>, its first version.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct ProcessInfo
    {
        public ulong Mask, CgroupId;
        public uint Pid, ThreadGroup, Parent, RealUid, RealGid, EffectiveUid, EffectiveGid, SavedUid, SavedGid, FsUid, FsGid;
        public int ExitCode;
    }

    [StructLayout(LayoutKind.Sequential, Size = 128)]
    private struct SignalInfo
    {
        public int Number, Errno, Code, Padding, Pid, Uid, Status;
    }
}

/// <summary>How a process ended.</summary>
/// <param name="Code">Its own exit code, or 128 + the signal.</param>
/// <param name="Signal">The signal that ended it, or 0.</param>
public readonly record struct ExitStatus(int Code, int Signal);
