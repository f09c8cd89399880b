using System.Net;
using System.Net.Sockets;
using Gantry.Daemon.Engine;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Api.Listening;

/// <summary>The endpoint by which Kestrel is told of a socket that is bound already.</summary>
internal sealed class BoundEndPoint(BoundSocket bound) : EndPoint
{
    public BoundSocket Bound { get; } = bound;

    public override AddressFamily AddressFamily => Bound.Socket.AddressFamily;

    public override string ToString() => Bound.Address.ToString();
}

/// <summary>Gives Kestrel connections from sockets that were bound before it existed. The first accept waits for the engine's gate.</summary>
internal sealed class GatedListenerFactory(AcceptGate gate, ILoggerFactory logs) : IConnectionListenerFactory
{
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IConnectionListener>(new Listener((BoundEndPoint)endpoint, gate, logs));

    private sealed class Listener : IConnectionListener
    {
        private readonly BoundEndPoint endpoint;
        private readonly AcceptGate gate;
        private readonly ILogger log;
        private readonly SocketConnectionContextFactory connections;
        private readonly CancellationTokenSource unbound = new();

        public Listener(BoundEndPoint endpoint, AcceptGate gate, ILoggerFactory logs)
        {
            this.endpoint = endpoint;
            this.gate = gate;
            log = logs.CreateLogger("Api");
            connections = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions(), logs.CreateLogger("Microsoft.AspNetCore.Server.Kestrel.Transport"));
        }

        public EndPoint EndPoint => endpoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                if (!gate.IsOpen) await gate.WaitAsync(unbound.Token).ConfigureAwait(false);
                while (true)
                {
                    try
                    {
                        var accepted = await endpoint.Bound.Socket.AcceptAsync(unbound.Token).ConfigureAwait(false);
                        if (endpoint.Bound.IsNetwork) accepted.NoDelay = true;
                        return connections.Create(accepted);
                    }
                    catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
                    {
                        // The client left the queue again.
                    }
                    catch (SocketException e) when (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
                    {
                        // Out of descriptors: connections that end make room. Without a pause this would be a busy loop.
                        ApiLog.AcceptFailed(log, e.Message);
                        await Task.Delay(100, unbound.Token).ConfigureAwait(false);
                    }
                }
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException || (e is SocketException && unbound.IsCancellationRequested))
            {
                return null;   // Kestrel's sign for "no more"
            }
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            unbound.Cancel();
            endpoint.Bound.Dispose();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            endpoint.Bound.Dispose();
            connections.Dispose();
            unbound.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
