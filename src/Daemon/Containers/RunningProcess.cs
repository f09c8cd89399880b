using Gantry.Daemon.Execution;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Containers;

/// <summary>A process of a container: held by descriptor, run by a supervisor.</summary>
/// <param name="Stdio">Copies of our ends of its streams, kept against the supervisor's death: name (of <see cref="StdioNames"/>) and descriptor.</param>
internal sealed record RunningProcess(SupervisorConnection Supervisor, PidFd Process, List<(string Name, Fd Fd)> Stdio) : IDisposable
{
    private readonly TaskCompletionSource exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when its end has been told.</summary>
    public Task Exited => exited.Task;

    /// <summary>Of the descriptors that a supervisor's answer brings.</summary>
    public static RunningProcess Of(SupervisorConnection supervisor, SupervisorConnection.Answer answer)
    {
        var started = answer.Reply.Started!;
        var stdio = started.Stdio.Zip(answer.Descriptors.Skip(1), (name, fd) => (name, fd)).ToList();
        return new RunningProcess(supervisor, new PidFd(answer.Descriptors[0].Release(), started.Pid), stdio);
    }

    public void SetExited() => exited.TrySetResult();

    /// <summary>Closes our copy of the process's input, which keeps it from seeing the end.</summary>
    public void CloseStdin()
    {
        lock (Stdio)
        {
            foreach (var (_, fd) in Stdio.Where(s => s.Name == StdioNames.Stdin)) fd.Dispose();
            Stdio.RemoveAll(s => s.Name == StdioNames.Stdin);
        }
    }

    public void Dispose()
    {
        Process.Dispose();
        lock (Stdio)
        {
            foreach (var (_, fd) in Stdio) fd.Dispose();
        }
    }
}
