namespace Gantry.Daemon.Registries;

/// <summary>What the operator has said about registries.</summary>
public sealed record RegistrySettings
{
    public static readonly RegistrySettings Default = new();

    /// <summary>Hosts that may be spoken to without TLS or without checking it: <c>host[:port]</c> or CIDR. Loopback always is.</summary>
    public IReadOnlyList<string> Insecure { get; init; } = [];

    /// <summary>Mirrors of Docker Hub, asked before it: URLs.</summary>
    public IReadOnlyList<string> Mirrors { get; init; } = [];

    /// <summary>Folders in which <c>HOST[:PORT]/*.crt</c> are authorities to trust and <c>*.cert</c> with <c>*.key</c> are our own certificates for a registry.</summary>
    public IReadOnlyList<string> CertificateFolders { get; init; } = ["/etc/gantry/certs.d", "/etc/docker/certs.d"];

    /// <summary>How long a registry may take to accept a connection, and how long it may then be silent.</summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(15);

    public TimeSpan SilenceLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a registry may take to check and store what was uploaded.</summary>
    public TimeSpan StoreLimit { get; init; } = TimeSpan.FromMinutes(5);
}
