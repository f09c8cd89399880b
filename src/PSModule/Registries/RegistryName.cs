namespace Gantry.PowerShell.Registries;

/// <summary>What a registry is called: the part of image names that says where they are.</summary>
internal static class RegistryName
{
    /// <summary>Docker Hub.</summary>
    public const string Hub = "docker.io";

    /// <summary>The address by which engines know Docker Hub's accounts.</summary>
    private const string HubAddress = "https://index.docker.io/v1/";

    /// <summary>From whatever a person calls it: a URL of any scheme and path, or a host with an optional port.</summary>
    public static string Of(string server)
    {
        string name = server.Trim();
        int scheme = name.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0) name = name[(scheme + 3)..];
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0) name = name[..slash];
        return name is "" or "index.docker.io" or "registry-1.docker.io" or "hub.docker.com" ? Hub : name.ToLowerInvariant();
    }

    /// <summary>The registry of an image's name: <c>localhost:5000/team/web</c> is at <c>localhost:5000</c>, <c>busybox</c> at Docker Hub.</summary>
    public static string OfImage(string name)
    {
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0) return Hub;
        string first = name[..slash];
        return first == "localhost" || first.AsSpan().ContainsAny('.', ':') ? Of(first) : Hub;
    }

    /// <summary>What an engine is told.</summary>
    public static string Address(string server) => server == Hub ? HubAddress : server;
}
