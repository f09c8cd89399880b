using System.Net;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks.Addresses;
using Gantry.Daemon.Networks.Bridges;
using Gantry.Daemon.Networks.Files;
using Gantry.Daemon.Networks.Firewall;
using Gantry.Daemon.Networks.Ports;
using Gantry.Linux.Kernel;
using Gantry.Linux.Networking;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Networks;

namespace Gantry.Daemon.Networks;

/// <summary>The networks of single containers, from start to exit.</summary>
public sealed partial class NetworkService
{
    /// <summary>What clients read first when a container's network cannot be made (golden 072).</summary>
    private const string SetUpFailed = "failed to set up container networking: ";

    /// <summary>Makes a container's network by its mode. The event <c>connect</c> has been published when it returns.</summary>
    /// <exception cref="EngineException">404 for an unknown network, 500 for a port that is taken, with the texts of reference 5.6.</exception>
    public async Task<Sandbox> CreateSandboxAsync(SandboxRequest request, IContainerNetworkNamespaces containers, CancellationToken cancellation)
    {
        if (active.ContainsKey(request.ContainerId)) await ReleaseSandboxAsync(request.ContainerId).ConfigureAwait(false);
        string mode = request.HostConfig.NetworkMode;
        if (mode.StartsWith("container:", StringComparison.Ordinal)) return Join(containers.Join(mode["container:".Length..]));
        if (request.Config.NetworkDisabled || (mode is "" or "default" && options.BridgeDisabled)) return await IsolateAsync(request, null, cancellation).ConfigureAwait(false);
        var network = FindForContainer(mode is "" or "default" ? "bridge" : mode);
        if (network.Bridge is { } bridge) return await ConnectAsync(request, network, bridge, cancellation).ConfigureAwait(false);
        return network.Name == "host" ? UseHost(request, network) : await IsolateAsync(request, network, cancellation).ConfigureAwait(false);
    }

    private Network FindForContainer(string nameOrId)
    {
        try
        {
            return networks.Find(nameOrId);
        }
        catch (EngineException e)
        {
            throw new EngineException(e.Kind, SetUpFailed + e.Message, e);
        }
    }

    private static Sandbox Join(JoinedNetwork other) => new()
    {
        Id = "",
        Namespace = other.Namespace,
        Endpoints = new SortedDictionary<string, EndpointSettings>(StringComparer.Ordinal),
        Ports = [],
        HostsFile = other.HostsFile,
        ResolvConf = other.ResolvConf,
    };

    private Sandbox UseHost(SandboxRequest request, Network network)
    {
        var hostConfig = request.HostConfig;
        bool plainHosts = hostConfig.ExtraHosts is not { Count: > 0 };
        var overrides = (hostConfig.Dns ?? [], hostConfig.DnsSearch ?? [], hostConfig.DnsOptions ?? []);
        bool plainResolver = overrides is { Item1.Count: 0, Item2.Count: 0, Item3.Count: 0 };
        var sandbox = new Sandbox
        {
            Id = PreparedEndpoint.NewId(),
            Namespace = null,
            Endpoints = new SortedDictionary<string, EndpointSettings>(StringComparer.Ordinal) { [network.Name] = Unaddressed(request, network) },
            Ports = [],
            HostsFile = plainHosts && File.Exists(options.HostHosts)
                ? File.ReadAllText(options.HostHosts)
                : HostsFile.Build(hostHasIPv6, hostConfig.ExtraHosts ?? [], HostGateway, [], [], "", ""),
            ResolvConf = plainResolver
                ? ResolvConf.ReadHost(options.HostResolvConf)
                : ResolvConf.Parse(ResolvConf.ReadHost(options.HostResolvConf)).With(hostConfig.Dns, hostConfig.DnsSearch, hostConfig.DnsOptions).ToString(),
        };
        Activate(request, sandbox, [new ActiveEndpoint(network.Id, sandbox.Endpoints[network.Name].EndpointID, null, 0, "")]);
        return sandbox;
    }

