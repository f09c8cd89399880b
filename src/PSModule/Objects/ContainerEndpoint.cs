using Gantry.Protocol.Networks;

namespace Gantry.PowerShell.Objects;

/// <summary>A container's place in one network.</summary>
public sealed class ContainerEndpoint
{
    /// <summary>The network's name.</summary>
    public string Network { get; private init; } = "";

    public string NetworkId { get; private init; } = "";

    /// <summary>Null while the container does not run.</summary>
    public System.Net.IPAddress? IPAddress { get; private init; }

    /// <summary>Bits of the IPv4 network part.</summary>
    public int PrefixLength { get; private init; }

    public System.Net.IPAddress? Gateway { get; private init; }

    public System.Net.IPAddress? IPv6Address { get; private init; }

    public System.Net.IPAddress? IPv6Gateway { get; private init; }

    public string MacAddress { get; private init; } = "";

    public string[] Aliases { get; private init; } = [];

    /// <summary>Names under which the network's DNS knows the container.</summary>
    public string[] DnsNames { get; private init; } = [];

    internal static ContainerEndpoint[] From(IReadOnlyDictionary<string, EndpointSettings>? networks) => networks is null
        ? []
        : [.. networks.Select(pair => new ContainerEndpoint
        {
            Network = pair.Key,
            NetworkId = pair.Value.NetworkID,
            IPAddress = Address(pair.Value.IPAddress),
            PrefixLength = pair.Value.IPPrefixLen,
            Gateway = Address(pair.Value.Gateway),
            IPv6Address = Address(pair.Value.GlobalIPv6Address),
            IPv6Gateway = Address(pair.Value.IPv6Gateway),
            MacAddress = pair.Value.MacAddress,
            Aliases = [.. pair.Value.Aliases ?? []],
            DnsNames = [.. pair.Value.DNSNames ?? []],
        })];

    private static System.Net.IPAddress? Address(string text) => System.Net.IPAddress.TryParse(text, out var address) ? address : null;

    public override string ToString() => IPAddress is null ? Network : $"{Network} {IPAddress}";
}
