using System.Globalization;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;

namespace Gantry.Supervisor.Drivers.Lxc;

/// <summary>Follows <c>lxc-start</c> from its first step to the container's first process. That one waits at a gate, in a hook, until it is held by a descriptor.</summary>
internal sealed class MonitorStart(BundlePaths paths, PidFd monitor, string command)
{
    /// <summary>Makes the gate; before the monitor is started.</summary>
    public static void MakeGate(BundlePaths paths)
    {
        using var bundle = DirectoryFd.Open(paths.Bundle);
        bundle.MakeNode(Path.GetFileName(LxcConfig.GateFile(paths)), FileType.Fifo, 0x180);
    }

    /// <summary>Waits until the first process has exec'ed.</summary>
    /// <exception cref="DriverException">The monitor has ended instead.</exception>
    public PidFd Wait()
    {
        using var changes = Watch(paths.Bundle);
        int pid = WaitFor(changes, () => ReadPid(LxcConfig.PidFile(paths)));
        var init = PidFd.Open(pid);
        try
        {
            // Open for both directions, so that neither side waits for the other; and open until the gate has been passed.
            using var gate = OpenFile.Open(LxcConfig.GateFile(paths), OpenFlags.ReadWrite);
            Open(gate);
            WaitFor(changes, () => LxcLog.StartedPid(File.ReadAllText(LxcDriver.LogFile(paths))));
            return init;
        }
        catch
        {
            init.Dispose();
            throw;
        }
    }

    private static int? ReadPid(string path) => File.Exists(path) ? int.Parse(File.ReadAllText(path), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture) : null;

    private static unsafe void Open(Fd gate)
    {
        byte line = (byte)'\n';
        Syscall.Check(Syscall.CallRestarting(SyscallNumber.Write, gate.Number, (nint)(&line), 1), "open the gate");
    }

    private int WaitFor(Fd changes, Func<int?> look)
    {
        while (true)
        {
            if (look() is { } found) return found;
            if (!WaitForEither(changes)) continue;
            if (look() is { } late) return late;   // it did start, and has ended already
            monitor.Wait();
            throw new DriverException(LxcLog.Failure(File.ReadAllText(LxcDriver.LogFile(paths)), command));
        }
    }

    private static unsafe Fd Watch(string path)
    {
        const int closeOnExec = 0x80000, nonBlocking = 0x800, modified = 0x2, movedHere = 0x80;
        var inotify = new Fd((int)Syscall.Check(Syscall.Fast(SyscallNumber.InotifyInit1, closeOnExec | nonBlocking), "inotify_init1"));
        using var name = new CString(path, stackalloc byte[512]);
        fixed (byte* p = name) Syscall.Check(Syscall.Call(SyscallNumber.InotifyAddWatch, inotify.Number, (nint)p, modified | movedHere), $"watch {path}");
        return inotify;
    }

    /// <returns>Whether the monitor has ended.</returns>
    private unsafe bool WaitForEither(Fd changes)
    {
        const ulong readable = 1UL << 32;
        ulong* descriptors = stackalloc ulong[2];
        descriptors[0] = readable | (uint)changes.Number;
        descriptors[1] = readable | (uint)monitor.Number;
        Syscall.CallRestarting(SyscallNumber.Ppoll, (nint)descriptors, 2, 0, 0);
        byte* scratch = stackalloc byte[4096];
        while (Syscall.Fast(SyscallNumber.Read, changes.Number, (nint)scratch, 4096) > 0)
        {
            // Only that there was a change matters.
        }
        return descriptors[1] >> 48 != 0;
    }
}
