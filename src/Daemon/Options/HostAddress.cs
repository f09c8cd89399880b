using System.Globalization;

namespace Gantry.Daemon.Options;

public enum HostKind
{
    /// <summary>A Unix socket; the target is its path.</summary>
    Unix,
    Tcp,
    /// <summary>Sockets handed over by the service manager; the target is empty for all of them, or a number or name.</summary>
    Inherited,
}

/// <summary>An address of an engine, as <c>-H</c> takes it (reference A10).</summary>
public sealed record HostAddress(HostKind Kind, string Target, int Port = 0)
{
    public const string DefaultSocket = "/run/gantry/gantry.sock";

    public static readonly HostAddress Default = new(HostKind.Unix, DefaultSocket);

    /// <summary>Whether a tcp address can be reached from this machine alone.</summary>
    public bool IsLoopback => Target is "localhost" or "::1" || Target.StartsWith("127.", StringComparison.Ordinal);

    /// <summary>Reads <c>unix://[path]</c>, <c>tcp://[host]:port</c>, <c>host:port</c>, <c>fd://[name]</c>, or nothing for the default socket.</summary>
    /// <exception cref="OptionsException"><c>Invalid bind address protocol: X</c>, <c>Invalid bind address format: X</c>.</exception>
    public static HostAddress Parse(string text)
    {
        text = text.Trim();
        if (text.Length == 0) return Default;
        if (text.StartsWith("unix://", StringComparison.Ordinal)) return text.Length == 7 ? Default : new HostAddress(HostKind.Unix, Path.GetFullPath(text[7..]));
        if (text.StartsWith("fd://", StringComparison.Ordinal)) return new HostAddress(HostKind.Inherited, text[5..]);
        if (text.StartsWith("tcp://", StringComparison.Ordinal)) return ParseTcp(text[6..], text);
        if (text.Contains("://", StringComparison.Ordinal)) throw new OptionsException($"Invalid bind address protocol: {text}");
        return ParseTcp(text, text);
    }

    private static HostAddress ParseTcp(string hostAndPort, string whole)
    {
        int colon = hostAndPort.LastIndexOf(':');
        if (colon < 0
            || !int.TryParse(hostAndPort.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            || port is < 1 or > 65535)
            throw new OptionsException($"Invalid bind address format: {whole}");

        string host = hostAndPort[..colon];
        if (host.StartsWith('[') && host.EndsWith(']')) host = host[1..^1];
        else if (host.Contains(':')) throw new OptionsException($"Invalid bind address format: {whole}");
        return new HostAddress(HostKind.Tcp, host.Length == 0 ? "127.0.0.1" : host, port);
    }

    public override string ToString() => Kind switch
    {
        HostKind.Unix => "unix://" + Target,
        HostKind.Inherited => "fd://" + Target,
        _ => string.Create(CultureInfo.InvariantCulture, $"tcp://{(Target.Contains(':') ? $"[{Target}]" : Target)}:{Port}"),
    };
}
