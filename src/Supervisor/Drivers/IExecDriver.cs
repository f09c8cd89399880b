using Gantry.Linux.Cgroups;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor.Containers;
using Gantry.Supervisor.Protocol;

namespace Gantry.Supervisor.Drivers;

/// <summary>A way to run a container that the OCI runtime spec describes.</summary>
internal interface IExecDriver
{
    /// <summary>Starts the container's first process; it has exec'ed when this returns. Blocks for some milliseconds.</summary>
    /// <exception cref="DriverException">What failed, with the sentence for the user.</exception>
    IDriverContainer Start(StartRequest request);

    /// <summary>Takes over a container that another supervisor has started.</summary>
    IDriverContainer Adopt(ContainerState state, PidFd init);

    /// <summary>Ends and removes what a start has left that was cut off: of its state only what <see cref="ContainerStates.Before"/> sets may be there. Nothing there is no error.</summary>
    void Clear(ContainerState state);
}

/// <summary>Everything that a driver is given for a start. Descriptors stay the caller's.</summary>
internal sealed record StartRequest
{
    public required RunRequest Run { get; init; }

    public required ChildStdio Stdio { get; init; }

    /// <summary>The root file system, detached.</summary>
    public required Fd? Root { get; init; }

    public required IReadOnlyDictionary<string, Fd> Namespaces { get; init; }

    public required IReadOnlyDictionary<int, Fd> MountSources { get; init; }
}

/// <summary>The child's side of the standard streams: three descriptors, or the socket that a terminal's master is to be sent to.</summary>
internal sealed record ChildStdio(Fd? Stdin, Fd? Stdout, Fd? Stderr, Fd? ConsoleSocket)
{
    /// <summary>Stdin is the host's <c>/dev/null</c>: the container's own serves as well, and keeps no file of the host open in there.</summary>
    public bool NoInput { get; init; }
}

/// <summary>A container that a driver has started.</summary>
internal interface IDriverContainer
{
    /// <summary>The first process, a child of this process or of a runtime below it.</summary>
    PidFd Init { get; }

    /// <summary>The process that is the first one's parent and ends after it; null where the first one is a child of this process.</summary>
    PidFd? Monitor => null;

    /// <summary>How the first process ended. Asked once its monitor has.</summary>
    ExitStatus? ReadExit() => Init.ReadExit();

    /// <summary>What whoever takes this container over needs to know.</summary>
    ContainerState State { get; }

    /// <summary>Starts another process inside. Blocks for some milliseconds.</summary>
    PidFd Exec(ExecRequest request, ChildStdio stdio);

    void SetPaused(bool paused);

    void Update(ResourcesSpec resources);

    /// <summary>Sends a signal to every process of the container.</summary>
    void SignalAll(int signal);

    /// <summary>Whether processes outlive the first one: it is not the first of a pid namespace of its own.</summary>
    bool SharesPidNamespace { get; }

    /// <summary>Tells when the kernel kills a process of the container for want of memory; null where there is no limit to run into.</summary>
    OutOfMemoryWatch? OutOfMemory { get; }

    /// <summary>Whether the kernel killed a process of the container for want of memory since it started.</summary>
    bool WasOutOfMemory();

    /// <summary>Writes the container down; its processes end or run on, as the request says. Takes seconds.</summary>
    void Checkpoint(CheckpointRequest request);

    /// <summary>Removes what the container leaves behind. All its processes have ended.</summary>
    void Delete();
}

/// <summary>A driver could not do what was asked.</summary>
internal sealed class DriverException(Failure failure, Exception? inner = null) : Exception(failure.Message, inner)
{
    public Failure Failure { get; } = failure;
}
