using System.Globalization;
using System.Runtime.InteropServices;
using Gantry.Linux.Kernel;

namespace Gantry.Linux.Processes;

/// <summary>Reaps the orphans of which this process has become the parent by being a subreaper (prctl(2), PR_SET_CHILD_SUBREAPER), and for which nobody waits.</summary>
/// <remarks>
/// Children of <see cref="ChildProcess"/> send no SIGCHLD and are left alone by a waitid without <c>__WALL</c>; children of the runtime's own Process
/// class are in this process's session, orphans of containers never are. An orphan whose number somebody still waits for is left to them.
/// </remarks>
public sealed class OrphanReaper : IDisposable
{
    /// <summary>How long a dead orphan is left, for whoever may be about to wait for it.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly Func<int, bool> isAwaited;
    private readonly PosixSignalRegistration registration;
    private readonly Timer timer;
    private readonly string ownSession = Fields("self")![SessionField];
    private HashSet<int> seen = [];
    private int scheduled;

    private const int StateField = 0, SessionField = 3;

    /// <param name="isAwaited">Whether somebody waits for a process, by its number.</param>
    public OrphanReaper(Func<int, bool> isAwaited)
    {
        this.isAwaited = isAwaited;
        timer = new Timer(_ => Scan());
        registration = PosixSignalRegistration.Create(PosixSignal.SIGCHLD, _ => Schedule());
    }

    private void Schedule()
    {
        if (Interlocked.Exchange(ref scheduled, 1) == 0) timer.Change(Grace, Timeout.InfiniteTimeSpan);
    }

    private void Scan()
    {
        Volatile.Write(ref scheduled, 0);
        var dead = new HashSet<int>();
        foreach (int pid in Children())
        {
            if (Fields(pid.ToString(CultureInfo.InvariantCulture)) is not { } fields || fields[StateField] != "Z" || fields[SessionField] == ownSession || isAwaited(pid)) continue;
            if (!seen.Contains(pid)) dead.Add(pid);
            else Reap(pid);
        }
        seen = dead;
        if (dead.Count > 0) Schedule();
    }

    private static unsafe void Reap(int pid)
    {
        const int byPid = 1, exited = 4, noHang = 1;
        byte* info = stackalloc byte[128];
        Syscall.Call(SyscallNumber.Waitid, byPid, pid, (nint)info, exited | noHang);
    }

    private static IEnumerable<int> Children()
    {
        foreach (string thread in Directory.GetDirectories("/proc/self/task"))
        {
            string text;
            try
            {
                text = File.ReadAllText(Path.Combine(thread, "children"));
            }
            catch (IOException)
            {
                continue;   // the thread has ended
            }
            foreach (string pid in text.Split(' ', StringSplitOptions.RemoveEmptyEntries)) yield return int.Parse(pid, CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The fields of <c>/proc/PID/stat</c> from the state on (proc(5)).</summary>
    private static string[]? Fields(string pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        registration.Dispose();
        timer.Dispose();
    }
}
