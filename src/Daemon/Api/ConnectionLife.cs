using Microsoft.AspNetCore.Connections;

namespace Gantry.Daemon.Api;

/// <summary>Tells on one connection the end of the client's sending from the end of the connection.</summary>
/// <remarks>
/// Kestrel aborts a connection as soon as the client has ended its direction. For a stream that was taken over that is just the end of standard input;
/// and a client that ends its direction right after a request (<c>nc -N</c>) still waits for the answer. So Kestrel gets a token that never fires: it
/// learns of the end when it next reads or writes. <see cref="ClientWatch"/> does what is to be done about jobs.
/// </remarks>
internal sealed class ConnectionLife
{
    private ConnectionLife(CancellationToken gone) => Gone = gone;

    /// <summary>Fires when the client has ended its direction, or has gone altogether.</summary>
    public CancellationToken Gone { get; }

    /// <summary>The connection belongs to a stream now; HTTP is over on it.</summary>
    public bool IsTakenOver { get; set; }

    public static ConnectionDelegate Middleware(ConnectionDelegate next) => async connection =>
    {
        var (real, transport) = (connection.ConnectionClosed, connection.Transport);
        var life = new ConnectionLife(real);
        connection.Features.Set(life);
        connection.ConnectionClosed = CancellationToken.None;
        connection.Transport = new Duplex(new PatientReader(transport.Input), new MutableWriter(transport.Output, life));
        try
        {
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            connection.Transport = transport;
            connection.ConnectionClosed = real;
        }
    };
}
