using System.Text;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers.Lxc;

/// <summary>The hooks of a container: what LXC's own settings come too late for. Pure functions.</summary>
internal static class LxcScripts
{
    /// <summary>Sets system controls. LXC would do so after /proc/sys was made read-only; a hook before the mounts runs in the container's namespaces, and so writes its values.</summary>
    public static string SystemControls(RuntimeSpec spec, bool ownNames)
    {
        var script = new StringBuilder("#!/bin/sh -e\n");
        void Set(string name, string value) => script.Append($"printf %s {Quote(value)} > {Quote("/proc/sys/" + SystemControlPath.Of(name))}\n");
        if (ownNames && spec.Domainname is { Length: > 0 } domain) Set("kernel.domainname", domain);
        foreach (var (name, value) in spec.Linux.Sysctl ?? []) Set(name, value);
        return script.ToString();
    }

    /// <summary>Tells the first process's id and waits to be let through: whoever waits for it must hold it by a descriptor before it can end.</summary>
    public static string Gate(string pidFile, string gateFile) =>
        $"#!/bin/sh -e\necho \"$LXC_PID\" > {Quote(pidFile + ".new")}\nmv {Quote(pidFile + ".new")} {Quote(pidFile)}\nexec timeout 30 head -n 1 {Quote(gateFile)} > /dev/null\n";

    /// <summary>Keeps the count of out-of-memory kills: LXC removes the group with the container.</summary>
    /// <param name="countFile">The group's <c>memory.oom_control</c> or <c>memory.events</c>.</param>
    public static string KeepMemory(string countFile, string keptFile) => $"#!/bin/sh\ncat {Quote(countFile)} > {Quote(keptFile)} 2>/dev/null\nexit 0\n";

    private static string Quote(string text) => "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
