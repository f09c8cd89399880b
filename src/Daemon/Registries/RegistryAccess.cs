using System.Collections.Concurrent;
using System.Net;

namespace Gantry.Daemon.Registries;

/// <summary>One address under which a registry may answer.</summary>
/// <param name="Root">Scheme, host and, of a mirror, a path; without a slash at its end.</param>
/// <param name="Http">Speaks to it, with the certificates for it.</param>
internal sealed record RegistryEndpoint(Uri Root, HttpClient Http, bool IsMirror)
{
    public Uri Address(string path) => new(Root.AbsoluteUri.TrimEnd('/') + path);
}

/// <summary>Knows how each registry is reached, and keeps the connections.</summary>
internal sealed class RegistryAccess(RegistrySettings settings) : IDisposable
{
    /// <summary>Bytes of an answer that is read as a whole; blobs are not.</summary>
    private const int LargestBuffered = 16 << 20;

    private static readonly TimeSpan SchemeIsRemembered = TimeSpan.FromMinutes(1);

    private readonly InsecureRegistries insecure = new(settings.Insecure);
    private readonly ConcurrentDictionary<(string Host, bool Verify, long Certificates), Lazy<HttpClient>> clients = new();
    private readonly ConcurrentDictionary<string, (string Scheme, long At)> answered = new(StringComparer.Ordinal);

    public RegistrySettings Settings => settings;

    /// <summary>The addresses of the registry that serves a domain of image names, in the order in which they are to be tried.</summary>
    /// <param name="domain"><c>docker.io</c>, <c>host:port</c>.</param>
    /// <param name="mirrors">Mirrors too: they only serve, and take nothing.</param>
    public IReadOnlyList<RegistryEndpoint> Endpoints(string domain, bool mirrors)
    {
        string host = RegistryHost.Parse(domain).Host;
        var endpoints = new List<RegistryEndpoint>();
        if (mirrors && domain == RegistryHost.HubDomain)
        {
            foreach (var mirror in settings.Mirrors.Select(m => new Uri(m)))
                endpoints.Add(new RegistryEndpoint(mirror, Client(mirror.Authority, !insecure.Contains(mirror.Authority)), true));
        }
        endpoints.AddRange(Direct(host));
        return endpoints;
    }

    /// <summary>The addresses of a host itself: by TLS, and where that is allowed in plain text. The one that answered last comes first.</summary>
    public IReadOnlyList<RegistryEndpoint> Direct(string host)
    {
        bool verify = !insecure.Contains(host);
        var client = Client(host, verify);
        var secure = new RegistryEndpoint(new Uri($"https://{host}"), client, false);
        if (verify) return [secure];
        var plain = new RegistryEndpoint(new Uri($"http://{host}"), client, false);
        bool plainFirst = answered.TryGetValue(host, out var last) && last.Scheme == Uri.UriSchemeHttp && Environment.TickCount64 - last.At < SchemeIsRemembered.TotalMilliseconds;
        return plainFirst ? [plain, secure] : [secure, plain];
    }

    /// <summary>An endpoint has answered: the next pull begins with it.</summary>
    public void Remember(RegistryEndpoint endpoint) => answered[endpoint.Root.Authority] = (endpoint.Root.Scheme, Environment.TickCount64);

    /// <summary>A client for anything at a host; another one when the certificates for it have changed.</summary>
    public HttpClient Client(string host, bool verify) => clients.GetOrAdd((host, verify, RegistryCertificates.Stamp(settings.CertificateFolders, host)), key => new Lazy<HttpClient>(() => NewClient(key.Host, key.Verify), LazyThreadSafetyMode.PublicationOnly)).Value;

    private HttpClient NewClient(string host, bool verify)
    {
        var handler = new SocketsHttpHandler
        {
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = settings.ConnectLimit,
            MaxAutomaticRedirections = 10,   // a redirected request goes without our credentials
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            SslOptions = RegistryCertificates.Load(settings.CertificateFolders, host).ToOptions(verify),
            UseCookies = false,
            UseProxy = !InsecureRegistries.IsLoopback(host),
        };
        var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = LargestBuffered };
        client.DefaultRequestHeaders.UserAgent.ParseAdd($"gantry/{BuildInfo.Version}");
        return client;
    }

    public void Dispose()
    {
        foreach (var client in clients.Values.Where(c => c.IsValueCreated)) client.Value.Dispose();
    }
}
