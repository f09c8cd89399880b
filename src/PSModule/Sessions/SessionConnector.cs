using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Sessions;

/// <summary>Opens sessions: agrees on a version with an engine, and finds the engine of a runspace that named none.</summary>
internal static class SessionConnector
{
    /// <param name="name">Empty for a generated one.</param>
    /// <param name="implicitOrigin">See <see cref="EngineSession.ImplicitOrigin"/>.</param>
    /// <exception cref="ContainerEngineException">No engine, or one that is too old.</exception>
    public static async Task<EngineSession> ConnectAsync(EngineAddress address, TlsSettings? tls, string name, string? implicitOrigin, CancellationToken cancellation)
    {
        var client = new EngineClient(new EngineDialer(address, tls));
        try
        {
            var ping = await client.PingAsync(cancellation).ConfigureAwait(false);
            if (ping.ApiVersion < EngineClient.OldestVersion)
                throw new ContainerEngineException(EngineErrorKind.NotSupported, $"The engine at {address} speaks API {ping.ApiVersion}; this module needs {EngineClient.OldestVersion} or later.");
            client.ApiVersion = ping.ApiVersion < EngineClient.NewestVersion ? ping.ApiVersion : EngineClient.NewestVersion;
            var version = await client.ReadVersionAsync(cancellation).ConfigureAwait(false);
            return new EngineSession(client, name)
            {
                EngineApiVersion = ping.ApiVersion,
                EngineVersion = version.Version,
                Platform = version.Platform?.Name is { Length: > 0 } platform ? platform : Product(ping.Server),
                OperatingSystem = version.Os,
                Architecture = version.Arch,
                ImplicitOrigin = implicitOrigin,
            };
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>The name in a Server header: <c>Docker/28.5.2 (linux)</c>.</summary>
    private static string Product(string server) => server.Split('/')[0];

    /// <summary>What the environment says about the engine to use: GANTRY_HOST, else DOCKER_HOST, else nothing.</summary>
    public static string EnvironmentHost => Environment.GetEnvironmentVariable("GANTRY_HOST") is { Length: > 0 } own ? own : Environment.GetEnvironmentVariable("DOCKER_HOST") ?? "";

    /// <summary>The session of a runspace that asked for none: the environment's address, else the first of the usual sockets that answers.</summary>
    /// <exception cref="ContainerEngineException">None answers; the message lists what was tried.</exception>
    public static async Task<EngineSession> ConnectImplicitAsync(CancellationToken cancellation)
    {
        string host = EnvironmentHost;
        if (host.Length > 0)
        {
            var tls = EnvironmentTls(host);
            return await ConnectAsync(EngineAddress.Parse(host, tls is not null), tls, "", host, cancellation).ConfigureAwait(false);
        }
        ContainerEngineException? refused = null;
        var candidates = Candidates();
        foreach (var candidate in candidates.Where(IsThere))
        {
            try
            {
                return await ConnectAsync(candidate, null, "", "", cancellation).ConfigureAwait(false);
            }
            catch (ContainerEngineException e)
            {
                refused ??= e;
            }
        }
        throw refused ?? new ContainerEngineException(
            EngineErrorKind.Unreachable,
            $"No container engine was found: GANTRY_HOST and DOCKER_HOST are not set, and none of these exists: {string.Join(", ", candidates)}.");
    }

    private static List<EngineAddress> Candidates()
    {
        if (OperatingSystem.IsWindows()) return [EngineAddress.Parse("npipe:////./pipe/gantry_engine"), EngineAddress.Parse("npipe:////./pipe/docker_engine")];
        List<EngineAddress> found = [EngineAddress.Unix(EngineAddress.GantrySocket), EngineAddress.Unix(EngineAddress.DockerSocket)];
        if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime) found.Add(EngineAddress.Unix(Path.Combine(runtime, "docker.sock")));
        return found;
    }

    private static bool IsThere(EngineAddress address) => address.Transport != EngineTransport.UnixSocket || File.Exists(address.Path);

    /// <summary>TLS as the docker CLI takes it from DOCKER_TLS_VERIFY, DOCKER_TLS and DOCKER_CERT_PATH; null for a local socket or when none is asked for.</summary>
    public static TlsSettings? EnvironmentTls(string host)
    {
        bool verify = Environment.GetEnvironmentVariable("DOCKER_TLS_VERIFY") is { Length: > 0 };
        bool wanted = verify || Environment.GetEnvironmentVariable("DOCKER_TLS") is { Length: > 0 } || host.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
        if (!wanted || EngineAddress.Parse(host).Transport != EngineTransport.Tcp) return null;
        string directory = Environment.GetEnvironmentVariable("DOCKER_CERT_PATH") is { Length: > 0 } path
            ? path
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker");
        bool plainHttps = !verify && host.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
        return TlsSettings.FromDirectory(directory, skipServerCheck: !verify && !plainHttps);
    }
}
