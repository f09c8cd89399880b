using System.Buffers;
using System.Net.Sockets;
using Gantry.Daemon.Engine;
using Gantry.Linux.Kernel;
using Gantry.Linux.Sockets;
using Gantry.Protocol.Streams;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Containers.Streams;

/// <summary>Carries bytes between a client's connection and a process: the supervisor has the other end of a socket pair and speaks the client's format already.</summary>
internal sealed class StreamSession : IDisposable
{
    private const int BufferSize = 64 << 10;

    /// <summary>Input goes to a supervisor in pieces that a socket takes as a whole or not at all: what failed can be sent to the next one.</summary>
    private const int PieceSize = 16 << 10;

    /// <summary>How long a client may take to read what a dead supervisor has left in its socket, to be given to the next one.</summary>
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(10);

    private readonly FrameMeter? frames;
    private readonly FrameMeter meter = new();
    private readonly CancellationTokenSource over = new();
    private Move move = new();

    /// <summary>Guards our copy of the supervisor's end: a process ends, a client goes and a supervisor dies when they will.</summary>
    private readonly Lock gate = new();
    private volatile Socket local;
    private volatile bool inputEnded, finished;

    private StreamSession((Socket Local, Fd Remote) pair, bool framed)
    {
        (local, Remote) = pair;
        if (framed) frames = meter;
    }

