using System.Collections.Concurrent;
using System.Net.Sockets;
using Gantry.Daemon.Engine;
using Gantry.Linux.Kernel;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Execution;

/// <summary>The daemon's side of one supervisor: requests with answers, and notices of what ended.</summary>
public sealed class SupervisorConnection : IDisposable
{
    private readonly MessageChannel channel;
    private readonly ConcurrentDictionary<long, TaskCompletionSource<Answer>> pending = new();
    private readonly Action<SupervisorConnection, Reply> onNotice;
    private readonly Action<SupervisorConnection> onLost;
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long lastId;
    private volatile bool lost;

    private SupervisorConnection(string socketPath, Fd socket, Action<SupervisorConnection, Reply> onNotice, Action<SupervisorConnection> onLost)
    {
        SocketPath = socketPath;
        channel = new MessageChannel(socket);
        this.onNotice = onNotice;
        this.onLost = onLost;
        new Thread(Receive) { IsBackground = true, Name = "supervisor connection" }.Start();
    }

    public string SocketPath { get; }

    /// <summary>What it said of itself; set before anyone else sees the connection.</summary>
    public HelloReply Peer { get; private set; } = new();

    public bool IsLost => lost;

    /// <summary>Completes when the supervisor has ended, or cannot be reached any more.</summary>
    public Task Lost => ended.Task;

    /// <summary>An answer and the descriptors beside it, which are the caller's to close.</summary>
    public sealed record Answer(Reply Reply, List<Fd> Descriptors);

    /// <summary>Null when nobody listens at the socket.</summary>
    public static async Task<SupervisorConnection?> TryConnectAsync(string socketPath, Action<SupervisorConnection, Reply> onNotice, Action<SupervisorConnection> onLost, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = true };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(socketPath));
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
        // The channel blocks in system calls of its own: it gets a descriptor without the runtime's asynchronous machinery.
        using var original = new Fd((int)socket.Handle, ownsHandle: false);
        var connection = new SupervisorConnection(socketPath, original.Duplicate(), onNotice, onLost);
        socket.Dispose();
        var answer = await connection.AskAsync(new Request { Hello = new HelloRequest() }, [], cancellation).ConfigureAwait(false);
        connection.Peer = answer.Reply.Hello ?? new HelloReply();
        if (connection.Peer.Version is >= ProtocolVersion.Oldest and <= ProtocolVersion.Current) return connection;
        connection.Dispose();
        throw EngineException.System($"the supervisor at {socketPath} ({connection.Peer.Build}) speaks version {connection.Peer.Version} of the protocol, this engine versions {ProtocolVersion.Oldest} to {ProtocolVersion.Current}: stop its containers with the engine that started them");
    }

    /// <summary>Sends a request and waits for its answer.</summary>
    /// <exception cref="SupervisorFailure">The supervisor says no.</exception>
    /// <exception cref="EngineException">It is gone.</exception>
    public async Task<Answer> AskAsync(Request request, IReadOnlyList<Fd> descriptors, CancellationToken cancellation = default)
    {
        request.Id = Interlocked.Increment(ref lastId);
        var completion = new TaskCompletionSource<Answer>(TaskCreationOptions.RunContinuationsAsynchronously);
        pending[request.Id] = completion;
        if (lost) Fail(request.Id);
        else Send(request, descriptors);
        var answer = await completion.Task.WaitAsync(cancellation).ConfigureAwait(false);
        if (answer.Reply.Failure is not { } failure) return answer;
        foreach (var fd in answer.Descriptors) fd.Dispose();
        throw new SupervisorFailure(failure);
    }

    private void Send(Request request, IReadOnlyList<Fd> descriptors)
    {
        Span<int> numbers = stackalloc int[descriptors.Count];
        try
        {
            for (int i = 0; i < numbers.Length; i++) numbers[i] = descriptors[i].Number;
        }
        catch (ObjectDisposedException)
        {
            pending.TryRemove(request.Id, out _);   // that is the caller's fault, and not the supervisor's
            throw;
        }
        try
        {
            channel.Send(request, SupervisorJson.Default.Request, numbers);
        }
        catch (Exception e) when (e is KernelException or ObjectDisposedException)
        {
            lost = true;
            channel.Shutdown();   // the receiving thread finds out
            Fail(request.Id);
        }
    }

    private void Receive()
    {
        try
        {
            while (channel.Receive(SupervisorJson.Default.Reply, out var fds) is { } reply)
            {
                if (reply.Id == 0) onNotice(this, reply);
                else if (!pending.TryRemove(reply.Id, out var waiting) || !waiting.TrySetResult(new Answer(reply, fds))) fds.ForEach(fd => fd.Dispose());
            }
        }
        catch (Exception e) when (e is KernelException or InvalidDataException or System.Text.Json.JsonException or ObjectDisposedException)
        {
            // The same as its end: whoever waits is told below.
        }
        lost = true;
        foreach (long id in pending.Keys) Fail(id);
        onLost(this);
        ended.TrySetResult();
    }

    private void Fail(long id)
    {
        if (pending.TryRemove(id, out var waiting))
            waiting.TrySetException(EngineException.Unavailable("the supervisor of containers has ended; try again"));
    }

    public void Dispose()
    {
        channel.Shutdown();   // the receiving thread sees the end
        channel.Dispose();
    }
}

/// <summary>A supervisor could not do what was asked.</summary>
public sealed class SupervisorFailure(Failure failure) : Exception(failure.Message)
{
    public Failure Failure { get; } = failure;
}
