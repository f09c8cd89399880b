using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Gantry.Protocol.Streams;

namespace Gantry.Daemon.Api;

/// <summary>A connection as one stream, for TLS to run on: reads from the transport's pipe, writes to the socket.</summary>
/// <remarks>Not to the output pipe: a write that has completed must be with the kernel, or closing the connection could drop it.</remarks>
internal sealed class TransportStream(PipeReader input, Socket socket) : ForwardStream
{
    public override bool CanWrite => true;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var result = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (result.IsCanceled) throw new OperationCanceledException();
        var available = result.Buffer.Slice(0, Math.Min(buffer.Length, result.Buffer.Length));
        available.CopyTo(buffer.Span);
        input.AdvanceTo(available.End);
        return (int)available.Length;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            while (!buffer.IsEmpty) buffer = buffer[await socket.SendAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false)..];
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }
    }
}
