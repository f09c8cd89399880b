using System.Globalization;
using Gantry.Linux.Kernel;

namespace Gantry.Supervisor;

/// <summary>Reaps what comes to this process as a subreaper and belongs to nobody: processes that a runtime left behind, and those of containers without a pid namespace of their own.</summary>
/// <remarks>A zombie in a container's pid namespace holds up the end of its first process. While anything is being started nothing is reaped: the new process is not known by its number yet.</remarks>
internal sealed class Orphans
{
    private readonly Lock gate = new();
    private readonly Dictionary<int, int> claimed = [];
    private int holders;
    private bool pending;

    /// <summary>Marks a time in which children come that this process itself waits for.</summary>
    public readonly struct Hold(Orphans orphans) : IDisposable
    {
        public void Dispose() => orphans.Leave();
    }

    public Hold Enter()
    {
        lock (gate) holders++;
        return new Hold(this);
    }

    private void Leave()
    {
        lock (gate)
        {
            if (--holders == 0 && pending) Sweep();
        }
    }

    /// <summary>Somebody waits for this process.</summary>
    public void Claim(int pid)
    {
        lock (gate) claimed[pid] = claimed.GetValueOrDefault(pid) + 1;
    }

    /// <summary>It has been waited for.</summary>
    public void Release(int pid)
    {
        lock (gate)
        {
            if (claimed.GetValueOrDefault(pid) > 1) claimed[pid]--;
            else claimed.Remove(pid);
        }
    }

    /// <summary>A child has ended: reaps all that nobody waits for, now or when nothing is being started any more.</summary>
    public void Reap()
    {
        lock (gate)
        {
            pending = true;
            if (holders == 0) Sweep();
        }
    }

    private void Sweep()
    {
        pending = false;
        foreach (int pid in Children())
        {
            if (!claimed.ContainsKey(pid) && IsZombie(pid)) Wait(pid);
        }
    }

    private static IEnumerable<int> Children()
    {
        foreach (string thread in Directory.GetDirectories("/proc/self/task"))
        {
            string list;
            try
            {
                list = File.ReadAllText(Path.Combine(thread, "children"));
            }
            catch (IOException)
            {
                continue;   // the thread has ended
            }
            foreach (string pid in list.Split(' ', StringSplitOptions.RemoveEmptyEntries)) yield return int.Parse(pid, CultureInfo.InvariantCulture);
        }
    }

    private static bool IsZombie(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].StartsWith('Z');
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static unsafe void Wait(int pid)
    {
        const int byPid = 1, exited = 4, noHang = 1, allChildren = 0x40000000;
        byte* info = stackalloc byte[128];
        Syscall.CallRestarting(SyscallNumber.Waitid, byPid, pid, (nint)info, exited | noHang | allChildren);
    }
}
