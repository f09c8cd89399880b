using System.Text;
using Gantry.Daemon.Engine;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Gantry.Daemon.Api;

/// <summary>Lets a command take a request's connection over (reference 4.7): with <c>101 UPGRADED</c> when the client asked for an upgrade, with a bare <c>200 OK</c> otherwise.</summary>
internal sealed class ClientConnection(HttpContext context, ConnectionLife life, ApiHeaders headers) : IClientConnection
{
    private const string RawStream = "application/vnd.docker.raw-stream";
    private TakenOverConnection? taken;

    public bool Upgrades { get; } = context.Request.Headers.Upgrade.Count > 0;

    public bool IsTakenOver => taken is not null;

    public async Task<IDuplexStream> TakeOverAsync(string contentType, bool standardHeaders, CancellationToken cancellation)
    {
        var connection = Take();
        var head = new StringBuilder(256);
        if (Upgrades) head.Append("HTTP/1.1 101 UPGRADED\r\nContent-Type: ").Append(contentType).Append("\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n");
        else head.Append("HTTP/1.1 200 OK\r\nContent-Type: " + RawStream + "\r\n");
        if (standardHeaders) head.Append(headers.Text);
        head.Append("\r\n");
        await connection.WriteHeadAsync(Encoding.ASCII.GetBytes(head.ToString()), cancellation).ConfigureAwait(false);
        return connection;
    }

    public async Task<IDuplexStream> AcceptWebSocketAsync(bool binary, CancellationToken cancellation)
    {
        string accept = WebSocketHandshake.Answer(context.Request);
        var connection = Take();
        string head = $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{headers.Text}\r\n";
        await connection.WriteAsync(Encoding.ASCII.GetBytes(head), cancellation).ConfigureAwait(false);
        return new WebSocketStream(connection, binary);
    }

    private TakenOverConnection Take()
    {
        if (taken is not null) throw new InvalidOperationException("the connection has been taken over before");
        var socket = context.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket;
        var input = context.Features.GetRequiredFeature<IConnectionTransportFeature>().Transport.Input;
        taken = new TakenOverConnection(input, socket, context.Features.Get<TlsConnection>()?.Stream);
        life.IsTakenOver = true;
        return taken;
    }

    /// <summary>After the command: both directions are closed, and Kestrel reads no other request from the connection.</summary>
    public async ValueTask EndAsync()
    {
        if (taken is null) return;
        await taken.DisposeAsync().ConfigureAwait(false);
        context.Response.Headers.Connection = "close";
    }
}
