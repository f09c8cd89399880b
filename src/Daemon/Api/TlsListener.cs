using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Gantry.Daemon.Options;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Api;

/// <summary>TLS on tcp connections, with client certificates when they are asked for (reference A11).</summary>
internal sealed class TlsListener
{
    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(10);
    private readonly SslServerAuthenticationOptions authentication;
    private readonly ILogger log;

    private TlsListener(SslServerAuthenticationOptions authentication, ILogger log)
    {
        this.authentication = authentication;
        this.log = log;
    }

    /// <summary>Reads the certificate files.</summary>
    /// <exception cref="OptionsException">One is missing or unusable.</exception>
    public static TlsListener Load(TlsOptions options, ILogger log)
    {
        SslServerAuthenticationOptions authentication;
        try
        {
            var pem = X509Certificate2.CreateFromPemFile(options.Certificate, options.Key);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(options.Certificate);
            authentication = new SslServerAuthenticationOptions
            {
                ServerCertificateContext = SslStreamCertificateContext.Create(pem, chain, offline: true),
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                ClientCertificateRequired = options.Verify,
            };
        }
        catch (Exception e) when (e is IOException or CryptographicException or UnauthorizedAccessException)
        {
            throw new OptionsException($"could not load X509 key pair (cert: \"{options.Certificate}\", key: \"{options.Key}\"): {e.Message}. Make sure the key is not encrypted");
        }
        if (options.Verify) authentication.RemoteCertificateValidationCallback = Verifier(options);
        return new TlsListener(authentication, log);
    }

    private static RemoteCertificateValidationCallback Verifier(TlsOptions options)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(options.Authority);
        }
        catch (Exception e) when (e is IOException or CryptographicException or UnauthorizedAccessException)
        {
            throw new OptionsException($"could not read CA certificate \"{options.Authority}\": {e.Message}");
        }
        return (_, certificate, _, _) =>
        {
            if (certificate is not X509Certificate2 client) return false;
            using var chain = new X509Chain();
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.2"));   // client authentication
            chain.ChainPolicy.DisableCertificateDownloads = true;
            return chain.Build(client);
        };
    }

    public ConnectionDelegate Middleware(ConnectionDelegate next) => async connection =>
    {
        var transport = connection.Transport;
        var socket = connection.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket;
        await using var tls = new SslStream(new TransportStream(transport.Input, socket), leaveInnerStreamOpen: false);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
            limit.CancelAfter(HandshakeLimit);
            await tls.AuthenticateAsServerAsync(authentication, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException or CryptographicException)
        {
            ApiLog.HandshakeFailed(log, e.Message);
            return;
        }
        connection.Features.Set(new TlsConnection(tls));
        var input = PipeReader.Create(tls, new StreamPipeReaderOptions(bufferSize: 16 << 10));
        var output = PipeWriter.Create(tls, new StreamPipeWriterOptions(leaveOpen: true));
        connection.Transport = new Duplex(input, output);
        try
        {
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            await input.CompleteAsync().ConfigureAwait(false);
            await output.CompleteAsync().ConfigureAwait(false);
            connection.Transport = transport;
        }
    };
}

/// <summary>The encrypted stream of a connection, for whoever takes the connection over.</summary>
internal sealed record TlsConnection(SslStream Stream);
