using System.Net.WebSockets;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Streams;

namespace Gantry.Daemon.Api;

/// <summary>A websocket (RFC 6455) as a stream of bytes: each write is a message, messages that come are joined. A close frame ends the client's direction only; ours goes on until it is ended.</summary>
internal sealed class WebSocketStream : IDuplexStream
{
    private readonly WebSocket socket;
    private readonly WebSocketMessageType type;

    /// <param name="connection">What is left of the HTTP connection after the handshake.</param>
    /// <param name="binary">Send binary messages; text ones otherwise.</param>
    public WebSocketStream(IDuplexStream connection, bool binary)
    {
        socket = WebSocket.CreateFromStream(new DuplexAdapter(connection), new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = Timeout.InfiniteTimeSpan });
        type = binary ? WebSocketMessageType.Binary : WebSocketMessageType.Text;
    }

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                if (socket.State is not (WebSocketState.Open or WebSocketState.CloseSent)) return 0;
                var received = await socket.ReceiveAsync(buffer, cancellation).ConfigureAwait(false);
                if (received.MessageType == WebSocketMessageType.Close) return 0;
                if (received.Count > 0) return received.Count;   // an empty message is not an end
            }
        }
        catch (WebSocketException e)
        {
            throw new IOException($"the websocket has failed: {e.Message}", e);
        }
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        if (data.IsEmpty) return;
        try
        {
            await socket.SendAsync(data, type, endOfMessage: true, cancellation).ConfigureAwait(false);
        }
        catch (WebSocketException e)
        {
            throw new IOException($"the websocket has failed: {e.Message}", e);
        }
    }

    public async ValueTask CompleteWritesAsync()
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived)) return;
        try
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or IOException or ObjectDisposedException)
        {
            // The client was faster.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CompleteWritesAsync().ConfigureAwait(false);
        socket.Dispose();
    }

    /// <summary>The connection as the runtime's websocket wants it. Its end is its owner's affair.</summary>
    private sealed class DuplexAdapter(IDuplexStream connection) : ForwardStream
    {
        public override bool CanWrite => true;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => connection.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => connection.WriteAsync(buffer, cancellationToken);
    }
}
