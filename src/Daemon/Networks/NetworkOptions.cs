using System.Net;

namespace Gantry.Daemon.Networks;

/// <summary>What the operator says about networks (reference 1A-config, 5.9).</summary>
public sealed record NetworkOptions
{
    public const string DefaultBridge = "gantry0", NoBridge = "none";

    /// <summary>The default network's bridge (<c>-b</c>); it is made when it is not there. <see cref="NoBridge"/>: there is no default network.</summary>
    public string Bridge { get; init; } = DefaultBridge;

    /// <summary>The bridge's address and prefix length (<c>--bip</c>); null leaves it to the bridge that is there, or to the pools.</summary>
    public (IPAddress Address, int PrefixLength)? BridgeAddress { get; init; }

    /// <summary>The part of the bridge's subnet from which containers get addresses (<c>--fixed-cidr</c>); null is all of it.</summary>
    public IPNetwork? FixedCidr { get; init; }

    /// <summary>Where subnets are taken from (<c>--default-address-pool</c>); empty is Docker's own list.</summary>
    public IReadOnlyList<AddressPoolOption> AddressPools { get; init; } = [];

    /// <summary>Of bridges and containers; 0 is 1500.</summary>
    public int Mtu { get; init; }

    public IReadOnlyList<string> Dns { get; init; } = [];

    public IReadOnlyList<string> DnsSearch { get; init; } = [];

    public IReadOnlyList<string> DnsOptions { get; init; } = [];

    /// <summary>Where a port is published when its binding names no address (<c>--ip</c>).</summary>
    public IPAddress DefaultBindAddress { get; init; } = IPAddress.Any;

    /// <summary>What <c>host-gateway</c> stands for in extra hosts; empty is the bridge's own address.</summary>
    public string HostGateway { get; init; } = "";

    /// <summary>Switch the host's IPv4 forwarding on when it is off.</summary>
    public bool IpForward { get; init; } = true;

    /// <summary>Containers of the default network reach each other.</summary>
    public bool InterContainerCommunication { get; init; } = true;

    /// <summary>What leaves the host has the host's address.</summary>
    public bool IpMasquerade { get; init; } = true;

    /// <summary>Gantry keeps nftables rules. Without them nothing is masqueraded, isolated or forwarded; published ports go through the relay alone.</summary>
    public bool Firewall { get; init; } = true;

    /// <summary>Connections to published ports that no rule takes (from the host over IPv6) are relayed by the daemon.</summary>
    public bool UserlandProxy { get; init; } = true;

    /// <summary>Files of the host that containers' files are made of; tests have their own.</summary>
    public string HostResolvConf { get; init; } = "/etc/resolv.conf";

    /// <inheritdoc cref="HostResolvConf"/>
    public string HostHosts { get; init; } = "/etc/hosts";

    internal int EffectiveMtu => Mtu > 0 ? Mtu : 1500;

    internal bool BridgeDisabled => Bridge == NoBridge;
}

/// <param name="Base">What is cut into subnets.</param>
/// <param name="Size">Prefix length of each subnet.</param>
public sealed record AddressPoolOption(IPNetwork Base, int Size);
