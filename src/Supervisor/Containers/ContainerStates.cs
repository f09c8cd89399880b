using Gantry.Linux.Processes;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Containers;

/// <summary>Makes a container's state of what was asked for.</summary>
internal static class ContainerStates
{
    public static string CgroupPath(RunRequest run) => run.Spec.Linux.CgroupsPath ?? $"/gantry/{run.Container}";

    public static ContainerState Of(RunRequest run, PidFd init, bool sharesPidNamespace) => new()
    {
        Container = run.Container,
        Driver = run.Driver,
        Runtime = run.Runtime,
        Pid = init.Pid,
        PidStartTime = PidFd.StartTime(init.Pid) ?? 0,
        StartedAt = (DateTimeOffset.UtcNow.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) * 100,
        CgroupsPath = CgroupPath(run),
        Namespaces = run.Spec.Linux.Namespaces,
        UidMappings = run.Spec.Linux.UidMappings,
        Bounding = run.Spec.Process?.Capabilities?.Bounding,
        SharesPidNamespace = sharesPidNamespace,
        HasMemoryLimit = run.Spec.Linux.Resources?.Memory?.Limit is > 0,
        Terminal = run.Spec.Process?.Terminal == true,
        Stdio = run.Stdio,
        Log = run.Log,
        ExitFile = run.ExitFile,
        Note = run.Note,
        Binds = [.. run.Spec.Mounts.Where(m => m.Type is "bind" or "file").Select(m => m.Destination)],
        StateDirectory = run.StateDirectory,
    };

    /// <summary>What is known before the start: enough to find what a start leaves behind that is cut off.</summary>
    public static ContainerState Before(RunRequest run) => new()
    {
        Container = run.Container,
        Driver = run.Driver,
        Runtime = run.Runtime,
        CgroupsPath = CgroupPath(run),
        StateDirectory = run.StateDirectory,
    };
}
