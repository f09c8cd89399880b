using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using Gantry.Daemon.Engine;
using Gantry.Linux.Sockets;

namespace Gantry.Daemon.Api;

/// <summary>A connection after HTTP: reads come from the transport's pipe, where bytes may wait that came with the request; writes go straight to the socket or TLS stream.</summary>
/// <remarks>Kestrel's own output pipe cannot be used: it offers no way to know that everything is sent, and so no way to end one direction.</remarks>
internal sealed class TakenOverConnection(PipeReader input, Socket socket, SslStream? tls) : IDuplexStream
{
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(2);

    /// <summary>How long the first output waits for the client to read the head.</summary>
    private static readonly TimeSpan HeadLimit = TimeSpan.FromMilliseconds(50);

    private bool headIsUnderWay, writesEnded, inputEnded;

    /// <summary>Sends the answer's head; what comes after it is sent once the client has read that.</summary>
    /// <remarks>Clients exist (docker-py) that read the head through a buffer and the stream past it, and would lose what came together with the head.</remarks>
    public async ValueTask WriteHeadAsync(ReadOnlyMemory<byte> head, CancellationToken cancellation)
    {
        await WriteAsync(head, cancellation).ConfigureAwait(false);
        headIsUnderWay = tls is null;
    }

    /// <summary>The kernel tells how much is unread, but not when that changes: asked again and again, for a short time.</summary>
    private async ValueTask HeadIsReadAsync(CancellationToken cancellation)
    {
        headIsUnderWay = false;
        long start = Stopwatch.GetTimestamp();
        while (Peer.HasUnread(socket.SafeHandle) && Stopwatch.GetElapsedTime(start) < HeadLimit) await Task.Delay(1, cancellation).ConfigureAwait(false);
    }

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        if (inputEnded || buffer.IsEmpty) return 0;
        var result = await input.ReadAsync(cancellation).ConfigureAwait(false);
        var available = result.Buffer.Slice(0, Math.Min(buffer.Length, result.Buffer.Length));
        int length = (int)available.Length;
        available.CopyTo(buffer.Span);
        input.AdvanceTo(available.End);
        if (length == 0) inputEnded = true;
        return length;
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        if (headIsUnderWay) await HeadIsReadAsync(cancellation).ConfigureAwait(false);
        if (tls is not null)
        {
            await tls.WriteAsync(data, cancellation).ConfigureAwait(false);
            return;
        }
        while (!data.IsEmpty) data = data[await socket.SendAsync(data, SocketFlags.None, cancellation).ConfigureAwait(false)..];
    }

    public async ValueTask CompleteWritesAsync()
    {
        if (writesEnded) return;
        writesEnded = true;
        try
        {
            if (tls is not null) await tls.ShutdownAsync().ConfigureAwait(false);   // close_notify: the end of our direction
            else socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The peer was faster.
        }
    }

    /// <summary>Ends our direction, then reads to the end of the other one: closing a socket with unread input would reset it, and the client could lose what we sent last.</summary>
    public async ValueTask DisposeAsync()
    {
        await CompleteWritesAsync().ConfigureAwait(false);
        using var limit = new CancellationTokenSource(Linger);
        byte[] discarded = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            while (await ReadAsync(discarded, limit.Token).ConfigureAwait(false) > 0)
            {
            }
            if (tls is null) socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
        {
            // It is over already, or the client holds its direction open: it is closed now.
        }
        ArrayPool<byte>.Shared.Return(discarded);
    }
}
