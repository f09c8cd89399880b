using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Gantry.Linux.Networking;
using Gantry.Linux.Processes;

namespace Gantry.Daemon.Networks.Bridges;

/// <summary>A network namespace with its loopback up and, if it is for a bridge, an <c>eth0</c> that is wired to it and lacks nothing but an address.</summary>
internal sealed class PreparedEndpoint : IDisposable
{
    private readonly RouteSocket inside;
    private readonly int device;

    private PreparedEndpoint(NetworkNamespace place, RouteSocket inside, string endpointId, int device)
    {
        Namespace = place;
        this.inside = inside;
        EndpointId = endpointId;
        this.device = device;
    }

    public NetworkNamespace Namespace { get; }

    /// <summary>64 hexadecimal digits.</summary>
    public string EndpointId { get; }

    /// <summary>The host's end of an endpoint's wire: <c>veth</c> and the first eleven digits of its id, as long as a device's name may be.</summary>
    public static string HostDevice(string endpointId) => "veth" + endpointId[..11];

    /// <summary>True for a name that <see cref="HostDevice"/> makes.</summary>
    public static bool IsHostDevice(string name) => name.Length == 15 && name.StartsWith("veth", StringComparison.Ordinal) && name.AsSpan(4).IndexOfAnyExcept("0123456789abcdef") < 0;

    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <summary>Makes one, on the thread that goes into namespaces: all in one visit.</summary>
    /// <param name="bridge">Null is for a namespace with nothing but its loopback.</param>
    /// <param name="hairpin">The bridge sends a frame back through the port that it came in by.</param>
    /// <param name="owner">The user namespace that the network is to belong to; null for the host's.</param>
    public static async Task<PreparedEndpoint> CreateAsync(HostNetwork host, BridgeDevice? bridge, bool hairpin = false, UserNamespace? owner = null)
    {
        string id = NewId();
        (RouteSocket, int) Prepare()
        {
            var routes = new RouteSocket();
            try
            {
                const int loopback = 1;
                routes.Execute(new RouteBatch().ChangeLink(loopback, new LinkChange { Up = true }));
                return (routes, bridge is null ? 0 : Wire(host, bridge, routes, id, hairpin));
            }
            catch
            {
                routes.Dispose();
                throw;
            }
        }
        var (place, (inside, device)) = await (owner is null ? NetworkNamespace.CreateAsync(Prepare) : NetworkNamespace.CreateAsync(owner, Prepare)).ConfigureAwait(false);
        return new PreparedEndpoint(place, inside, id, device);
    }

    private static int Wire(HostNetwork host, BridgeDevice bridge, RouteSocket routes, string id, bool hairpin)
    {
        // A device is born with the settings of "default". This one has no IPv6 while its network has none; later ones of the container's own may.
        const string ipv6Default = "net/ipv6/conf/default/disable_ipv6", name = "eth0";
        bool ipv6 = SystemControl.TryWrite(ipv6Default, "1");
        using (var self = NetworkNamespace.OfThisThread())
        {
            host.Routes.Execute(new RouteBatch().CreateVeth(new VethPair
            {
                Name = HostDevice(id), Master = bridge.Index, PeerName = name, PeerAddress = HardwareAddress.Random(), PeerNamespace = self.Handle, Mtu = bridge.Mtu,
            }));
        }
        if (hairpin && host.Routes.FindLink(HostDevice(id)) is { } port) host.Routes.Execute(new RouteBatch().ChangeLink(port.Index, new LinkChange { Hairpin = true }));
        if (ipv6) SystemControl.TryWrite(ipv6Default, "0");
        // With this the kernel tells the neighbours when the device changes its address: they may know an earlier owner of the IP address.
        SystemControl.TryWrite($"net/ipv4/conf/{name}/arp_notify", "1");
        int index = routes.FindLink(name)!.Index;
        routes.Execute(new RouteBatch().ChangeLink(index, new LinkChange { Up = true }));
        return index;
    }

    /// <summary>Gives the container's end its addresses and its way out.</summary>
    public void Configure(IPAddress address, int prefixLength, IPAddress? gateway, HardwareAddress hardware)
    {
        var batch = new RouteBatch().AddAddress(device, address, prefixLength).ChangeLink(device, new LinkChange { Address = hardware });
        if (gateway is not null) batch.AddRoute(new Route(null, gateway, device));
        inside.Execute(batch);
        inside.Dispose();   // an open socket would keep the namespace alive
    }

    /// <summary>Gives the namespace away, without what was needed to prepare it.</summary>
    public NetworkNamespace Release()
    {
        inside.Dispose();
        return Namespace;
    }

    public void Dispose()
    {
        inside.Dispose();
        Namespace.Dispose();
    }
}
