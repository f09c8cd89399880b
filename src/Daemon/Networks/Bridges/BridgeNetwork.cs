using System.Net;
using System.Net.Sockets;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks.Addresses;
using Gantry.Daemon.Networks.Firewall;
using Gantry.Linux.Kernel;
using Gantry.Linux.Networking;
using Gantry.Linux.Processes;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Networks.Bridges;

/// <summary>A network that is a bridge on this host: its device, its addresses, and endpoints made ahead.</summary>
internal sealed class BridgeNetwork : IAsyncDisposable
{
    private const int EndpointsAhead = 4;
    private readonly HostNetwork host;
    private readonly EndpointPool endpoints;
    private readonly bool hairpin;

    /// <param name="hairpin">A container reaches its own published ports through the bridge; else a relay leads it there.</param>
    public BridgeNetwork(HostNetwork host, BridgeDevice device, Subnet subnet, bool masquerade, bool interContainer, bool hairpin, ILogger log)
    {
        this.host = host;
        this.hairpin = hairpin;
        Device = device;
        Subnet = subnet;
        Rules = new FirewallBridge(device.Name, subnet.Network, masquerade, interContainer);
        endpoints = new EndpointPool(() => PreparedEndpoint.CreateAsync(host, device, hairpin), EndpointsAhead, log);
    }

    public BridgeDevice Device { get; }

    public Subnet Subnet { get; }

    public FirewallBridge Rules { get; }

    /// <exception cref="EngineException">The kernel refuses another namespace or wire.</exception>
    /// <param name="owner">The user namespace of the container; null for the host's, for which some are ready.</param>
    public async ValueTask<PreparedEndpoint> TakeEndpointAsync(UserNamespace? owner)
    {
        try
        {
            return owner is null ? await endpoints.TakeAsync().ConfigureAwait(false) : await PreparedEndpoint.CreateAsync(host, Device, hairpin, owner).ConfigureAwait(false);
        }
        catch (KernelException e)
        {
            throw EngineException.System($"failed to set up container networking: cannot connect to the bridge {Device.Name}: {e.Message}", e);
        }
    }

    /// <summary>Gives an endpoint its address, and tells the host where that is to be found from now on.</summary>
    /// <exception cref="EngineException">The kernel refuses.</exception>
    public void Configure(PreparedEndpoint endpoint, IPAddress address, HardwareAddress hardware)
    {
        try
        {
            endpoint.Configure(address, Subnet.Network.PrefixLength, Subnet.Gateway, hardware);
        }
        catch (KernelException e)
        {
            throw EngineException.System($"failed to set up container networking: cannot connect to the bridge {Device.Name}: {e.Message}", e);
        }
        try
        {
            host.Routes.Execute(new RouteBatch().SetNeighbor(Device.Index, address, hardware));
        }
        catch (KernelException)
        {
            // Without it the host finds out by asking.
        }
    }

    /// <summary>The host's ends of wires on a bridge: asked for before any is made ahead, those that an earlier daemon left.</summary>
    public static IReadOnlyList<Link> Wires(HostNetwork host, int bridge) =>
        [.. host.Routes.Links().Where(l => l.Master == bridge && l.Kind == "veth" && PreparedEndpoint.IsHostDevice(l.Name))];

    /// <summary>Deletes such a wire. False when the kernel has done so already.</summary>
    public static bool RemoveWire(HostNetwork host, Link wire)
    {
        try
        {
            host.Routes.Execute(new RouteBatch().DeleteLink(wire.Index));
            return true;
        }
        catch (KernelException e) when (e.Errno == Errno.ENODEV)
        {
            return false;
        }
    }

    /// <summary>IPv4 networks that this host reaches already: routes, and addresses of other devices.</summary>
    public static List<IPNetwork> InUse(HostNetwork host, int exceptDevice)
    {
        var inUse = new List<IPNetwork>();
        foreach (var route in host.Routes.Routes())
            if (route.Index != exceptDevice && route.Destination is { PrefixLength: > 0 } network && network.BaseAddress.AddressFamily == AddressFamily.InterNetwork) inUse.Add(network);
        foreach (var address in host.Routes.Addresses())
            if (address.Index != exceptDevice && address.Address.AddressFamily == AddressFamily.InterNetwork) inUse.Add(IpNumber.NetworkOf(address.Address, address.PrefixLength));
        return inUse;
    }

    public ValueTask DisposeAsync() => endpoints.DisposeAsync();
}
