using System.Text.Json.Serialization;

namespace Gantry.Supervisor.Protocol;

/// <summary>What the daemon asks of a supervisor. One member besides <see cref="Id"/> is set; descriptors travel beside the message in the order that it names.</summary>
public sealed record Request
{
    /// <summary>Comes back in the reply; never 0.</summary>
    public long Id { get; set; }
    public HelloRequest? Hello { get; set; }
    public RunRequest? Run { get; set; }
    public ExecRequest? Exec { get; set; }
    public AttachRequest? Attach { get; set; }
    public ProcessRequest? CloseStdin { get; set; }
    public ResizeRequest? Resize { get; set; }
    public SignalRequest? Signal { get; set; }
    public PauseRequest? Pause { get; set; }
    public UpdateRequest? Update { get; set; }
    public ProcessRequest? Forget { get; set; }
    public AdoptRequest? Adopt { get; set; }
    public ReapedRequest? Reaped { get; set; }
    public ClearRequest? Clear { get; set; }
    public CheckpointRequest? Checkpoint { get; set; }
    /// <summary>Give copies of a container's descriptors again: for a daemon that has just come. The answer is that of a start.</summary>
    public ProcessRequest? Descriptors { get; set; }
    public bool List { get; set; }
    /// <summary>True: end as soon as nothing is left to look after. False: stay after all.</summary>
    public bool? Retire { get; set; }
}

/// <summary>What a supervisor answers (<see cref="Id"/> of the request), or tells unasked (<see cref="Id"/> 0).</summary>
public sealed record Reply
{
    public long Id { get; set; }
    public Failure? Failure { get; set; }
    public HelloReply? Hello { get; set; }
    /// <summary>Answer to Run and Exec.</summary>
    public StartedReply? Started { get; set; }
    /// <summary>Answer to Attach, and to Exec and Adopt for the client that came along.</summary>
    public AttachedReply? Attached { get; set; }
    public List<ProcessState>? Processes { get; set; }
    /// <summary>A process has ended; its exit file is on disk.</summary>
    public ExitNotice? Exit { get; set; }
    /// <summary>The kernel's out-of-memory killer was at work in this container.</summary>
    public string? OutOfMemory { get; set; }
    /// <summary>This container's stdin is closed: its process sees the end once the daemon has closed its copy too.</summary>
    public string? StdinClosed { get; set; }
    /// <summary>The same of this exec.</summary>
    public string? ExecStdinClosed { get; set; }
}

public sealed record HelloRequest
{
    /// <summary>Protocol version that the daemon speaks.</summary>
    public int Version { get; set; } = ProtocolVersion.Current;
}

public sealed record HelloReply
{
    /// <summary>The one that both speak.</summary>
    public int Version { get; set; } = ProtocolVersion.Current;
    public string Build { get; set; } = "";
    public int Pid { get; set; }
}

/// <summary>Versions of these messages. Fields may be added to a version: who does not know them ignores them. What changes their meaning is a new version.</summary>
public static class ProtocolVersion
{
    public const int Current = 1;

    /// <summary>The oldest that this build still speaks: a supervisor of that time may have containers for years.</summary>
    public const int Oldest = 1;
}

/// <summary>Why something failed: the step, the kernel's number, and the sentence for the user.</summary>
public sealed record Failure
{
    public FailureKind Kind { get; set; }
    public string Message { get; set; } = "";
    public string? Step { get; set; }
    public int Errno { get; set; }
}

[JsonConverter(typeof(JsonStringEnumConverter<FailureKind>))]
public enum FailureKind
{
    Other,
    /// <summary>The supervisor does not know the container or process.</summary>
    NotFound,
    /// <summary>The command is not there: exit code 127.</summary>
    CommandNotFound,
    /// <summary>The command cannot be executed: exit code 126.</summary>
    CommandNotExecutable,
    /// <summary>The request contradicts the process's state.</summary>
    Conflict,
    /// <summary>What was asked cannot be done on this machine or by this driver.</summary>
    Unsupported,
}