    /// <summary>A namespace with nothing but its loopback.</summary>
    /// <param name="network"><c>none</c>; null when the container is not even on that.</param>
    private async Task<Sandbox> IsolateAsync(SandboxRequest request, Network? network, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var prepared = request.Owner is { } owner ? await PreparedEndpoint.CreateAsync(host, null, owner: owner).ConfigureAwait(false) : await namespaces.TakeAsync().ConfigureAwait(false);
        var endpoints = new SortedDictionary<string, EndpointSettings>(StringComparer.Ordinal);
        var places = new List<ActiveEndpoint>();
        if (network is not null)
        {
            endpoints[network.Name] = Unaddressed(request, network);
            places.Add(new ActiveEndpoint(network.Id, endpoints[network.Name].EndpointID, null, 0, ""));
        }
        var sandbox = new Sandbox
        {
            Id = PreparedEndpoint.NewId(),
            Namespace = prepared.Release().Handle,
            Endpoints = endpoints,
            Ports = [],
            HostsFile = HostsFile.Build(hostHasIPv6, request.HostConfig.ExtraHosts ?? [], HostGateway, [], [], "", ""),
            ResolvConf = Resolver(request.HostConfig).ToString(),
        };
        Activate(request, sandbox, places);
        return sandbox;
    }

    private static EndpointSettings Unaddressed(SandboxRequest request, Network network) =>
        Wanted(request, network) with { NetworkID = network.Id, EndpointID = PreparedEndpoint.NewId() };

    /// <summary>What the container asked of a network, found by the network's name, id, or the mode's word for it.</summary>
    private static EndpointSettings Wanted(SandboxRequest request, Network network)
    {
        foreach (string key in (ReadOnlySpan<string>)[network.Name, network.Id, request.HostConfig.NetworkMode, "default"])
            if (request.Endpoints.TryGetValue(key, out var settings)) return settings;
        return new EndpointSettings();
    }

    /// <summary>A place on a bridge: a prepared namespace gets an address, and ports are published.</summary>
    private async Task<Sandbox> ConnectAsync(SandboxRequest request, Network network, BridgeNetwork bridge, CancellationToken cancellation)
    {
        var wanted = Wanted(request, network);
        if (network.Predefined && wanted.IPAMConfig?.IPv4Address is { Length: > 0 })
            throw EngineException.InvalidParameter("user specified IP address is supported on user defined networks only");
        var hardware = ChooseHardwareAddress(request, wanted);
        var plan = PortPlan.Make(request.Config, request.HostConfig, options.DefaultBindAddress, PortPlan.Anywhere(hostHasIPv6 && options.UserlandProxy));
        var links = ResolveLinks(request);
        var address = bridge.Subnet.Lease(request.ContainerId)
            ?? throw EngineException.System($"{SetUpFailed}no available IPv4 addresses on this network's address pools: {network.Name} ({network.Id})");

        PreparedEndpoint? prepared = null;
        PortSet? ports = null;
        try
        {
            cancellation.ThrowIfCancellationRequested();
            prepared = await bridge.TakeEndpointAsync(request.Owner).ConfigureAwait(false);
            bridge.Configure(prepared, address, hardware);
            ports = await PublishAsync(request, prepared.EndpointId, address, plan.Requests, cancellation).ConfigureAwait(false);
            var rules = LinkRules(bridge, links, address);
            if (rules.Count > 0) filter?.AddLinks(rules);
            store.Lease(network.Id, address.ToString(), ports.Ports, request.ContainerId);

            var settings = wanted with
            {
                MacAddress = hardware.ToString(), NetworkID = network.Id, EndpointID = prepared.EndpointId,
                Gateway = bridge.Subnet.Gateway.ToString(), IPAddress = address.ToString(), IPPrefixLen = bridge.Subnet.Network.PrefixLength,
            };
            var sandbox = new Sandbox
            {
                Id = PreparedEndpoint.NewId(),
                Namespace = prepared.Release().Handle,
                Endpoints = new SortedDictionary<string, EndpointSettings>(StringComparer.Ordinal) { [network.Name] = settings },
                Ports = PortPlan.Describe(plan.Exposed, ports.Ports),
                HostsFile = HostsFile.Build(hostHasIPv6, request.HostConfig.ExtraHosts ?? [], HostGateway, links.Select(l => l.HostsLine), [address.ToString()],
                    request.Config.Hostname, request.Config.Domainname),
                ResolvConf = Resolver(request.HostConfig).ToString(),
            };
            Activate(request, sandbox, [new ActiveEndpoint(network.Id, prepared.EndpointId, address, settings.IPPrefixLen, settings.MacAddress)], ports, rules, plan.Exposed);
            return sandbox;
        }
        catch
        {
            if (ports is not null) await TryAsync(request.ContainerId, "taking back its ports", ports.DisposeAsync).ConfigureAwait(false);
            prepared?.Dispose();
            bridge.Subnet.Release(address, rest: prepared is not null);
            store.Release(request.ContainerId);
            throw;
        }
    }

