using System.Collections.Concurrent;
using System.Net;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Events;
using Gantry.Daemon.Networks.Addresses;
using Gantry.Daemon.Networks.Bridges;
using Gantry.Daemon.Networks.Firewall;
using Gantry.Daemon.Networks.Ports;
using Gantry.Daemon.Storage;
using Gantry.Linux.Networking;
using Gantry.Protocol.Json;
using Gantry.Protocol.Networks;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Networks;

/// <summary>The engine's networks, and the network of each running container.</summary>
/// <remarks>
/// The order at start: <see cref="StartAsync"/> makes the predefined networks and the bridge, <see cref="RestoreAsync"/> takes over what running
/// containers have and writes the packet filter; then sandboxes can be made. Everything outside the database is found by name and set right by these two.
/// </remarks>
public sealed partial class NetworkService : IAsyncDisposable
{
    private const int NamespacesAhead = 2;

    private readonly NetworkOptions options;
    private readonly NetworkStore store;
    private readonly IEventPublisher events;
    private readonly ILogger log;
    private readonly HostNetwork host;
    private readonly PacketFilter? filter;
    private readonly PortPublisher publisher;
    private readonly EndpointPool namespaces;
    private readonly ConcurrentDictionary<string, ActiveSandbox> active = new(StringComparer.Ordinal);
    private volatile NetworkSet networks = NetworkSet.Empty;
    private FilterGuard? guard;
    private bool hostHasIPv6;
    private int disposed;

    /// <summary>Wires of an earlier daemon; those of running containers are sorted out when these are known.</summary>
    private IReadOnlyList<Link> leftBehind = [];

    public NetworkService(NetworkOptions options, Database database, IEventPublisher events, ILogger<NetworkService> log)
        : this(options, database, events, log, HostNetwork.OfThisProcess())
    {
    }

    internal NetworkService(NetworkOptions options, Database database, IEventPublisher events, ILogger log, HostNetwork host)
    {
        this.options = options;
        this.events = events;
        this.log = log;
        this.host = host;
        store = new NetworkStore(database);
        filter = options.Firewall ? new PacketFilter(host, FirewallRules.TableName(options.Bridge), options.UserlandProxy) : null;
        publisher = new PortPublisher(host, filter, options.UserlandProxy, log);
        namespaces = new EndpointPool(() => PreparedEndpoint.CreateAsync(host, null), NamespacesAhead, log);
    }

    /// <summary>There is a default network with a bridge: networking is not disabled, and has been started.</summary>
    public bool HasDefaultBridge => DefaultBridge is not null;

    /// <summary>The default network's bridge; null before the start and with networking disabled.</summary>
    private BridgeNetwork? DefaultBridge => networks.ByName("bridge")?.Bridge;