/// <summary>Starts a container.</summary>
public sealed record RunRequest
{
    /// <summary>64 hexadecimal digits.</summary>
    public string Container { get; set; } = "";
    /// <summary><c>native</c>, <c>oci</c> or <c>lxc</c>.</summary>
    public string Driver { get; set; } = "native";
    /// <summary>For <c>oci</c>: the runtime's path and arguments.</summary>
    public List<string>? Runtime { get; set; }
    public RuntimeSpec Spec { get; set; } = new();
    public StdioRequest Stdio { get; set; } = new();
    public LogRequest? Log { get; set; }
    /// <summary>Where the exit status is written before anyone is told.</summary>
    public string ExitFile { get; set; } = "";
    /// <summary>A directory for the driver's own files, on a file system without persistence.</summary>
    public string StateDirectory { get; set; } = "";
    /// <summary>Descriptor number (0 is the first that came along) of the root file system's detached mount.</summary>
    public int? RootDescriptor { get; set; }
    /// <summary>Namespace type → descriptor number: joined instead of made.</summary>
    public Dictionary<string, int>? NamespaceDescriptors { get; set; }
    /// <summary>Index of a mount in the spec → descriptor number of its source, as a detached mount with its attributes set.</summary>
    public Dictionary<int, int>? MountDescriptors { get; set; }
    /// <summary>Clients that attached before the start.</summary>
    public List<AttachedClient>? Clients { get; set; }
    /// <summary>Its processes go on from this checkpoint instead of beginning.</summary>
    public string? CheckpointDirectory { get; set; }
    /// <summary>Path of the program criu; with <see cref="CheckpointDirectory"/>.</summary>
    public string Criu { get; set; } = "";
    /// <summary>Anything that the daemon wants to be told again by <see cref="ProcessState.Note"/>, should it die before it has written it down.</summary>
    public string? Note { get; set; }
}

public sealed record StdioRequest
{
    /// <summary>Keep stdin open for clients; otherwise it is empty from the start.</summary>
    public bool OpenStdin { get; set; }
    /// <summary>Close stdin when the first client that brought input ends it.</summary>
    public bool StdinOnce { get; set; }
}

/// <summary>Where output is kept. Sizes are bytes.</summary>
public sealed record LogRequest
{
    /// <summary><c>json-file</c> or <c>local</c>.</summary>
    public string Format { get; set; } = "json-file";
    public string Path { get; set; } = "";
    /// <summary>0 never rotates.</summary>
    public long MaxSize { get; set; }
    public int MaxFiles { get; set; }
    public bool Compress { get; set; }
    /// <summary>Put into every record (json-file's <c>attrs</c>).</summary>
    public SortedDictionary<string, string>? Attributes { get; set; }
}

public sealed record AttachedClient
{
    public int Descriptor { get; set; }
    public bool Stdin { get; set; }
    public bool Stdout { get; set; }
    public bool Stderr { get; set; }
    /// <summary>Begin with the line that the log does not have yet because it has not ended.</summary>
    public bool Unfinished { get; set; }
    /// <summary>Whether output comes in frames; when nothing is said, it does unless the process has a terminal.</summary>
    public bool? Framed { get; set; }
    /// <summary>Set when it was a client of a supervisor that has died: what it has had already.</summary>
    public AttachedReply? Received { get; set; }
}

/// <summary>Where a client's output begins: bytes of each stream that came before, and how far the log was.</summary>
public sealed record AttachedReply
{
    public long Stdout { get; set; }
    public long Stderr { get; set; }
    /// <summary>Inode of the file that is written; 0 where there is no log.</summary>
    public ulong LogFile { get; set; }
    public long LogSize { get; set; }
}

/// <summary>Names of the descriptors that the daemon keeps of each process.</summary>
public static class StdioNames
{
    public const string Stdin = "stdin", Stdout = "stdout", Stderr = "stderr", Terminal = "terminal";
    /// <summary>Appended to the name of an output: the pipe in which it waits to be dealt with.</summary>
    public const string Stage = "-stage";
    /// <summary>How far output has been dealt with.</summary>
    public const string Journal = "journal";
}

/// <summary>Starts another process in a running container.</summary>
public sealed record ExecRequest
{
    public string Container { get; set; } = "";
    public string Exec { get; set; } = "";
    public ProcessSpec Process { get; set; } = new();
    public RawJson? Seccomp { get; set; }
    public StdioRequest Stdio { get; set; } = new();
    public AttachedClient? Client { get; set; }
}

