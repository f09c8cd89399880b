using Gantry.Daemon.Containers.Streams;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Containers;

/// <param name="Logs">Replay what the container has written so far.</param>
/// <param name="Stream">Go on with what it writes.</param>
public sealed record AttachRequestArguments(string Name, bool Logs, bool Stream, bool Stdin, bool Stdout, bool Stderr, string DetachKeys);

/// <summary>How an attached client is spoken to.</summary>
public enum AttachProtocol
{
    /// <summary>The connection itself, with the streams in frames.</summary>
    Raw,

    /// <summary>A websocket, with both streams in one and without frames.</summary>
    WebSocket,
}

public sealed partial class ContainerService
{
    /// <summary>Connects a client to a container's streams; to one that does not run yet, for when it does (reference 4.7).</summary>
    public Task AttachAsync(Job job, AttachRequestArguments request, CancellationToken cancellation) => AttachAsync(job, request, AttachProtocol.Raw, cancellation);

    /// <summary>The same over a websocket. Before API 1.42 it always had all three streams, and before 1.28 it spoke in text messages.</summary>
    public Task AttachWebSocketAsync(Job job, AttachRequestArguments request, CancellationToken cancellation)
    {
        if (job.Client.ApiVersion < new Version(1, 42)) request = request with { Stdin = true, Stdout = true, Stderr = true };
        return AttachAsync(job, request, AttachProtocol.WebSocket, cancellation);
    }

    private async Task AttachAsync(Job job, AttachRequestArguments request, AttachProtocol protocol, CancellationToken cancellation)
    {
        var container = store.Get(request.Name);
        var keys = DetachKeys.Parse(request.DetachKeys);
        if (container.Status.Paused) throw EngineException.Conflict($"container {request.Name} is paused, unpause the container before attach");
        if (container.Status.Restarting) throw EngineException.Conflict($"container {request.Name} is restarting, wait until the container is running");
        var connection = job.Connection ?? throw EngineException.InvalidParameter("attach needs a connection that can be taken over");
        bool terminal = container.Record.Config.Tty;

        using var session = request.Stream ? StreamSession.Create(framed: !terminal) : null;
        var begin = session is null ? null : await ConnectClientAsync(container, request, session, cancellation).ConfigureAwait(false);
        try
        {
            if (protocol == AttachProtocol.WebSocket)
            {
                await using var socket = await connection.AcceptWebSocketAsync(binary: job.Client.ApiVersion >= new Version(1, 28), cancellation).ConfigureAwait(false);
                await ServeAttachedAsync(container, request, session, begin, terminal ? socket : new PayloadStream(socket), keys, cancellation).ConfigureAwait(false);
                return;
            }
            string type = terminal || job.Client.ApiVersion < new Version(1, 42) ? "application/vnd.docker.raw-stream" : "application/vnd.docker.multiplexed-stream";
            await using var client = await connection.TakeOverAsync(type, standardHeaders: false, cancellation).ConfigureAwait(false);
            await ServeAttachedAsync(container, request, session, begin, client, keys, cancellation).ConfigureAwait(false);
        }
        finally
        {
            if (session is not null) container.Sessions.Remove(session);
        }
    }

    /// <summary>First what is in the log, then what comes: the one ends where the other begins.</summary>
    private async Task ServeAttachedAsync(Container container, AttachRequestArguments request, StreamSession? session, AttachedReply? begin, IDuplexStream client, DetachKeys keys, CancellationToken cancellation)
    {
        Publish(container, "attach");
        if (request.Logs) await ReplayAsync(container, request, begin, client, cancellation).ConfigureAwait(false);
        if (session is null) return;
        bool terminal = container.Record.Config.Tty;
        var end = await session.RunAsync(client, request.Stdin && container.Record.Config.OpenStdin, terminal ? keys : null, cancellation).ConfigureAwait(false);
        if (end == StreamSession.End.Detached) Publish(container, "detach");
    }

    /// <summary>Gives the supervisor its end of the session: now, or with the start that is to come.</summary>
    /// <returns>Where the session's output begins; null when the process has not written anything yet, or has ended.</returns>
    private static async Task<AttachedReply?> ConnectClientAsync(Container container, AttachRequestArguments request, StreamSession session, CancellationToken cancellation)
    {
        var wanted = new AttachedClient { Stdin = request.Stdin && container.Record.Config.OpenStdin, Stdout = request.Stdout, Stderr = request.Stderr };
        session.HasLostSupervisor = stop => HasLostSupervisorAsync(container.Process, stop);
        bool waited = false;
        while (true)
        {
            await RescuedAsync(container, cancellation).ConfigureAwait(false);
            RunningProcess? process;
            Task? starting = null;
            lock (container.Gate)
            {
                process = container.Process;
                if (process is null)
                {
                    if (container.Status.Removing) throw EngineException.NotFound($"No such container: {request.Name}");
                    if (container.ClientsTaken) starting = container.Starting?.Task;
                    if (starting is null)
                    {
                        if (waited) break;   // that start has failed, or what it started has ended
                        container.PendingClients.Add(new PendingAttach(session.Remote.Duplicate(), wanted));
                        container.Sessions.Add(session, wanted);
                        return null;
                    }
                }
            }
            if (process is null)
            {
                await starting!.WaitAsync(cancellation).ConfigureAwait(false);
                waited = true;
                continue;
            }
            try
            {
                var message = new Request { Attach = new AttachRequest { Container = container.Id, Client = wanted with { Descriptor = 0, Unfinished = request.Logs } } };
                var answer = await process.Supervisor.AskAsync(message, [session.Remote], cancellation).ConfigureAwait(false);
                session.BeginAt(answer.Reply.Attached);
                container.Sessions.Add(session, wanted);
                return answer.Reply.Attached;
            }
            catch (SupervisorFailure)
            {
                break;   // it has ended this instant
            }
            catch (EngineException) when (process.Supervisor.IsLost)
            {
                await process.Supervisor.Lost.WaitAsync(cancellation).ConfigureAwait(false);   // the next one gets it
            }
        }
        session.Finish();   // at once, having nothing to show
        return null;
    }

    /// <summary>A session's output has ended: because its process has, or because its supervisor died.</summary>
    private static async Task<bool> HasLostSupervisorAsync(RunningProcess? process, CancellationToken cancellation)
    {
        if (process is null) return false;
        await Task.WhenAny(process.Exited, process.Supervisor.Lost).WaitAsync(cancellation).ConfigureAwait(false);
        return !process.Exited.IsCompleted;
    }

    private static List<PendingAttach> TakePendingClients(Container container, bool starting)
    {
        lock (container.Gate)
        {
            var clients = container.PendingClients.ToList();
            container.PendingClients.Clear();
            container.ClientsTaken = starting;
            return clients;
        }
    }

    /// <summary>A start that failed, or a removal: who waited for output sees its end.</summary>
    private static void DropPendingClients(Container container)
    {
        foreach (var client in TakePendingClients(container, starting: false)) client.Socket.Dispose();
        EndSessions(container.Sessions);
    }

    /// <summary>Their process has ended: their output ends with what has been sent, whoever else holds the other end.</summary>
    private static void EndSessions(AttachedSessions sessions)
    {
        foreach (var (session, _) in sessions.All) session.Finish();
    }
}
