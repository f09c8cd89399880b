using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Networks.Ports;

/// <summary>From a container's settings to the ports that are to be published, and back to what inspect shows. Pure.</summary>
internal static class PortPlan
{
    /// <summary>Every port that the container exposes or binds, normalised; published ones with their requests.</summary>
    /// <param name="anywhere">The addresses that stand for "every address of the host".</param>
    /// <exception cref="EngineException">400 for what is no port or address.</exception>
    public static (IReadOnlyList<PortRequest> Requests, IReadOnlyList<ContainerPort> Exposed) Make(ContainerConfig config, HostConfig hostConfig, IPAddress defaultAddress, IReadOnlyList<IPAddress> anywhere)
    {
        var bindings = new SortedDictionary<string, (ContainerPort Port, List<PortBinding> Bindings)>(StringComparer.Ordinal);
        foreach (string exposed in config.ExposedPorts?.Keys ?? Enumerable.Empty<string>())
        {
            var port = ContainerPort.Parse(exposed);
            bindings[port.ToString()] = (port, []);
        }
        foreach (var (name, wanted) in hostConfig.PortBindings ?? [])
        {
            var port = ContainerPort.Parse(name);
            bindings[port.ToString()] = (port, wanted ?? []);
        }
        var requests = new List<PortRequest>();
        foreach (var (port, wanted) in bindings.Values)
        {
            IEnumerable<PortBinding> all = wanted.Count == 0 && hostConfig.PublishAllPorts ? [new PortBinding()] : wanted;
            requests.AddRange(all.Select(b => new PortRequest(port, Addresses(b.HostIp, defaultAddress, anywhere), HostPorts.Parse(b.HostPort))));
        }
        // Those that name a port go first: an ephemeral one must not take it.
        return ([.. requests.OrderBy(r => r.Host.IsAny ? 2 : r.Host.First == r.Host.Last ? 0 : 1)], [.. bindings.Values.Select(b => b.Port)]);
    }

    private static IReadOnlyList<IPAddress> Addresses(string hostIp, IPAddress defaultAddress, IReadOnlyList<IPAddress> anywhere)
    {
        if (hostIp.Length == 0) return defaultAddress.Equals(IPAddress.Any) ? anywhere : [defaultAddress];
        string text = hostIp is ['[', .. var inner, ']'] ? inner : hostIp;
        return IPAddress.TryParse(text, out var address) ? [address] : throw EngineException.InvalidParameter($"invalid IP address in port binding: \"{hostIp}\"");
    }

    /// <summary>What inspect shows: bindings of published ports, null for those that are only exposed.</summary>
    public static SortedDictionary<string, List<PortBinding>?> Describe(IEnumerable<ContainerPort> exposed, IEnumerable<PublishedPort> published)
    {
        var ports = new SortedDictionary<string, List<PortBinding>?>(StringComparer.Ordinal);
        foreach (var port in exposed) ports[port.ToString()] = null;
        foreach (var port in published)
        {
            string name = port.Container.ToString();
            var list = ports.GetValueOrDefault(name) ?? (ports[name] = []);
            list!.Add(new PortBinding { HostIp = port.HostIp, HostPort = port.HostPort.ToString(CultureInfo.InvariantCulture) });
        }
        return ports;
    }

    /// <summary>The other way: what a description says is published.</summary>
    public static IReadOnlyList<PublishedPort> Published(IReadOnlyDictionary<string, List<PortBinding>?> described, IPAddress container)
    {
        var ports = new List<PublishedPort>();
        foreach (var (name, bindings) in described)
        {
            var port = ContainerPort.Parse(name);
            foreach (var binding in bindings ?? [])
                if (IPAddress.TryParse(binding.HostIp, out var address) && int.TryParse(binding.HostPort, NumberStyles.None, CultureInfo.InvariantCulture, out int hostPort))
                    ports.Add(new PublishedPort(port.Protocol, address, hostPort, container, port.Number));
        }
        return ports;
    }

    /// <summary>Every address of the host, as far as it has any.</summary>
    public static IReadOnlyList<IPAddress> Anywhere(bool ipv6) => ipv6 && Socket.OSSupportsIPv6 ? [IPAddress.Any, IPAddress.IPv6Any] : [IPAddress.Any];
}
