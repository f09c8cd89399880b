using System.Globalization;
using Gantry.Protocol.Containers;
using Wire = Gantry.Protocol.Containers;

namespace Gantry.PowerShell.Objects;

/// <summary>A container's port and where the host publishes it. Written as <c>8080:80</c>, <c>127.0.0.1:53:53/udp</c>, <c>80</c> (any free host port) or <c>8000-8010:80</c> (one of these).</summary>
public sealed class ContainerPortBinding
{
    public ContainerPortBinding()
    {
    }

    /// <summary>One binding; a range of container ports is several, see <see cref="ParseAll"/>.</summary>
    public ContainerPortBinding(string text)
    {
        var all = ParseAll(text);
        if (all.Count != 1) throw new FormatException($"'{text}' is {all.Count} port bindings where one is wanted.");
        HostAddress = all[0].HostAddress;
        HostPort = all[0].HostPort;
        HostPortEnd = all[0].HostPortEnd;
        ContainerPort = all[0].ContainerPort;
        Protocol = all[0].Protocol;
    }

    /// <summary>A container port on any free host port.</summary>
    public ContainerPortBinding(int containerPort)
    {
        ContainerPort = Checked(containerPort, containerPort.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>The host's address to listen on; empty is all.</summary>
    public string HostAddress { get; set; } = "";

    /// <summary>Null asks for any free port.</summary>
    public int? HostPort { get; set; }

    /// <summary>With it, one free port between <see cref="HostPort"/> and this is taken.</summary>
    public int? HostPortEnd { get; set; }

    public int ContainerPort { get; set; }

    /// <summary><c>tcp</c>, <c>udp</c> or <c>sctp</c>.</summary>
    public string Protocol { get; set; } = "tcp";

    /// <summary>False for a port that the image only names.</summary>
    public bool IsPublished { get; private init; } = true;

    /// <summary>Reads a text, which can be a range of ports: <c>8000-8002:80-82</c>.</summary>
    /// <exception cref="FormatException">It is no port binding.</exception>
    public static IReadOnlyList<ContainerPortBinding> ParseAll(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string rest = text.Trim().Replace("->", ":", StringComparison.Ordinal);
        string protocol = "tcp";
        if (rest.LastIndexOf('/') is var slash and >= 0)
        {
            protocol = rest[(slash + 1)..].ToLowerInvariant();
            if (protocol is not ("tcp" or "udp" or "sctp")) throw Invalid(text, $"'{protocol}' is not tcp, udp or sctp");
            rest = rest[..slash];
        }
        int last = rest.LastIndexOf(':');
        var (first, end) = Range(rest[(last + 1)..], text);
        if (first is null) throw Invalid(text, "the container's port is missing");
        string host = last < 0 ? "" : rest[..last], address = "";
        if (host.LastIndexOf(':') is var split and >= 0)
        {
            address = host[..split].TrimStart('[').TrimEnd(']');
            host = host[(split + 1)..];
            if (!System.Net.IPAddress.TryParse(address, out _)) throw Invalid(text, $"'{address}' is not an IP address");
        }
        var (hostFirst, hostEnd) = Range(host, text);
        int count = (end ?? first.Value) - first.Value + 1;
        if (count > 1 && hostFirst is not null && (hostEnd ?? hostFirst.Value) - hostFirst.Value + 1 != count) throw Invalid(text, "the two ranges differ in length");
        return [.. Enumerable.Range(0, count).Select(i => new ContainerPortBinding
        {
            HostAddress = address,
            HostPort = hostFirst + i,
            HostPortEnd = count == 1 ? hostEnd : null,
            ContainerPort = first.Value + i,
            Protocol = protocol,
        })];
    }

    private static (int? First, int? End) Range(string range, string text)
    {
        if (range.Length == 0) return (null, null);
        string[] parts = range.Split('-');
        if (parts.Length > 2) throw Invalid(text, $"'{range}' is not a port");
        int first = Port(parts[0], text);
        int? end = parts.Length == 2 ? Port(parts[1], text) : null;
        if (end < first) throw Invalid(text, "a range begins with its lower port");
        return (first, end);
    }

    private static int Port(string digits, string text) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int port) ? Checked(port, text) : throw Invalid(text, $"'{digits}' is not a port");

    private static int Checked(int port, string text) => port is >= 1 and <= 65535 ? port : throw Invalid(text, "a port is a number from 1 to 65535");

    private static FormatException Invalid(string text, string why) => new($"'{text}' is not a port binding: {why}. Examples: 8080:80, 127.0.0.1:53:53/udp, 80.");

    internal static ContainerPortBinding[] From(IEnumerable<PortSummary> ports) =>
    [
        .. ports.Select(port => new ContainerPortBinding
        {
            HostAddress = port.IP ?? "",
            HostPort = port.PublicPort == 0 ? null : port.PublicPort,
            ContainerPort = port.PrivatePort,
            Protocol = port.Type,
            IsPublished = port.PublicPort != 0,
        }).OrderBy(p => !p.IsPublished).ThenBy(p => p.ContainerPort).ThenBy(p => p.Protocol, StringComparer.Ordinal).ThenBy(p => p.HostAddress, StringComparer.Ordinal),
    ];

    /// <summary>From a map such as <c>{"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}</c>.</summary>
    internal static ContainerPortBinding[] From(IEnumerable<KeyValuePair<string, List<PortBinding>?>> ports) =>
    [
        .. from port in ports
           let parts = port.Key.Split('/')
           let number = int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : 0
           from binding in port.Value is { Count: > 0 } bindings ? bindings : [null!]
           let host = binding is null ? null : Endpoints(binding.HostPort)
           orderby binding is null, number
           select new ContainerPortBinding
           {
               HostAddress = binding?.HostIp ?? "",
               HostPort = host?.First,
               HostPortEnd = host?.End,
               ContainerPort = number,
               Protocol = parts.Length > 1 ? parts[1] : "tcp",
               IsPublished = binding is not null,
           },
    ];

    private static (int? First, int? End)? Endpoints(string text)
    {
        string[] parts = text.Split('-');
        return (int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first) ? first : null,
            parts.Length > 1 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int end) ? end : null);
    }

    /// <summary><c>80/tcp</c>.</summary>
    internal string Key => string.Create(CultureInfo.InvariantCulture, $"{ContainerPort}/{Protocol}");

    internal Wire.PortBinding ToWire() => new() { HostIp = HostAddress, HostPort = HostRange };

    private string HostRange => HostPortEnd is null ? HostPort?.ToString(CultureInfo.InvariantCulture) ?? "" : string.Create(CultureInfo.InvariantCulture, $"{HostPort}-{HostPortEnd}");

    /// <summary>For a table's cell: the two entries that Docker makes for IPv4 and IPv6 become one.</summary>
    public static string Join(IEnumerable<ContainerPortBinding> ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        return string.Join(", ", ports.Select(p => p.HostAddress is "0.0.0.0" or "::" ? new ContainerPortBinding { HostPort = p.HostPort, ContainerPort = p.ContainerPort, Protocol = p.Protocol, IsPublished = p.IsPublished } : p)
            .Select(p => p.ToString()).Distinct(StringComparer.Ordinal));
    }

    /// <summary><c>127.0.0.1:8080->80/tcp</c>; <c>80/tcp</c> when it is not published.</summary>
    public override string ToString()
    {
        if (!IsPublished) return Key;
        string address = HostAddress.Length == 0 ? "" : HostAddress.Contains(':', StringComparison.Ordinal) ? $"[{HostAddress}]:" : HostAddress + ":";
        return $"{address}{HostRange}->{Key}";
    }
}
