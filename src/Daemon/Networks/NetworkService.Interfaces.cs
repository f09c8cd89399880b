using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks.Addresses;
using Gantry.Daemon.Networks.Bridges;
using Gantry.Daemon.Networks.Ports;
using Gantry.Protocol.Networks;

namespace Gantry.Daemon.Networks;

/// <summary>Addresses and ports that are asked for one by one, by the engine commands of the original (reference 2.2).</summary>
public sealed partial class NetworkService
{
    private readonly ConcurrentDictionary<string, AllocatedSet> interfaces = new(StringComparer.Ordinal);

    /// <summary>What one asker has.</summary>
    private sealed class AllocatedSet(IPAddress address)
    {
        private readonly List<PortSet> ports = [];
        private bool ended;

        public IPAddress Address { get; } = address;

        /// <summary>False when it has been taken back already.</summary>
        public bool TryAdd(PortSet set)
        {
            lock (ports)
            {
                if (!ended) ports.Add(set);
                return !ended;
            }
        }

        public async Task EndAsync()
        {
            foreach (var set in End()) await set.DisposeAsync().ConfigureAwait(false);
        }

        public async Task LetGoAsync()
        {
            foreach (var set in End()) await set.LetGoAsync().ConfigureAwait(false);
        }

        private List<PortSet> End()
        {
            lock (ports)
            {
                ended = true;
                return [.. ports];
            }
        }
    }

    /// <summary>Gives an address of the default bridge to an asker.</summary>
    /// <param name="requested">A certain address; empty is any.</param>
    /// <exception cref="EngineException">409 when the asker has one, or another has that address.</exception>
    internal AllocatedInterface AllocateInterface(string id, string requested)
    {
        var network = networks.ByName("bridge");
        if (network?.Bridge is not { } bridge) throw EngineException.Unavailable("there is no default bridge");
        IPAddress? address = null;
        string owner = $"interface {PreparedEndpoint.NewId()}";   // nobody's lease but this one's: what is asked for twice is refused
        if (requested.Length > 0)
        {
            if (!IPAddress.TryParse(requested, out address)) throw EngineException.InvalidParameter($"invalid IP address: {requested}");
            if (!bridge.Subnet.TryLease(address, owner)) throw EngineException.Conflict($"the address {requested} is not free in {bridge.Subnet.Network}");
        }
        address ??= bridge.Subnet.Lease(owner) ?? throw EngineException.System("no unallocated IP address in " + bridge.Subnet.Network);
        if (!interfaces.TryAdd(id, new AllocatedSet(address)))
        {
            bridge.Subnet.Release(address, rest: false);
            throw EngineException.Conflict($"an interface is already allocated for {id}");
        }
        store.Lease(network.Id, address.ToString(), [], id);
        return new AllocatedInterface
        {
            IP = address.ToString(), Gateway = bridge.Subnet.Gateway.ToString(), Bridge = bridge.Device.Name, IPPrefixLen = bridge.Subnet.Network.PrefixLength,
            Mask = IpNumber.ToAddress(bridge.Subnet.Network.PrefixLength == 0 ? 0 : uint.MaxValue << 32 - bridge.Subnet.Network.PrefixLength, address.AddressFamily).ToString(),
        };
    }

    /// <summary>Takes back an asker's address and its ports.</summary>
    /// <exception cref="EngineException">404 when it has none.</exception>
    internal async Task ReleaseInterfaceAsync(string id)
    {
        if (!interfaces.TryRemove(id, out var set)) throw EngineException.NotFound($"No network information to release for {id}");
        await set.EndAsync().ConfigureAwait(false);
        DefaultBridge?.Subnet.Release(set.Address);
        store.Release(id);
    }

    /// <summary>Leads a port of the host to an asker's address.</summary>
    internal async Task<AllocatedPort> AllocatePortAsync(AllocatePortRequest request, CancellationToken cancellation)
    {
        if (!interfaces.TryGetValue(request.Id, out var set)) throw EngineException.NotFound($"no interface is allocated for {request.Id}");
        var address = options.DefaultBindAddress;
        if (request.HostIP.Length > 0 && !IPAddress.TryParse(request.HostIP, out address)) throw EngineException.InvalidParameter($"Bad parameter: invalid host ip {request.HostIP}");
        var port = ContainerPort.Parse(string.Create(CultureInfo.InvariantCulture, $"{request.ContainerPort}/{request.Protocol}"));
        var ports = await publisher.PublishAsync(set.Address, [new PortRequest(port, [address], new HostPorts(request.HostPort, request.HostPort))], cancellation).ConfigureAwait(false);
        if (!set.TryAdd(ports))
        {
            await ports.DisposeAsync().ConfigureAwait(false);
            throw EngineException.NotFound($"no interface is allocated for {request.Id}");
        }
        store.Publish(ports.Ports, request.Id);
        return new AllocatedPort { HostIP = ports.Ports[0].HostIp, HostPort = ports.Ports[0].HostPort };
    }
}
