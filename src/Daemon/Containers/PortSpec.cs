using System.Globalization;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Containers;

/// <summary>A container's port: <c>80/tcp</c>.</summary>
internal readonly record struct PortSpec(int Port, string Protocol)
{
    /// <summary>A missing protocol is tcp.</summary>
    /// <exception cref="EngineException">400 <c>invalid port specification: "99999"</c>.</exception>
    public static PortSpec Parse(string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        string number = slash < 0 ? text : text[..slash], protocol = slash < 0 ? "tcp" : text[(slash + 1)..].ToLowerInvariant();
        if (protocol is not ("tcp" or "udp" or "sctp")) throw EngineException.InvalidParameter($"invalid proto: {protocol}");
        return new PortSpec(ParseRange(number).First, protocol);
    }

    /// <summary>A port or a range of ports: <c>8000-8010</c>.</summary>
    public static (int First, int Last) ParseRange(string text)
    {
        int dash = text.IndexOf('-', StringComparison.Ordinal);
        int first = Number(dash < 0 ? text : text[..dash], text), last = dash < 0 ? first : Number(text[(dash + 1)..], text);
        return last < first ? throw Invalid(text) : (first, last);
    }

    private static int Number(string digits, string whole) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port <= 65535 ? port : throw Invalid(whole);

    private static EngineException Invalid(string text) => EngineException.InvalidParameter($"invalid port specification: \"{text}\"");
}
