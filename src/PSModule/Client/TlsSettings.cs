using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Client;

/// <summary>What a TLS connection is made with: our certificate, whom we believe, and whether we ask at all.</summary>
internal sealed record TlsSettings
{
    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>When set, only chains that end here are believed; otherwise the system's roots.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    public bool SkipServerCheck { get; init; }

    /// <summary>Reads <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c>, the files of Docker's <c>DOCKER_CERT_PATH</c> (reference A11); missing ones are left out.</summary>
    /// <exception cref="ContainerEngineException">A file cannot be read.</exception>
    public static TlsSettings FromDirectory(string directory, bool skipServerCheck)
    {
        string authority = Path.Combine(directory, "ca.pem"), certificate = Path.Combine(directory, "cert.pem"), key = Path.Combine(directory, "key.pem");
        try
        {
            X509Certificate2Collection? authorities = null;
            if (File.Exists(authority))
            {
                authorities = [];
                authorities.ImportFromPemFile(authority);
            }
            return new()
            {
                Authorities = authorities,
                ClientCertificate = File.Exists(certificate) && File.Exists(key) ? X509Certificate2.CreateFromPemFile(certificate, key) : null,
                SkipServerCheck = skipServerCheck,
            };
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new ContainerEngineException(EngineErrorKind.InvalidRequest, $"The TLS files in '{directory}' cannot be used: {e.Message}", e);
        }
    }

    public SslClientAuthenticationOptions ToOptions(string host) => new()
    {
        TargetHost = host,
        ClientCertificates = ClientCertificate is null ? null : [ClientCertificate],
        LocalCertificateSelectionCallback = ClientCertificate is null ? null : (_, _, _, _, _) => ClientCertificate,
        RemoteCertificateValidationCallback = (_, certificate, chain, errors) => IsTrusted(certificate, chain, errors),
    };

    private bool IsTrusted(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (SkipServerCheck || errors == SslPolicyErrors.None) return true;
        if (Authorities is null || certificate is null || chain is null) return false;
        if ((errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0) return false;   // a name that does not fit stays an error
        using var own = new X509Chain();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.AddRange(Authorities);
        own.ChainPolicy.ExtraStore.AddRange(chain.ChainPolicy.ExtraStore);
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        using var server = new X509Certificate2(certificate);
        return own.Build(server);
    }
}
