using System.Security.Cryptography;
using Gantry.Protocol.Engine;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Engine;

public enum JobStatus
{
    Created,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

/// <summary>One run of a command: what, for whom, with which streams, and how it went.</summary>
public sealed class Job
{
    private readonly CancellationTokenSource stop;
    private int started;

    internal Job(string command, Job? parent, JobClient client)
    {
        Id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        Command = command;
        Parent = parent;
        Client = client;
        stop = parent is null ? new CancellationTokenSource() : CancellationTokenSource.CreateLinkedTokenSource(parent.StopToken);
        StopToken = stop.Token;
        CreatedAt = DateTimeOffset.UtcNow;
    }

    /// <summary>16 hexadecimal digits.</summary>
    public string Id { get; }

    public string Command { get; }

    public Job? Parent { get; }

    public JobClient Client { get; }

    /// <summary>The bytes that the client sends along (an archive, a build context). Empty by default.</summary>
    public Stream Input { get; init; } = Stream.Null;

    /// <summary>Where a streaming command writes. Nobody listens by default.</summary>
    public JobOutput Output { get; init; } = JobOutput.Discard();

    /// <summary>Set when the client's connection itself can be taken over (attach, exec).</summary>
    public IClientConnection? Connection { get; init; }

    public JobStatus Status { get; private set; } = JobStatus.Created;

    public DateTimeOffset CreatedAt { get; }

    public DateTimeOffset? StartedAt { get; private set; }

    public DateTimeOffset? FinishedAt { get; private set; }

    public Exception? Error { get; private set; }

    /// <summary>The rendered answer of a job that was run for later collection.</summary>
    internal CommandResult? Result { get; private set; }

    internal List<KeyValuePair<string, string>> PrintableArguments { get; } = [];

    internal TaskCompletionSource Finished { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>See <see cref="Engine.Command.Observes"/>.</summary>
    internal bool Observes { get; init; }

    /// <summary>Fires when somebody stops this job or its parent, or when a client that it does not outlive has gone.</summary>
    internal CancellationToken StopToken { get; }

    /// <summary>Asks the job to end. Harmless when it has ended.</summary>
    public void Stop()
    {
        try
        {
            stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended in this moment.
        }
    }

    /// <exception cref="EngineException">409 when it was begun before: a job runs once.</exception>
    internal void Begin()
    {
        if (Interlocked.Exchange(ref started, 1) != 0) throw EngineException.Conflict($"{Command}: job has already completed");
        StartedAt = DateTimeOffset.UtcNow;
        Status = JobStatus.Running;
    }

    internal void End(CommandResult? result, Exception? error)
    {
        Result = result;
        Error = error;
        FinishedAt = DateTimeOffset.UtcNow;
        Status = error switch
        {
            null => JobStatus.Succeeded,
            OperationCanceledException => JobStatus.Cancelled,
            EngineException { Kind: ErrorKind.NotModified } => JobStatus.Succeeded,
            _ => JobStatus.Failed,
        };
        stop.Dispose();
        Finished.TrySetResult();
    }

    public JobDescription Describe() => new()
    {
        Id = Id,
        Command = Command,
        Arguments = Sorted(PrintableArguments),
        Status = Status.ToString().ToLowerInvariant(),
        Parent = Parent?.Id,
        CreatedAt = WireTime.Format(CreatedAt),
        StartedAt = WireTime.Format(StartedAt),
        FinishedAt = WireTime.Format(FinishedAt),
        Result = Result?.Body?.ToElement(),
        Output = Output is TailOutput tail ? tail.Text : null,
        Error = Status == JobStatus.Failed ? Error?.Message : null,
        ErrorCode = Status == JobStatus.Failed ? (int)((Error as EngineException)?.Kind ?? ErrorKind.System) : 0,
    };

    private static SortedDictionary<string, string> Sorted(List<KeyValuePair<string, string>> arguments)
    {
        var sorted = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in arguments) sorted[name] = value;
        return sorted;
    }
}

/// <summary>Who asked: the API version that it speaks, and its address for the log.</summary>
public sealed record JobClient(Version ApiVersion, string Address)
{
    /// <summary>The engine itself.</summary>
    public static readonly JobClient Engine = new(new Version(1, 51), "engine");
}

/// <summary>A client's raw two-way stream, once HTTP has been left behind (reference 4.7).</summary>
public interface IClientConnection
{
    /// <summary>True when the client asked for an upgrade and so learns the stream's type from the 101 answer.</summary>
    bool Upgrades { get; }

    /// <summary>Sends the head of the answer and hands the connection over. From here on no HTTP error can be sent.</summary>
    /// <param name="contentType">For a 101 answer; a 200 answer is always <c>application/vnd.docker.raw-stream</c>.</param>
    /// <param name="standardHeaders">Whether the engine's usual headers are sent too: exec start does, attach does not.</param>
    Task<IDuplexStream> TakeOverAsync(string contentType, bool standardHeaders, CancellationToken cancellation);

    /// <summary>Answers a websocket's handshake and hands the connection over: bytes travel in messages, without heads for the streams.</summary>
    /// <param name="binary">In binary messages; as text otherwise.</param>
    /// <exception cref="EngineException">400: the request is no such handshake.</exception>
    Task<IDuplexStream> AcceptWebSocketAsync(bool binary, CancellationToken cancellation) => throw EngineException.InvalidParameter("not a websocket request");
}

/// <summary>A two-way byte stream whose two directions end separately.</summary>
public interface IDuplexStream : IAsyncDisposable
{
    /// <summary>Returns 0 when the peer has ended its direction.</summary>
    ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation);

    ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation);

    /// <summary>Ends our direction; reading goes on.</summary>
    ValueTask CompleteWritesAsync();
}
