using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Gantry.Testing;

/// <summary>An authority of a test, a server's certificate for one name, and a client's, with their keys.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly X509Certificate2 authority, server, client;

    public TestCertificates(string name)
    {
        Name = name;
        authority = Make("CN=Gantry test authority", null, null);
        server = Make($"CN={name}", authority, name);
        client = Make("CN=client", authority, null);
    }

    /// <summary>The server's.</summary>
    public string Name { get; }

    public X509Certificate2 Authority => authority;

    public X509Certificate2 Server => server;

    public X509Certificate2 Client => client;

    public static string KeyOf(X509Certificate2 certificate) => certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();

    private static X509Certificate2 Make(string subject, X509Certificate2? issuer, string? name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(issuer is null, false, 0, true));
        if (name is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(name);
            request.CertificateExtensions.Add(names.Build());
        }
        if (issuer is null) return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var signed = request.Create(issuer, issuer.NotBefore, issuer.NotAfter, RandomNumberGenerator.GetBytes(8));
        using var both = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(both.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }

    public void Dispose()
    {
        authority.Dispose();
        server.Dispose();
        client.Dispose();
    }
}
