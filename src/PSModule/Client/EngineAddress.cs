using System.Globalization;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Client;

/// <summary>How an engine is reached.</summary>
internal enum EngineTransport
{
    UnixSocket,
    Tcp,
    NamedPipe,
}

/// <summary>Where an engine listens, in the host grammar of the docker CLI (reference A10).</summary>
/// <param name="Transport">Socket file, host and port, or Windows pipe.</param>
/// <param name="Path">The socket's file or the pipe's name; empty for tcp.</param>
/// <param name="Host">Name or address; empty otherwise.</param>
/// <param name="Port">Tcp port; 0 otherwise.</param>
/// <param name="Secure">The address itself asks for TLS (<c>https://</c>).</param>
internal sealed record EngineAddress(EngineTransport Transport, string Path, string Host, int Port, bool Secure)
{
    public const string GantrySocket = "/run/gantry/gantry.sock";
    public const string DockerSocket = "/var/run/docker.sock";

    private const int PlainPort = 2375, SecurePort = 2376;

    public static EngineAddress Unix(string path) => new(EngineTransport.UnixSocket, path, "", 0, false);

    /// <summary>Reads <c>unix:///path</c>, <c>/path</c>, <c>tcp://host:port</c>, <c>http(s)://host:port</c>, <c>host:port</c> or <c>npipe:////./pipe/name</c>.</summary>
    /// <exception cref="ContainerEngineException">The text is none of these.</exception>
    public static EngineAddress Parse(string text, bool secure = false)
    {
        text = text.Trim();
        if (text.StartsWith('/')) return Unix(text);
        int split = text.IndexOf("://", StringComparison.Ordinal);
        string scheme = split < 0 ? "tcp" : text[..split].ToLowerInvariant();
        string rest = split < 0 ? text : text[(split + 3)..];
        return scheme switch
        {
            "unix" => Unix(rest.Length == 0 ? DockerSocket : rest.StartsWith('/') ? rest : "/" + rest),
            "npipe" => new(EngineTransport.NamedPipe, PipeName(rest), "", 0, false),
            "tcp" or "http" => ParseTcp(text, rest, secure),
            "https" => ParseTcp(text, rest, secure: true),
            "ssh" => throw Invalid(text, "ssh is not supported: forward the socket with 'ssh -L' and connect to the forwarded one"),
            _ => throw Invalid(text, $"'{scheme}' is not one of unix, tcp, http, https and npipe"),
        };
    }

    private static EngineAddress ParseTcp(string text, string rest, bool secure)
    {
        string authority = rest.TrimEnd('/');
        if (authority.Contains('/', StringComparison.Ordinal)) throw Invalid(text, "a tcp address has no path");
        int colon = authority.LastIndexOf(':');
        bool bracketed = authority.StartsWith('[');
        if (bracketed && authority.IndexOf(']', StringComparison.Ordinal) > colon) colon = -1;
        string host = colon < 0 ? authority : authority[..colon];
        int port = secure ? SecurePort : PlainPort;
        if (colon >= 0 && (!int.TryParse(authority.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535))
            throw Invalid(text, "the port must be a number from 1 to 65535");
        if (bracketed) host = host.TrimStart('[').TrimEnd(']');
        return new(EngineTransport.Tcp, "", host.Length == 0 ? "127.0.0.1" : host, port, secure);
    }

    private static string PipeName(string rest)
    {
        string path = rest.Replace('\\', '/');
        int at = path.IndexOf("/pipe/", StringComparison.OrdinalIgnoreCase);
        return at < 0 ? path.TrimStart('/') : path[(at + 6)..];
    }

    private static ContainerEngineException Invalid(string text, string why) =>
        new(EngineErrorKind.InvalidRequest, $"'{text}' is not an engine address: {why}.");

    /// <summary>The address as it can be given to <c>Connect-ContainerEngine -Uri</c>.</summary>
    public override string ToString() => Transport switch
    {
        EngineTransport.UnixSocket => "unix://" + Path,
        EngineTransport.NamedPipe => "npipe:////./pipe/" + Path,
        _ => string.Create(CultureInfo.InvariantCulture, $"{(Secure ? "https" : "tcp")}://{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}"),
    };
}
