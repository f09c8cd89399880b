using System.Net;
using Gantry.Daemon.Networks;
using Gantry.Daemon.Options;

namespace Gantry.Daemon.Hosting;

/// <summary>The engine's options in the form that the network service takes. They have been verified.</summary>
internal static class NetworkSettings
{
    public static NetworkOptions Of(DaemonOptions options) => new()
    {
        Bridge = options.Bridge,
        BridgeAddress = options.BridgeAddress is { } address ? Split(address) : null,
        FixedCidr = options.FixedCidr is { } cidr ? IPNetwork.Parse(cidr) : null,
        AddressPools = [.. options.AddressPools.Select(p => new AddressPoolOption(IPNetwork.Parse(p.Base), p.Size))],
        Mtu = options.Mtu,
        Dns = options.Dns,
        DnsSearch = options.DnsSearch,
        DnsOptions = options.DnsOptions,
        DefaultBindAddress = IPAddress.Parse(options.PublishAddress),
        IpForward = options.IpForward,
        InterContainerCommunication = options.InterContainerCommunication,
        IpMasquerade = options.IpMasquerade,
        Firewall = options.Firewall,
        UserlandProxy = options.UserlandProxy,
    };

    /// <summary>An address of a host with its prefix length: not a network, whose host bits would be zero.</summary>
    private static (IPAddress Address, int PrefixLength) Split(string cidr)
    {
        int slash = cidr.IndexOf('/', StringComparison.Ordinal);
        return (IPAddress.Parse(cidr[..slash]), int.Parse(cidr[(slash + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }
}
