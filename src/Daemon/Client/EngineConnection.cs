using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Gantry.Daemon.Options;

namespace Gantry.Daemon.Client;

/// <summary>One connection to an engine that speaks just as much HTTP/1.1 as the client needs: the full client of the BCL takes longer to load than most commands run.</summary>
internal sealed class EngineConnection : IDisposable
{
    private readonly Socket socket;
    private readonly Stream stream;

    private EngineConnection(Socket socket, Stream stream)
    {
        this.socket = socket;
        this.stream = stream;
    }

    /// <exception cref="IOException">Nobody answers there.</exception>
    public static async Task<EngineConnection> OpenAsync(ClientOptions options, CancellationToken cancellation)
    {
        var host = options.Host;
        Socket? socket = null;
        try
        {
            if (host.Kind == HostKind.Inherited) throw new IOException($"{host} is an address for a daemon only");
            socket = host.Kind == HostKind.Unix ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            if (host.Kind == HostKind.Unix) await socket.ConnectAsync(new UnixDomainSocketEndPoint(host.Target), cancellation).ConfigureAwait(false);
            else await socket.ConnectAsync(host.Target, host.Port, cancellation).ConfigureAwait(false);
            Stream stream = new NetworkStream(socket);
            if (options.Tls.Enabled && host.Kind == HostKind.Tcp) stream = await SecureAsync(stream, host, options.Tls, cancellation).ConfigureAwait(false);
            return new EngineConnection(socket, stream);
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            string reason = host.Kind == HostKind.Unix && !File.Exists(host.Target) ? "there is no such socket" : e.Message;
            throw new IOException($"Cannot connect to the Gantry daemon at {host}. Is the gantry daemon running? ({reason})", e);
        }
        catch
        {
            socket?.Dispose();
            throw;
        }
    }

    private static async Task<Stream> SecureAsync(Stream stream, HostAddress host, TlsOptions tls, CancellationToken cancellation)
    {
        var secure = new SslStream(stream);
        var authentication = new SslClientAuthenticationOptions { TargetHost = host.Target, CertificateRevocationCheckMode = X509RevocationMode.NoCheck };
        if (File.Exists(tls.Certificate) && File.Exists(tls.Key)) authentication.ClientCertificates = [X509Certificate2.CreateFromPemFile(tls.Certificate, tls.Key)];
        if (!tls.Verify)
        {
            authentication.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        }
        else if (File.Exists(tls.Authority))
        {
            var trusted = new X509Certificate2Collection();
            trusted.ImportFromPemFile(tls.Authority);
            authentication.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            authentication.CertificateChainPolicy.CustomTrustStore.AddRange(trusted);
        }
        await secure.AuthenticateAsClientAsync(authentication, cancellation).ConfigureAwait(false);
        return secure;
    }

    /// <summary>Sends a request and reads the head of its answer.</summary>
    /// <param name="body">The whole body; with <paramref name="input"/> the body is that stream, sent in chunks beside the reading of the answer.</param>
    public async Task<EngineAnswer> SendAsync(string method, string target, ReadOnlyMemory<byte> body, Stream? input, bool upgrade, CancellationToken cancellation)
    {
        var head = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{method} {target} HTTP/1.1\r\nHost: gantry\r\nUser-Agent: gantry/{BuildInfo.Version}\r\n");
        if (upgrade) head.Append("Connection: Upgrade\r\nUpgrade: tcp\r\n");
        if (input is not null) head.Append("Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n");
        else if (method == "POST") head.Append(CultureInfo.InvariantCulture, $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n");
        head.Append("\r\n");
        await stream.WriteAsync(Encoding.UTF8.GetBytes(head.ToString()), cancellation).ConfigureAwait(false);
        if (!body.IsEmpty) await stream.WriteAsync(body, cancellation).ConfigureAwait(false);
        if (input is not null) await SendChunksAsync(input, cancellation).ConfigureAwait(false);
        return await EngineAnswer.ReadAsync(stream, cancellation).ConfigureAwait(false);
    }

    private async Task SendChunksAsync(Stream input, CancellationToken cancellation)
    {
        byte[] buffer = new byte[64 << 10];
        try
        {
            int count;
            while ((count = await input.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0)
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes(count.ToString("x", CultureInfo.InvariantCulture) + "\r\n"), cancellation).ConfigureAwait(false);
                await stream.WriteAsync(buffer.AsMemory(0, count), cancellation).ConfigureAwait(false);
                await stream.WriteAsync("\r\n"u8.ToArray(), cancellation).ConfigureAwait(false);
            }
            await stream.WriteAsync("0\r\n\r\n"u8.ToArray(), cancellation).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The engine has heard enough: its answer says why.
        }
    }

    /// <summary>After an upgrade: copies the given input to the engine and ends our direction with it.</summary>
    public async Task SendRawAsync(Stream input, CancellationToken cancellation)
    {
        await input.CopyToAsync(stream, cancellation).ConfigureAwait(false);
        if (stream is SslStream secure) await secure.ShutdownAsync().ConfigureAwait(false);
        else socket.Shutdown(SocketShutdown.Send);
    }

    public void Dispose()
    {
        stream.Dispose();
        socket.Dispose();
    }
}