/// <summary>Gives a socket to a process: its output goes there as frames (raw for a terminal), what comes in is its input.</summary>
public sealed record AttachRequest
{
    public string Container { get; set; } = "";
    public string? Exec { get; set; }
    public AttachedClient Client { get; set; } = new();
}

/// <summary>Names the init process of a container, or one of its execs.</summary>
public sealed record ProcessRequest
{
    public string Container { get; set; } = "";
    public string? Exec { get; set; }
}

/// <summary>Takes over a process whose supervisor has died. Beside it come its pidfd, the stdio descriptors that are left, and the sockets of its clients.</summary>
public sealed record AdoptRequest
{
    public string Container { get; set; } = "";
    /// <summary>Null for the container's first process, which comes first.</summary>
    public string? Exec { get; set; }
    /// <summary>For an exec: its number, and whether it has a terminal.</summary>
    public int Pid { get; set; }
    public bool Terminal { get; set; }
    /// <summary>Where its state file is.</summary>
    public string StateDirectory { get; set; } = "";
    /// <summary>As in <see cref="StartedReply.Stdio"/>.</summary>
    public List<string> Stdio { get; set; } = [];
    /// <summary>Those that were attached; their descriptor numbers count from the first descriptor of the message.</summary>
    public List<AttachedClient>? Clients { get; set; }
}

/// <summary>Writes a running container down.</summary>
public sealed record CheckpointRequest
{
    public string Container { get; set; } = "";
    /// <summary>An empty directory for it.</summary>
    public string Directory { get; set; } = "";
    public bool LeaveRunning { get; set; }
    /// <summary>Path of the program criu.</summary>
    public string Criu { get; set; } = "";
}

/// <summary>Ends and removes whatever a start that was cut off has left: processes, cgroup, state.</summary>
public sealed record ClearRequest
{
    public string Container { get; set; } = "";
    /// <summary>Where its state file is.</summary>
    public string StateDirectory { get; set; } = "";
}

/// <summary>How a container ended that is not a child of its supervisor: the daemon, or init, has reaped it.</summary>
public sealed record ReapedRequest
{
    public string Container { get; set; } = "";
    public string? Exec { get; set; }
    public int ExitCode { get; set; }
    public int Signal { get; set; }
}

public sealed record ResizeRequest
{
    public string Container { get; set; } = "";
    public string? Exec { get; set; }
    public ConsoleSize Size { get; set; } = new();
}

public sealed record SignalRequest
{
    public string Container { get; set; } = "";
    public string? Exec { get; set; }
    public int Signal { get; set; }
    /// <summary>To every process of the container.</summary>
    public bool All { get; set; }
}

public sealed record PauseRequest
{
    public string Container { get; set; } = "";
    public bool Paused { get; set; }
}

public sealed record UpdateRequest
{
    public string Container { get; set; } = "";
    public ResourcesSpec Resources { get; set; } = new();
}

/// <summary>A process has been started. Beside it come its pidfd and then those stdio descriptors that <see cref="Stdio"/> names, for the daemon to keep.</summary>
public sealed record StartedReply
{
    public int Pid { get; set; }
    /// <summary>Unix nanoseconds.</summary>
    public long StartedAt { get; set; }
    /// <summary>Of <see cref="StdioNames"/>, in the order of the descriptors.</summary>
    public List<string> Stdio { get; set; } = [];
}

/// <summary>A process as the supervisor sees it: for a daemon that has just come.</summary>
public sealed record ProcessState
{
    public string Container { get; set; } = "";
    public string? Exec { get; set; }
    public int Pid { get; set; }
    public long StartedAt { get; set; }
    public bool Paused { get; set; }
    /// <summary>As in <see cref="RunRequest.Note"/>.</summary>
    public string? Note { get; set; }
    /// <summary>Set when it has ended and nobody has taken note yet.</summary>
    public ExitNotice? Exit { get; set; }
}

public sealed record ExitNotice
{
    public string Container { get; set; } = "";
    public string? Exec { get; set; }
    public int ExitCode { get; set; }
    public int Signal { get; set; }
    public bool OutOfMemory { get; set; }
    /// <summary>Unix nanoseconds.</summary>
    public long ExitedAt { get; set; }
}
