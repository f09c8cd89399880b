using System.Globalization;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Networks.Ports;

/// <summary>A port in a container, as the API names it: <c>80/tcp</c>.</summary>
/// <param name="Protocol"><c>tcp</c>, <c>udp</c> or <c>sctp</c>.</param>
public readonly record struct ContainerPort(int Number, string Protocol)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Number}/{Protocol}");

    /// <summary>Reads <c>80</c> (tcp), <c>80/udp</c>.</summary>
    /// <exception cref="EngineException">400 <c>invalid port specification: "99999"</c>, or an unknown protocol.</exception>
    public static ContainerPort Parse(string text)
    {
        string[] parts = text.Split('/', 2);
        string protocol = parts.Length == 2 && parts[1].Length > 0 ? parts[1].ToLowerInvariant() : "tcp";
        if (protocol is not ("tcp" or "udp" or "sctp")) throw EngineException.InvalidParameter($"invalid port specification: \"{text}\"");
        return int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is > 0 and <= 65535
            ? new ContainerPort(number, protocol)
            : throw EngineException.InvalidParameter($"invalid port specification: \"{parts[0]}\"");
    }
}

/// <summary>The ports of the host that a binding would take: one, a range, or any (0 to 0).</summary>
public readonly record struct HostPorts(int First, int Last)
{
    public bool IsAny => First == 0;

    /// <summary>Reads what <c>HostPort</c> holds: nothing, <c>0</c>, <c>8000</c>, <c>8000-8010</c>.</summary>
    /// <exception cref="EngineException">400.</exception>
    public static HostPorts Parse(string text)
    {
        if (text.Length == 0) return default;
        string[] parts = text.Split('-', 2);
        bool good = int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first) && first <= 65535;
        int last = first;
        if (parts.Length == 2) good &= int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out last) && last <= 65535 && last >= first && first > 0;
        return good ? new HostPorts(first, last) : throw EngineException.InvalidParameter($"invalid port specification: \"{text}\"");
    }
}