    /// <summary>Makes the predefined networks, and the default bridge unless that is disabled.</summary>
    /// <exception cref="EngineException">The bridge cannot be made, or no subnet is free for it.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        if (networks.All.Length > 0) return;
        hostHasIPv6 = await host.RunAsync(() => SystemControl.TryRead("net/ipv6/conf/all/disable_ipv6") == "0").ConfigureAwait(false);
        var known = (await store.LoadAsync().ConfigureAwait(false)).ToDictionary(n => n.Name, StringComparer.Ordinal);
        cancellation.ThrowIfCancellationRequested();
        var set = NetworkSet.Empty
            .With(new Network(await EnsureAsync(known, "none", "null", r => r).ConfigureAwait(false), null))
            .With(new Network(await EnsureAsync(known, "host", "host", r => r).ConfigureAwait(false), null));
        if (!options.BridgeDisabled) set = set.With(await StartDefaultBridgeAsync(known).ConfigureAwait(false));
        networks = set;
        if (options.IpForward && !options.BridgeDisabled) await SwitchForwardingOnAsync().ConfigureAwait(false);
    }

    /// <summary>Loads a predefined network's record or makes it; a change is saved. Its id stays the same for a data root.</summary>
    private async Task<NetworkResource> EnsureAsync(Dictionary<string, NetworkResource> known, string name, string driver, Func<NetworkResource, NetworkResource> complete)
    {
        var record = known.GetValueOrDefault(name);
        var wanted = complete(record ?? new NetworkResource
        {
            Id = PreparedEndpoint.NewId(),
            Name = name,
            Driver = driver,
            Created = WireTime.Format(DateTimeOffset.UtcNow),
        });
        if (!ReferenceEquals(record, wanted)) await store.SaveAsync(wanted).ConfigureAwait(false);
        return wanted;
    }

    private async Task<Network> StartDefaultBridgeAsync(Dictionary<string, NetworkResource> known)
    {
        var (gateway, prefixLength) = ChooseAddress(known.GetValueOrDefault("bridge"));
        var network = IpNumber.NetworkOf(gateway, prefixLength);
        var device = await BridgeDevice.EnsureAsync(host, options.Bridge, gateway, prefixLength, options.EffectiveMtu, exclusive: options.BridgeAddress is not null, routeLoopback: filter is not null)
            .ConfigureAwait(false);
        var record = await EnsureAsync(known, "bridge", "bridge", r => r with
        {
            IPAM = new Ipam { Config = [new IpamPool { Subnet = network.ToString(), Gateway = gateway.ToString(), IPRange = options.FixedCidr?.ToString() }] },
            Options = new SortedDictionary<string, string>(StringComparer.Ordinal)
            {
                ["com.docker.network.bridge.default_bridge"] = "true",
                ["com.docker.network.bridge.enable_icc"] = options.InterContainerCommunication ? "true" : "false",
                ["com.docker.network.bridge.enable_ip_masquerade"] = options.IpMasquerade ? "true" : "false",
                ["com.docker.network.bridge.host_binding_ipv4"] = options.DefaultBindAddress.ToString(),
                ["com.docker.network.bridge.name"] = options.Bridge,
                ["com.docker.network.driver.mtu"] = options.EffectiveMtu.ToString(System.Globalization.CultureInfo.InvariantCulture),
            },
        }).ConfigureAwait(false);
        if (!options.InterContainerCommunication) await KeepApartAsync().ConfigureAwait(false);
        NetworkLog.BridgeReady(log, options.Bridge, network.ToString(), gateway.ToString());
        leftBehind = BridgeNetwork.Wires(host, device.Index);
        var subnet = new Subnet(network, gateway, options.FixedCidr);
        return new Network(record, new BridgeNetwork(host, device, subnet, options.IpMasquerade, options.InterContainerCommunication, hairpin: !options.UserlandProxy, log));
    }

    /// <exception cref="EngineException">Docker's text when there is no packet filter (reference A24), or what the kernel lacks.</exception>
    private async Task KeepApartAsync()
    {
        if (filter is null) throw EngineException.InvalidParameter("You specified --iptables=false with --icc=false. ICC uses iptables to function. Please set --icc or --iptables to true.");
        try
        {
            await filter.FilterSwitchedAsync().ConfigureAwait(false);
        }
        catch (NftablesException e)
        {
            throw EngineException.System(e.Message, e);
        }
    }

    /// <summary>
    /// The bridge's address: the one that the operator named; else the one that the bridge has; else the one that it had the last time, if nothing else
    /// uses it now; else the first of a free subnet.
    /// </summary>
    private (IPAddress Gateway, int PrefixLength) ChooseAddress(NetworkResource? earlier)
    {
        if (options.BridgeAddress is { } told) return told;
        var (link, address) = BridgeDevice.Find(host, options.Bridge);
        if (address is not null) return (address.Address, address.PrefixLength);
        var inUse = BridgeNetwork.InUse(host, link?.Index ?? 0);
        if (earlier?.IPAM.Config is [{ Subnet: { } subnet, Gateway: { } gateway }] && IPNetwork.TryParse(subnet, out var last) && IPAddress.TryParse(gateway, out var first)
            && (options.AddressPools.Count == 0 || options.AddressPools.Any(p => p.Base.Overlaps(last))) && !inUse.Exists(n => n.Overlaps(last)))
            return (first, last.PrefixLength);
        var chosen = SubnetPools.Choose(options.AddressPools.Count > 0 ? options.AddressPools : SubnetPools.Default, inUse)
            ?? throw EngineException.System("all predefined address pools have been fully subnetted");
        return (SubnetPools.FirstAddress(chosen), chosen.PrefixLength);
    }

    private async Task SwitchForwardingOnAsync()
    {
        const string forward = "net/ipv4/ip_forward";
        bool on = await host.RunAsync(() => SystemControl.TryRead(forward) == "1" || SystemControl.TryWrite(forward, "1")).ConfigureAwait(false);
        if (!on) NetworkLog.ForwardingOff(log);
    }

    /// <summary>Takes over what running containers have, and writes the packet filter anew. What belongs to none of them is taken away.</summary>
    public async Task RestoreAsync(IReadOnlyList<RunningSandbox> running, CancellationToken cancellation)
    {
        foreach (var sandbox in running)
        {
            cancellation.ThrowIfCancellationRequested();
            active[sandbox.Request.ContainerId] = await AdoptAsync(sandbox).ConfigureAwait(false);
        }
        foreach (var sandbox in running.Where(s => s.Request.HostConfig.Links is { Count: > 0 })) AdoptLinks(sandbox.Request);
        await store.ReplaceAsync(Leases(), active.Values.SelectMany(s => s.Ports?.Ports.Select(p => (p, s.ContainerId)) ?? [])).ConfigureAwait(false);
        filter?.Reconcile(networks.All.Where(n => n.Bridge is not null).Select(n => n.Bridge!.Rules), active.Values.SelectMany(s => s.Ports?.Ports ?? []), active.Values.SelectMany(s => s.Links));
        if (filter is not null) guard ??= await FilterGuard.StartAsync(host, filter, log).ConfigureAwait(false);
        RemoveWiresLeftBehind();
    }

    private void RemoveWiresLeftBehind()
    {
        var inUse = active.Values.SelectMany(s => s.Endpoints).Where(e => e.Address is not null).Select(e => PreparedEndpoint.HostDevice(e.EndpointId)).ToHashSet(StringComparer.Ordinal);
        foreach (var wire in leftBehind.Where(w => !inUse.Contains(w.Name)))
            if (BridgeNetwork.RemoveWire(host, wire)) NetworkLog.StrayDevice(log, wire.Name);
        leftBehind = [];
    }

    private IEnumerable<(string, string, string)> Leases() =>
        from sandbox in active.Values
        from endpoint in sandbox.Endpoints
        where endpoint.Address is not null
        select (endpoint.NetworkId, endpoint.Address!.ToString(), sandbox.ContainerId);

    private async Task<ActiveSandbox> AdoptAsync(RunningSandbox sandbox)
    {
        var request = sandbox.Request;
        var endpoints = new List<ActiveEndpoint>();
        foreach (var (name, settings) in sandbox.Endpoints)
        {
            if ((networks.ById(settings.NetworkID) ?? networks.ByName(name)) is not { } network) continue;
            IPAddress.TryParse(settings.IPAddress, out var address);
            if (address is not null && network.Bridge is { } bridge) bridge.Subnet.TryLease(address, request.ContainerId);
            endpoints.Add(new ActiveEndpoint(network.Id, settings.EndpointID, address, settings.IPPrefixLen, settings.MacAddress));
        }
        PortSet? ports = null;
        if (endpoints.Find(e => e.Address is not null) is { } main)
        {
            var published = PortPlan.Published(sandbox.Ports, main.Address!);
            ports = await publisher.AdoptAsync(published).ConfigureAwait(false);
            foreach (var lost in published.Except(ports.Held)) NetworkLog.PortLost(log, lost.HostIp, lost.HostPort, lost.Protocol, request.ContainerId);
        }
        return new ActiveSandbox
        {
            ContainerId = request.ContainerId, ContainerName = request.ContainerName, SandboxId = sandbox.SandboxId, Hostname = request.Config.Hostname,
            Endpoints = endpoints, Ports = ports, Exposed = [.. sandbox.Ports.Keys.Select(ContainerPort.Parse)],
        };
    }

    /// <summary>Lets go of sockets and of what was made ahead. Bridges, rules and running containers' networks stay.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0) return;
        if (guard is not null) await guard.DisposeAsync().ConfigureAwait(false);
        await namespaces.DisposeAsync().ConfigureAwait(false);
        foreach (var network in networks.All)
            if (network.Bridge is { } bridge) await bridge.DisposeAsync().ConfigureAwait(false);
        foreach (var sandbox in active.Values)
            if (sandbox.Ports is { } ports) await ports.LetGoAsync().ConfigureAwait(false);
        foreach (var jobs in interfaces.Values) await jobs.LetGoAsync().ConfigureAwait(false);
        host.Dispose();
    }

    /// <summary>Takes away the default bridge and the packet filter's table: for an engine that leaves the machine.</summary>
    internal void RemoveTraces()
    {
        filter?.Remove();
        if (DefaultBridge is { } bridge) host.Routes.Execute(new RouteBatch().DeleteLink(bridge.Device.Index));
    }
}
