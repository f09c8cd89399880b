using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Registries;

/// <summary>The certificates that a machine keeps for one registry: <c>certs.d/HOST[:PORT]/</c> (docs.docker.com, "Verify repository client with certificates").</summary>
/// <param name="Authorities">Trusted beside the system's own.</param>
/// <param name="Own">What we show when the registry asks.</param>
internal sealed record RegistryCertificates(X509Certificate2Collection Authorities, X509Certificate2Collection Own)
{
    /// <exception cref="EngineException">500: a file is unreadable, or one half of a pair is missing.</exception>
    public static RegistryCertificates Load(IEnumerable<string> folders, string host)
    {
        var found = new RegistryCertificates([], []);
        foreach (string folder in folders.Select(f => Path.Combine(f, host)).Where(Directory.Exists)) found.AddFolder(folder);
        return found;
    }

    /// <summary>Changes when a file of a registry comes, goes or changes; 0 for a registry without any.</summary>
    public static long Stamp(IEnumerable<string> folders, string host)
    {
        long stamp = 0;
        foreach (var folder in folders.Select(f => new DirectoryInfo(Path.Combine(f, host))).Where(f => f.Exists))
        {
            stamp = Math.Max(stamp, folder.LastWriteTimeUtc.Ticks);
            foreach (var file in folder.EnumerateFiles()) stamp = Math.Max(stamp, file.LastWriteTimeUtc.Ticks);
        }
        return stamp;
    }

    private void AddFolder(string folder)
    {
        try
        {
            foreach (string file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal)) AddFile(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw EngineException.System($"invalid certificates in {folder}: {e.Message}", e);
        }
    }

    private void AddFile(string file)
    {
        switch (Path.GetExtension(file))
        {
            case ".crt":
                Authorities.ImportFromPemFile(file);
                break;
            case ".cert":
                string key = Path.ChangeExtension(file, ".key");
                if (!File.Exists(key))
                    throw EngineException.System($"missing key {Path.GetFileName(key)} for client certificate {Path.GetFileName(file)}. CA certificates must use the extension .crt");
                Own.Add(X509Certificate2.CreateFromPemFile(file, key));
                break;
            case ".key" when !File.Exists(Path.ChangeExtension(file, ".cert")):
                throw EngineException.System($"missing client certificate {Path.GetFileName(Path.ChangeExtension(file, ".cert"))} for key {Path.GetFileName(file)}");
        }
    }

    /// <summary>What a connection is made with.</summary>
    /// <param name="verify">False takes any certificate.</param>
    public SslClientAuthenticationOptions ToOptions(bool verify)
    {
        var options = new SslClientAuthenticationOptions { ClientCertificates = Own.Count > 0 ? Own : null };
        if (!verify) options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        else if (Authorities.Count > 0) options.RemoteCertificateValidationCallback = (_, certificate, chain, errors) => IsTrusted(certificate, chain, errors);
        return options;
    }

    /// <summary>What the system does not trust may still come from one of our authorities; a wrong name is wrong whoever signed it.</summary>
    private bool IsTrusted(X509Certificate? certificate, X509Chain? sent, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None) return true;
        if (errors != SslPolicyErrors.RemoteCertificateChainErrors || certificate is not X509Certificate2 leaf) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(Authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        foreach (var element in sent?.ChainElements ?? Enumerable.Empty<X509ChainElement>()) chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        return chain.Build(leaf);
    }
}
