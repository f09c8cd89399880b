using System.Net;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Registries;

/// <summary>Which hosts may be spoken to without TLS, or without checking it: loopback, and what the operator lists.</summary>
internal sealed class InsecureRegistries(IReadOnlyList<string> configured)
{
    private readonly List<IPNetwork> networks = [.. configured.Where(r => IPNetwork.TryParse(r, out _)).Select(r => IPNetwork.Parse(r))];

    /// <param name="host"><c>name[:port]</c>.</param>
    public bool Contains(string host)
    {
        string name = WithoutPort(host);
        if (IsLoopback(host) || configured.Contains(host) || configured.Contains(name)) return true;
        return IPAddress.TryParse(name, out var address) && networks.Exists(n => n.Contains(address));
    }

    /// <param name="host"><c>name[:port]</c>.</param>
    public static bool IsLoopback(string host)
    {
        string name = WithoutPort(host);
        return name == "localhost" || (IPAddress.TryParse(name, out var address) && IPAddress.IsLoopback(address));
    }

    private static string WithoutPort(string host)
    {
        if (host.StartsWith('[')) return host[1..Math.Max(1, host.IndexOf(']'))];
        int colon = host.IndexOf(':');
        return colon < 0 ? host : host[..colon];
    }
}

/// <summary>A registry's host.</summary>
/// <param name="Host"><c>name[:port]</c>, as images are named by it.</param>
internal sealed record RegistryHost(string Host)
{
    private const string DockerHub = "registry-1.docker.io";

    /// <summary>What images of Docker Hub are named by.</summary>
    public const string HubDomain = "docker.io";

    /// <summary>Reads the server address of a login: a URL of any scheme and path, a host, or nothing for Docker Hub. The scheme says nothing about security.</summary>
    /// <exception cref="EngineException">400 <c>unable to parse server address: …</c>.</exception>
    public static RegistryHost Parse(string? address)
    {
        string text = (address ?? "").Trim();
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0) text = text[(scheme + 3)..];
        int slash = text.IndexOf('/');
        if (slash >= 0) text = text[..slash];
        if (text is "" or "index.docker.io" or HubDomain or DockerHub) return new RegistryHost(DockerHub);
        if (Uri.TryCreate($"https://{text}/v2/", UriKind.Absolute, out var parsed) && parsed.Host.Length > 0 && !text.AsSpan().ContainsAny(" \t@?#"))
            return new RegistryHost(text);
        throw EngineException.InvalidParameter($"unable to parse server address: \"{address}\" is not a host name with an optional port");
    }
}
