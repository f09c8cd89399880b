using System;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using System.Threading.Tasks;

/// <summary>Makes an engine's Unix socket reachable by TLS on a loopback port, with a client certificate asked for: what a remote engine is like.</summary>
public sealed class TlsProxy : IDisposable
{
    private readonly TcpListener listener = new TcpListener(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stopping = new CancellationTokenSource();
    private readonly string socketPath;
    private readonly X509Certificate2 certificate;
    private readonly string clientThumbprint;

    public TlsProxy(string socketPath, X509Certificate2 certificate, string clientThumbprint)
    {
        this.socketPath = socketPath;
        this.certificate = certificate;
        this.clientThumbprint = clientThumbprint;
        listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptTcpClientAsync(stopping.Token));
        }
        catch (Exception e) when (e is OperationCanceledException || e is ObjectDisposedException || e is SocketException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            using (var secure = new SslStream(client.GetStream()))
            using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            {
                await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
                {
                    ServerCertificate = certificate,
                    ClientCertificateRequired = true,
                    RemoteCertificateValidationCallback = (_, c, __, ___) => c != null && new X509Certificate2(c).Thumbprint == clientThumbprint,
                }, stopping.Token);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath));
                using (var plain = new NetworkStream(socket))
                {
                    var there = Copy(secure, plain, () => { socket.Shutdown(SocketShutdown.Send); return Task.CompletedTask; });
                    var back = Copy(plain, secure, () => secure.ShutdownAsync());
                    await Task.WhenAll(there, back);
                }
            }
        }
        catch (Exception e) when (e is IOException || e is AuthenticationException || e is OperationCanceledException || e is SocketException || e is ObjectDisposedException)
        {
        }
    }

    private async Task Copy(Stream from, Stream to, Func<Task> end)
    {
        await from.CopyToAsync(to, stopping.Token);
        await end();
    }

    public void Dispose()
    {
        stopping.Cancel();
        listener.Stop();
    }
}
