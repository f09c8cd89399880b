using Gantry.Daemon.Containers.Streams;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Containers.Execs;

/// <summary>Another process in a container, from its creation to some time after its end.</summary>
internal sealed class ExecInstance(string id, Container container, ExecCreateRequest request)
{
    private int started;

    /// <summary>64 hexadecimal digits.</summary>
    public string Id { get; } = id;

    public Container Container { get; } = container;

    public ExecCreateRequest Request { get; } = request;

    public bool Running { get; set; }

    /// <summary>null until the process has ended.</summary>
    public int? ExitCode { get; set; }

    public int Pid { get; set; }

    private readonly Lock gate = new();
    private bool over, stdinClosed;

    /// <summary>The process as long as it runs.</summary>
    public RunningProcess? Process { get; private set; }

    /// <summary>Keeps the descriptors of its process, in place of earlier ones. False when it has ended already.</summary>
    public bool TryKeep(RunningProcess process)
    {
        lock (gate)
        {
            if (over) return false;
            Process?.Dispose();
            Process = process;
            if (stdinClosed) process.CloseStdin();
            Started.TrySetResult();
            return true;
        }
    }

    /// <summary>Its process's input has ended: the process sees that once the daemon's copy is closed too.</summary>
    public void CloseStdin()
    {
        lock (gate)
        {
            stdinClosed = true;
            if (!over) Process?.CloseStdin();
        }
    }

    /// <summary>Its process has ended.</summary>
    public void Drop()
    {
        lock (gate)
        {
            over = true;
            Started.TrySetResult();
            Process?.SetExited();
            Process?.Dispose();
        }
    }

    /// <summary>The client that is connected to its streams.</summary>
    public AttachedSessions Sessions { get; } = new();

    /// <summary>Completed when its process has been started, or could not be.</summary>
    public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DateTimeOffset? FinishedAt { get; set; }

    /// <summary>Completed with the exit code.</summary>
    public TaskCompletionSource<int> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>An exec runs once: this is right for the first caller only.</summary>
    /// <exception cref="EngineException">409: it runs, or has run.</exception>
    public void Begin()
    {
        if (Interlocked.Exchange(ref started, 1) != 0) throw EngineException.Conflict($"exec command {Id} {(ExitCode is null ? "is already running" : "has already run")}");
        Running = true;
    }

    /// <summary>The words of the command, as events show them: an empty argument list leaves a trailing space, as in dockerd (golden 046).</summary>
    public string CommandText => Request.Cmd![0] + " " + string.Join(' ', Request.Cmd.Skip(1));
}
