using Gantry.Linux.Cgroups;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Containers;
using Gantry.Supervisor.Drivers.Native;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Lxc;

/// <summary>A container that <c>lxc-start</c> has made and watches over. It is paused, changed and entered as a native one is.</summary>
internal sealed class LxcContainer(PidFd init, PidFd? monitor, ICgroup cgroup, ICgroup monitorCgroup, ContainerState state) : NativeContainer(init, cgroup, state), IDriverContainer
{
    private BundlePaths Paths => new(Path.Combine(State.StateDirectory, "bundle"));

    public PidFd? Monitor { get; } = monitor;

    /// <summary>The kernel knows it of every process (Linux 6.15); before that, LXC's log does.</summary>
    public ExitStatus? ReadExit()
    {
        if (Init.ReadExit() is { } known) return known;
        string log = LxcDriver.LogFile(Paths);
        if (!File.Exists(log)) return null;
        string text = File.ReadAllText(log);
        return LxcLog.Exit(text) ?? (text.Contains("Child <", StringComparison.Ordinal) ? null : new ExitStatus(0, 0));   // an end with code 0 is not logged
    }

    public override bool WasOutOfMemory()
    {
        string kept = LxcConfig.MemoryFile(Paths);
        if (!File.Exists(kept)) return base.WasOutOfMemory();
        foreach (string line in File.ReadLines(kept))
        {
            if (line.StartsWith("oom_kill ", StringComparison.Ordinal)) return line["oom_kill ".Length..].Trim() != "0";
        }
        return false;
    }

    public override void Checkpoint(CheckpointRequest request) => throw NoCheckpoints();

    public override void Delete()
    {
        monitorCgroup.TryDelete();
        base.Delete();
    }
}
