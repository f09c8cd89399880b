using Gantry.Protocol.Containers;

namespace Gantry.PowerShell.Objects;

/// <summary>A process that was started in a running container besides its own.</summary>
public sealed class ContainerExec
{
    internal ContainerExec(ExecInspect data, string container, EngineSession session)
    {
        Id = data.ID;
        Container = container;
        ContainerId = data.ContainerID;
        Command = [data.ProcessConfig.Entrypoint, .. data.ProcessConfig.Arguments ?? []];
        IsRunning = data.Running;
        ExitCode = data.Running ? null : data.ExitCode;
        ProcessId = data.Pid == 0 ? null : data.Pid;
        User = data.ProcessConfig.User ?? "";
        HasTty = data.ProcessConfig.Tty;
        IsPrivileged = data.ProcessConfig.Privileged;
        Session = session;
    }

    public string Id { get; }

    /// <summary>The container's name.</summary>
    public string Container { get; }

    public string ContainerId { get; }

    public string[] Command { get; }

    public bool IsRunning { get; }

    /// <summary>Null until it has ended, and when it was never started.</summary>
    public int? ExitCode { get; }

    /// <summary>As the host sees it.</summary>
    public int? ProcessId { get; }

    public string User { get; }

    public bool HasTty { get; }

    public bool IsPrivileged { get; }

    public EngineSession Session { get; }

    public override string ToString() => $"{Container}: {string.Join(' ', Command)}";
}
