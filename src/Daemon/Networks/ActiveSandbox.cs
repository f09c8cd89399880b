using System.Net;
using Gantry.Daemon.Networks.Firewall;
using Gantry.Daemon.Networks.Ports;

namespace Gantry.Daemon.Networks;

/// <summary>What a running container has of the network, for as long as it runs.</summary>
internal sealed class ActiveSandbox
{
    public required string ContainerId { get; init; }

    /// <summary>Without the leading slash; changes when the container is renamed.</summary>
    public required string ContainerName { get; set; }

    public required string SandboxId { get; init; }

    public string Hostname { get; init; } = "";

    public required IReadOnlyList<ActiveEndpoint> Endpoints { get; init; }

    public PortSet? Ports { get; set; }

    /// <summary>Ports that it exposes or publishes.</summary>
    public IReadOnlyList<ContainerPort> Exposed { get; init; } = [];

    public IReadOnlyCollection<FirewallLink> Links { get; set; } = [];
}

/// <summary>A container's place on one network.</summary>
/// <param name="Address">Null on <c>none</c> and <c>host</c>.</param>
/// <param name="HardwareAddress">Empty where there is none.</param>
internal sealed record ActiveEndpoint(string NetworkId, string EndpointId, IPAddress? Address, int PrefixLength, string HardwareAddress);
