using System.Globalization;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks.Bridges;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Networks;

namespace Gantry.Daemon.Networks;

/// <summary>What the networks look like from outside.</summary>
public sealed partial class NetworkService
{
    /// <summary>Every network that passes the filter, without its containers.</summary>
    public List<NetworkResource> List(Filters filters)
    {
        var used = active.Values.SelectMany(s => s.Endpoints).Select(e => e.NetworkId).ToHashSet(StringComparer.Ordinal);
        return [.. networks.All.Select(n => n.Record).Where(n => NetworkFilter.Includes(filters, n, dangling: !used.Contains(n.Id)))];
    }

    /// <summary>One network, with the containers that run on it.</summary>
    /// <exception cref="EngineException">404 <c>network X not found</c>, 400 when the beginning of an id fits several.</exception>
    public NetworkResource Inspect(string nameOrId)
    {
        var network = networks.Find(nameOrId);
        var containers = new SortedDictionary<string, NetworkContainer>(StringComparer.Ordinal);
        foreach (var sandbox in active.Values)
        {
            foreach (var endpoint in sandbox.Endpoints.Where(e => e.NetworkId == network.Id))
            {
                containers[sandbox.ContainerId] = new NetworkContainer
                {
                    Name = sandbox.ContainerName,
                    EndpointID = endpoint.EndpointId,
                    MacAddress = endpoint.HardwareAddress,
                    IPv4Address = endpoint.Address is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{endpoint.Address}/{endpoint.PrefixLength}"),
                };
            }
        }
        return network.Record with { Containers = containers };
    }

    /// <summary>Refuses: this engine's networks are the predefined ones.</summary>
    /// <exception cref="EngineException">403 for a predefined network (golden 121), 404 when there is none.</exception>
    public void Delete(string nameOrId)
    {
        var network = networks.Find(nameOrId);
        throw EngineException.Forbidden($"{network.Record.Name} is a pre-defined network and cannot be removed");
    }

    /// <summary>What a prune takes away: nothing, as predefined networks stay (golden 133).</summary>
    public NetworksPruneResponse Prune() => new();

    /// <summary>The full id of a network by name or id, or null: for checks at a container's creation.</summary>
    public string? FindId(string nameOrId) => (networks.ByName(nameOrId) ?? networks.ById(nameOrId))?.Id;

    /// <summary>What a container has sent and received since its start, by the names of its devices; null when it has none of its own.</summary>
    /// <remarks>Counted at the host's end of each wire, so the directions change places. A container in another's namespace has that one's numbers.</remarks>
    public SortedDictionary<string, NetworkStats>? ReadTraffic(string containerId)
    {
        if (!active.TryGetValue(containerId, out var sandbox)) return null;
        SortedDictionary<string, NetworkStats>? traffic = null;
        int number = 0;
        foreach (var endpoint in sandbox.Endpoints.Where(e => e.Address is not null))
        {
            if (host.Routes.FindCounters(PreparedEndpoint.HostDevice(endpoint.EndpointId)) is not { } wire) continue;
            traffic ??= new SortedDictionary<string, NetworkStats>(StringComparer.Ordinal);
            traffic["eth" + number++.ToString(CultureInfo.InvariantCulture)] = new NetworkStats
            {
                RxBytes = wire.SentBytes, RxPackets = wire.SentPackets, RxErrors = wire.SentErrors, RxDropped = wire.SentDropped,
                TxBytes = wire.ReceivedBytes, TxPackets = wire.ReceivedPackets, TxErrors = wire.ReceivedErrors, TxDropped = wire.ReceivedDropped,
            };
        }
        return traffic;
    }
}
