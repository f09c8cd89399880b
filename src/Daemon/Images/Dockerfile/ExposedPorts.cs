using System.Globalization;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>The words of <c>EXPOSE</c>: <c>80</c>, <c>80/udp</c>, <c>90-92/tcp</c>; of <c>host:container</c> forms the container's part counts.</summary>
internal static class ExposedPorts
{
    /// <summary>Port keys as the API writes them: <c>80/tcp</c>.</summary>
    /// <exception cref="EngineException">400, in dockerd's words.</exception>
    public static IEnumerable<string> Parse(string word)
    {
        int slash = word.LastIndexOf('/');
        string protocol = slash < 0 ? "tcp" : word[(slash + 1)..].ToLowerInvariant();
        string ports = slash < 0 ? word : word[..slash];
        if (protocol is not ("tcp" or "udp" or "sctp")) throw EngineException.InvalidParameter($"Invalid proto: {protocol}");
        string container = ports[(ports.LastIndexOf(':') + 1)..];
        if (container.Length == 0) throw EngineException.InvalidParameter($"No port specified: {word}<empty>");
        int dash = container.IndexOf('-', StringComparison.Ordinal);
        int first = Port(dash < 0 ? container : container[..dash], container), last = dash < 0 ? first : Port(container[(dash + 1)..], container);
        if (last < first) throw EngineException.InvalidParameter($"Invalid containerPort: {container}");
        return Enumerable.Range(first, last - first + 1).Select(p => string.Create(CultureInfo.InvariantCulture, $"{p}/{protocol}"));
    }

    private static int Port(string text, string range) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) ? port : throw EngineException.InvalidParameter($"Invalid containerPort: {range}");
}