    /// <summary>What becomes of the session when its supervisor dies.</summary>
    private sealed class Move
    {
        /// <summary>Everything that the dead supervisor has sent is counted.</summary>
        public TaskCompletionSource Drained { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Whether another supervisor has it.</summary>
        public TaskCompletionSource<bool> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>The supervisor's end. It is held here too: input that a supervisor has not taken yet is not lost with it.</summary>
    public Fd Remote { get; private set; }

    private byte[] untaken = [];

    /// <summary>Asked when the output has ended: whether the supervisor has died, and not the process. Without it the end is the end.</summary>
    public Func<CancellationToken, Task<bool>>? HasLostSupervisor { get; set; }

    /// <param name="framed">Output comes in frames: the process has no terminal.</param>
    public static StreamSession Create(bool framed) => new(CreatePair(), framed);

    private static (Socket, Fd) CreatePair()
    {
        var (ours, theirs) = MessageSocket.CreatePair(sendBuffer: 1 << 20);
        return (new Socket(new SafeSocketHandle(ours.Release(), ownsHandle: true)), theirs);
    }

    /// <summary>Whether output comes in frames.</summary>
    public bool IsFramed => frames is not null;

    /// <summary>Where the output begins that comes from the supervisor.</summary>
    public void BeginAt(AttachedReply? from) => meter.Begin(from);

    /// <summary>The supervisor is dead: makes another socket pair for the next one, once everything that it had sent is counted.</summary>
    /// <returns>What the client has had, and the next supervisor's end for the caller to send and close; null when the client does not read, or the session is over.</returns>
    public async Task<(AttachedReply Received, Fd Socket)?> PrepareMoveAsync()
    {
        if (finished) return null;
        var now = move;
        LetGo();
        try
        {
            await now.Drained.Task.WaitAsync(DrainLimit, over.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            now.Done.TrySetResult(false);
            return null;
        }
        var (socket, remote) = CreatePair();
        if (untaken.Length > 0) await socket.SendAsync(untaken, SocketFlags.None).ConfigureAwait(false);   // an empty socket takes as much as one held
        untaken = [];
        var sent = remote.Duplicate();
        lock (gate)
        {
            if (over.IsCancellationRequested)
            {
                foreach (IDisposable unused in (IDisposable[])[socket, remote, sent]) unused.Dispose();
                return null;
            }
            var old = local;
            (local, Remote) = (socket, remote);
            old.Dispose();
        }
        Interlocked.MemoryBarrier();   // the other half of EndInput: whichever comes second sees what the first has written
        if (inputEnded) EndInput();
        return (meter.Received, sent);
    }

    /// <summary>Nobody is at the other end any more: keeps what was not taken there, and lets the output end. Input that comes from now on waits for the next socket.</summary>
    public void LetGo()
    {
        lock (gate)
        {
            if (Remote.IsClosed) return;
            Shutdown(local);
            untaken = [.. untaken, .. ReadUntaken(Remote)];
            Remote.Dispose();
        }
    }

    /// <summary>The process has ended: the output ends with what has been sent, whoever else holds the other end, and no other supervisor gets this session.</summary>
    public void Finish()
    {
        finished = true;
        LetGo();
        Interlocked.MemoryBarrier();
        move.Done.TrySetResult(false);
    }

    private static unsafe byte[] ReadUntaken(Fd socket)
    {
        const int dontWait = 0x40;
        using var kept = new MemoryStream();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        while (true)
        {
            nint count;
            fixed (byte* p = buffer) count = Syscall.Call(SyscallNumber.Recvfrom, socket.Number, (nint)p, buffer.Length, dontWait);
            if (count <= 0) break;
            kept.Write(buffer, 0, (int)count);
        }
        ArrayPool<byte>.Shared.Return(buffer);
        return kept.ToArray();
    }

    /// <param name="done">Another supervisor has the other end.</param>
    public void FinishMove(bool done)
    {
        var now = move;
        move = new Move();
        if (done) frames?.GoOn();
        now.Done.TrySetResult(done);
        Interlocked.MemoryBarrier();   // the other half of Finish
        if (finished) move.Done.TrySetResult(false);
    }

    /// <summary>How a session ended.</summary>
    public enum End
    {
        /// <summary>The process has ended, or its output has.</summary>
        Output,

        /// <summary>The detach keys were typed.</summary>
        Detached,

        /// <summary>The client has gone.</summary>
        Client,
    }

    /// <summary>Copies both ways until the output ends, the client goes, or the detach keys are typed.</summary>
    /// <param name="input">Whether the client's input goes to the process.</param>
    /// <param name="keys">Detach keys to look for; null for none.</param>
    /// <param name="recorded">What must be known before the client sees the end of the output; null for nothing.</param>
    public async Task<End> RunAsync(IDuplexStream client, bool input, DetachKeys? keys, CancellationToken cancellation, Task? recorded = null)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var output = CopyOutputAsync(client, stop.Token);
        var typed = CopyInputAsync(client, input, keys, stop.Token);
        var first = await Task.WhenAny(output, typed).ConfigureAwait(false);
        if (first == typed && await typed.ConfigureAwait(false) is { } ended)
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await IgnoreAsync(output).ConfigureAwait(false);
            return ended;
        }
        bool clientThere = await output.ConfigureAwait(false);
        if (clientThere && recorded is not null) await recorded.WaitAsync(cancellation).ConfigureAwait(false);
        if (clientThere) await client.CompleteWritesAsync().ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        await IgnoreAsync(typed).ConfigureAwait(false);
        return clientThere ? End.Output : End.Client;
    }

    private static async Task IgnoreAsync(Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
        {
            // The session is over; how this direction ended does not matter any more.
        }
    }