    private async Task<PortSet> PublishAsync(SandboxRequest request, string endpointId, IPAddress address, IReadOnlyList<PortRequest> requests, CancellationToken cancellation)
    {
        try
        {
            return await publisher.PublishAsync(address, requests, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is EngineException { Kind: ErrorKind.System } or NftablesException)
        {
            throw EngineException.System($"{SetUpFailed}driver failed programming external connectivity on endpoint {request.ContainerName} ({endpointId}): {e.Message}", e);
        }
    }

    private static HardwareAddress ChooseHardwareAddress(SandboxRequest request, EndpointSettings wanted)
    {
        string text = wanted.MacAddress.Length > 0 ? wanted.MacAddress : request.Config.MacAddress ?? "";
        if (text.Length == 0) return HardwareAddress.Random();
        return HardwareAddress.TryParse(text, out var address) ? address : throw EngineException.InvalidParameter($"invalid MAC address: {text}");
    }

    private ResolvConf Resolver(HostConfig hostConfig) => ResolvConf.ForBridge(options.HostResolvConf)
        .Reachable(ipv6: false)
        .With(options.Dns, options.DnsSearch, options.DnsOptions)
        .With(hostConfig.Dns, hostConfig.DnsSearch, hostConfig.DnsOptions);

    /// <summary>What <c>host-gateway</c> stands for.</summary>
    private string HostGateway => options.HostGateway.Length > 0 ? options.HostGateway : DefaultBridge?.Subnet.Gateway.ToString() ?? "";

    private void Activate(SandboxRequest request, Sandbox sandbox, IReadOnlyList<ActiveEndpoint> endpoints, PortSet? ports = null, IReadOnlyCollection<FirewallLink>? links = null, IReadOnlyList<ContainerPort>? exposed = null)
    {
        active[request.ContainerId] = new ActiveSandbox
        {
            ContainerId = request.ContainerId, ContainerName = request.ContainerName, SandboxId = sandbox.Id, Hostname = request.Config.Hostname,
            Endpoints = endpoints, Ports = ports, Links = links ?? [], Exposed = exposed ?? [],
        };
        foreach (var endpoint in endpoints) Tell("connect", endpoint, request.ContainerId);
    }

    private void Tell(string action, ActiveEndpoint endpoint, string containerId)
    {
        if (networks.ById(endpoint.NetworkId) is not { } network) return;
        events.Publish("network", action, network.Id, [new("container", containerId), new("name", network.Name), new("type", network.Record.Driver)]);
    }

    /// <summary>Takes back what a container had: its rules, ports and address. Its wires and its namespace end with its last process. One that has nothing is no error.</summary>
    public async Task ReleaseSandboxAsync(string containerId)
    {
        if (!active.TryRemove(containerId, out var sandbox)) return;
        foreach (var endpoint in sandbox.Endpoints) Tell("disconnect", endpoint, containerId);
        await TryAsync(containerId, "taking back its ports", () => sandbox.Ports?.DisposeAsync() ?? default).ConfigureAwait(false);
        await TryAsync(containerId, "taking back its links", () =>
        {
            filter?.RemoveLinks(sandbox.Links);
            return default;
        }).ConfigureAwait(false);
        foreach (var endpoint in sandbox.Endpoints)
            if (endpoint.Address is { } address) networks.ById(endpoint.NetworkId)?.Bridge?.Subnet.Release(address);
        store.Release(containerId);
    }

    /// <summary>Each step of a release is taken, whatever became of the one before (reference 6.7).</summary>
    private async ValueTask TryAsync(string containerId, string step, Func<ValueTask> action)
    {
        try
        {
            await action().ConfigureAwait(false);
        }
        catch (Exception e) when (e is NftablesException or KernelException or EngineException)
        {
            NetworkLog.ReleaseFailed(log, containerId, step, e);
        }
    }

    /// <summary>A running container has another name from now on.</summary>
    /// <param name="name">Without the leading slash.</param>
    public void Rename(string containerId, string name)
    {
        if (active.TryGetValue(containerId, out var sandbox)) sandbox.ContainerName = name;
    }
}
