using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Registries;

/// <summary>Who somebody is to a registry, as the client sends it along with each request (reference 4.8).</summary>
internal static class RegistryCredentials
{
    public const string Header = "X-Registry-Auth";

    public static readonly AuthConfig None = new();

    /// <summary>Reads the header: JSON in base64url, padded or not. What cannot be read counts as nothing.</summary>
    public static AuthConfig Decode(string header) => Read<AuthConfig>(header) is { } config ? Complete(config) : None;

    /// <summary>Reads the header of a build, <c>X-Registry-Config</c>: the same by server address. What is there for one registry comes out.</summary>
    /// <param name="domain">Of image names.</param>
    public static AuthConfig DecodeFor(string header, string domain)
    {
        string host = RegistryHost.Parse(domain).Host;
        foreach (var (server, config) in Read<Dictionary<string, AuthConfig>>(header) ?? [])
        {
            if (config is not null && IsHost(server, host)) return Complete(config);
        }
        return None;
    }

    private static bool IsHost(string server, string host)
    {
        try
        {
            return RegistryHost.Parse(server).Host == host;
        }
        catch (EngineException)
        {
            return false;
        }
    }

    private static T? Read<T>(string header) where T : class
    {
        if (header.Length == 0) return null;
        string text = header.Trim().TrimEnd('=').Replace('-', '+').Replace('_', '/');
        try
        {
            return JsonSerializer.Deserialize(Convert.FromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '=')), WireJson.TypeInfo<T>());
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return null;
        }
    }

    private static AuthConfig Complete(AuthConfig config)
    {
        if (config.Username is not null || config.Auth is not { Length: > 0 } auth) return config;
        try
        {
            return Split(config, auth);
        }
        catch (FormatException)
        {
            return config;
        }
    }

    /// <summary>The form of <c>config.json</c>: user and password joined by a colon, in base64.</summary>
    private static AuthConfig Split(AuthConfig config, string auth)
    {
        string pair = Encoding.UTF8.GetString(Convert.FromBase64String(auth));
        int colon = pair.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? config : config with { Username = pair[..colon], Password = pair[(colon + 1)..].TrimEnd('\0') };
    }

    public static AuthenticationHeaderValue Basic(AuthConfig credentials) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credentials.Username}:{credentials.Password}")));
}
