using System.Net.Security;
using System.Net.Sockets;

namespace Gantry.PowerShell.Client;

/// <summary>A connection that carries a container's streams and no HTTP any more (reference 4.7). Its two directions end separately.</summary>
/// <param name="stream">The raw connection.</param>
/// <param name="early">Bytes that came together with the answer's head.</param>
/// <param name="multiplexed">Whether what is read has frames; otherwise it is a terminal's bytes.</param>
internal sealed class HijackedConnection(Stream stream, ReadOnlyMemory<byte> early, bool multiplexed) : IAsyncDisposable
{
    private ReadOnlyMemory<byte> early = early;

    public bool IsMultiplexed { get; } = multiplexed;

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        if (!early.IsEmpty)
        {
            int count = Math.Min(early.Length, buffer.Length);
            early[..count].CopyTo(buffer);
            early = early[count..];
            return count;
        }
        return await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false);
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        await stream.WriteAsync(data, cancellation).ConfigureAwait(false);
        await stream.FlushAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Ends our direction, so that the process reads an end of file; its output goes on.</summary>
    public async ValueTask CompleteWritesAsync()
    {
        switch (stream)
        {
            case SslStream secure:
                await secure.ShutdownAsync().ConfigureAwait(false);
                break;
            case NetworkStream network:
                network.Socket.Shutdown(SocketShutdown.Send);
                break;
            default:
                await stream.WriteAsync(ReadOnlyMemory<byte>.Empty).ConfigureAwait(false);   // Docker's pipes take an empty message as the end
                break;
        }
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();
}
