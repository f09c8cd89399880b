using Gantry.Linux.Polling;
using Gantry.Supervisor.Drivers;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Containers;

/// <summary>A container of this supervisor: what its driver knows of it, its first process and its execs.</summary>
internal sealed class SupervisedContainer(string id, IDriverContainer driver, string stateDirectory)
{
    public string Id { get; } = id;

    public IDriverContainer Driver { get; } = driver;

    /// <summary>Where its state file is.</summary>
    public string StateDirectory { get; } = stateDirectory;

    public SupervisedProcess Init { get; set; } = null!;   // set before anyone can see the container

    /// <summary>By exec id; loop's thread only.</summary>
    public Dictionary<string, SupervisedProcess> Execs { get; } = new(StringComparer.Ordinal);

    public bool Paused { get; set; }

    /// <summary>Waits for the out-of-memory killer; loop's thread only.</summary>
    public EventLoop.Watch? MemoryWatch { get; set; }

    /// <summary>Ends that the daemon has not taken note of; key is the exec id, or empty.</summary>
    public Dictionary<string, ExitNotice> Exits { get; } = new(StringComparer.Ordinal);

    /// <summary>The first process has ended and everything of the container is removed.</summary>
    public TaskCompletionSource Removed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
