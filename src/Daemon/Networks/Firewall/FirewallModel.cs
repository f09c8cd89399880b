using System.Net;
using Gantry.Daemon.Networks.Ports;

namespace Gantry.Daemon.Networks.Firewall;

/// <summary>What the packet filter is to know of one bridge.</summary>
/// <param name="Masquerade">What leaves for elsewhere has the host's address.</param>
/// <param name="InterContainer">Containers on the bridge reach each other.</param>
internal sealed record FirewallBridge(string Name, IPNetwork Subnet, bool Masquerade, bool InterContainer);

/// <summary>One container may open connections to a port of another although containers on the bridge do not reach each other.</summary>
internal sealed record FirewallLink(IPAddress Parent, IPAddress Child, ContainerPort Port);