    /// <summary>False when the client could not be written to.</summary>
    private async Task<bool> CopyOutputAsync(IDuplexStream client, CancellationToken cancellation)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        int kept = 0;
        try
        {
            while (true)
            {
                int count = await ReceiveAsync(buffer.AsMemory(kept), cancellation).ConfigureAwait(false);
                if (count == 0)
                {
                    kept = 0;   // a head that is not whole comes again
                    if (!await HasMovedAsync(cancellation).ConfigureAwait(false)) return true;
                    continue;
                }
                count += kept;
                int from = 0, to = count;
                if (frames is null) meter.Count(count);
                else if (!frames.Take(buffer.AsSpan(0, count), out from, out to)) return true;
                if (to > from) await client.WriteAsync(buffer.AsMemory(from, to - from), cancellation).ConfigureAwait(false);
                kept = count - to;
                buffer.AsSpan(to, kept).CopyTo(buffer);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Whether the output goes on, from another supervisor.</summary>
    private async Task<bool> HasMovedAsync(CancellationToken cancellation)
    {
        if (HasLostSupervisor is null) return false;
        var now = move;
        var lost = HasLostSupervisor(cancellation);
        await Task.WhenAny(lost, now.Done.Task).ConfigureAwait(false);
        if (!now.Done.Task.IsCompleted && !await lost.ConfigureAwait(false)) return false;
        now.Drained.TrySetResult();
        return await now.Done.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>The first bytes of a framed output, both streams together; the rest is read and dropped.</summary>
    public async Task<byte[]> ReadOutputAsync(int limit, CancellationToken cancellation)
    {
        using var kept = new MemoryStream();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        int filled = 0, rest = 0;
        try
        {
            while (true)
            {
                int count = await local.ReceiveAsync(buffer.AsMemory(filled), SocketFlags.None, cancellation).ConfigureAwait(false);
                if (count == 0) return kept.ToArray();
                filled += count;
                int used = 0;
                while (used < filled)
                {
                    if (rest == 0)
                    {
                        if (filled - used < StreamFrame.HeaderSize || !StreamFrame.TryReadHeader(buffer.AsSpan(used), out _, out rest)) break;
                        used += StreamFrame.HeaderSize;
                        continue;
                    }
                    int part = Math.Min(rest, filled - used);
                    kept.Write(buffer, used, (int)Math.Min(part, Math.Max(0, limit - kept.Length)));
                    used += part;
                    rest -= part;
                }
                buffer.AsSpan(used, filled - used).CopyTo(buffer);
                filled -= used;
            }
        }
        catch (SocketException)
        {
            return kept.ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        try
        {
            return await local.ReceiveAsync(buffer, SocketFlags.None, cancellation).ConfigureAwait(false);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return 0;   // the supervisor closed with input unread: the output was complete
        }
    }

    /// <summary>Null when the input has just ended, which ends nothing else.</summary>
    private async Task<End?> CopyInputAsync(IDuplexStream client, bool input, DetachKeys? keys, CancellationToken cancellation)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize), filtered = ArrayPool<byte>.Shared.Rent(BufferSize + 64);
        bool open = input;
        try
        {
            while (true)
            {
                int count = await client.ReadAsync(buffer.AsMemory(0, BufferSize), cancellation).ConfigureAwait(false);
                if (count == 0)
                {
                    if (open) EndInput();
                    return null;
                }
                if (!open) continue;
                var data = buffer.AsMemory(0, count);
                bool detached = false;
                if (keys is not null)
                {
                    detached = keys.Filter(data.Span, filtered, out int length);
                    data = filtered.AsMemory(0, length);
                }
                open = await SendAsync(data, cancellation).ConfigureAwait(false);   // when the process does not listen any more: go on reading, to notice when the client goes
                if (detached) return End.Detached;
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            return End.Client;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            ArrayPool<byte>.Shared.Return(filtered);
        }
    }

    private void EndInput()
    {
        inputEnded = true;
        Interlocked.MemoryBarrier();
        Shutdown(local);
    }

    private static void Shutdown(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The supervisor is dead; the next one is told by its own socket.
        }
    }

    /// <summary>Sends input, to the next supervisor when this one dies meanwhile. False when nobody takes it any more.</summary>
    private async Task<bool> SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        while (!data.IsEmpty)
        {
            var (socket, now) = (local, move);
            try
            {
                data = data[await socket.SendAsync(data[..Math.Min(PieceSize, data.Length)], SocketFlags.None, cancellation).ConfigureAwait(false)..];
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (socket != local) continue;
                if (HasLostSupervisor is null || !await now.Done.Task.WaitAsync(cancellation).ConfigureAwait(false)) return false;
            }
        }
        return true;
    }

    public void Dispose()
    {
        over.Cancel();   // not disposed: a move may be waiting on it
        move.Done.TrySetResult(false);
        lock (gate)
        {
            local.Dispose();
            Remote.Dispose();
        }
    }
}
