using System.IO.Pipes;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Client;

/// <summary>Opens connections to one engine: for the HTTP client, and for streams that leave HTTP behind.</summary>
internal sealed class EngineDialer(EngineAddress address, TlsSettings? tls)
{
    public EngineAddress Address { get; } = address;

    public TlsSettings? Tls { get; } = tls;

    /// <summary>The base of request addresses; the host name only matters for tcp.</summary>
    public Uri BaseUri => Address.Transport == EngineTransport.Tcp
        ? new UriBuilder(Tls is null ? "http" : "https", Address.Host, Address.Port).Uri
        : new Uri("http://engine/");

    /// <summary>A connected stream without TLS.</summary>
    /// <exception cref="ContainerEngineException">Unreachable or not allowed.</exception>
    public async Task<Stream> DialAsync(CancellationToken cancellation)
    {
        try
        {
            return Address.Transport switch
            {
                EngineTransport.UnixSocket => await DialSocketAsync(new UnixDomainSocketEndPoint(Address.Path), AddressFamily.Unix, ProtocolType.Unspecified, cancellation).ConfigureAwait(false),
                EngineTransport.NamedPipe => await DialPipeAsync(cancellation).ConfigureAwait(false),
                _ => await DialTcpAsync(cancellation).ConfigureAwait(false),
            };
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AccessDenied)
        {
            throw new ContainerEngineException(EngineErrorKind.AccessDenied, $"This user may not open {Address}: {e.Message}.", e);
        }
        catch (Exception e) when (e is SocketException or IOException or TimeoutException or ArgumentException)
        {
            throw new ContainerEngineException(EngineErrorKind.Unreachable, $"No container engine answers at {Address}: {Reason(e)}.", e);
        }
    }

    /// <summary>A connected stream, with TLS where the session uses it.</summary>
    public async Task<Stream> DialSecureAsync(CancellationToken cancellation)
    {
        var stream = await DialAsync(cancellation).ConfigureAwait(false);
        if (Tls is null) return stream;
        var secure = new SslStream(stream);
        try
        {
            await secure.AuthenticateAsClientAsync(Tls.ToOptions(Address.Host), cancellation).ConfigureAwait(false);
            return secure;
        }
        catch (Exception e)
        {
            await secure.DisposeAsync().ConfigureAwait(false);
            if (e is AuthenticationException or IOException) throw HandshakeFailed(e);
            throw;
        }
    }

    public ContainerEngineException HandshakeFailed(Exception e) =>
        new(EngineErrorKind.AccessDenied, $"The TLS handshake with {Address} failed: {(e.InnerException ?? e).Message}", e);

    private async Task<Stream> DialTcpAsync(CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(Address.Host, Address.Port, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<Stream> DialSocketAsync(System.Net.EndPoint endPoint, AddressFamily family, ProtocolType protocol, CancellationToken cancellation)
    {
        var socket = new Socket(family, SocketType.Stream, protocol);
        try
        {
            await socket.ConnectAsync(endPoint, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<Stream> DialPipeAsync(CancellationToken cancellation)
    {
        var pipe = new NamedPipeClientStream(".", Address.Path, PipeDirection.InOut, PipeOptions.Asynchronous);
        try
        {
            await pipe.ConnectAsync(3000, cancellation).ConfigureAwait(false);
            return pipe;
        }
        catch
        {
            await pipe.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private string Reason(Exception e) => e switch
    {
        SocketException when Address.Transport == EngineTransport.UnixSocket && !File.Exists(Address.Path) => "the socket does not exist",
        _ => e.Message.TrimEnd('.'),
    };
}
