using System.Net;
using System.Net.Sockets;
using Gantry.Daemon.Engine;
using Gantry.Linux.Kernel;
using Gantry.Linux.Networking;

namespace Gantry.Daemon.Networks.Bridges;

/// <summary>A bridge on the host: there, up, and with its gateway address.</summary>
/// <param name="Index">Of the device.</param>
internal sealed record BridgeDevice(string Name, int Index, IPAddress Gateway, int PrefixLength, int Mtu)
{
    /// <summary>The device of a name, if there is one, and its first IPv4 address.</summary>
    /// <exception cref="EngineException">There is a device of that name that is no bridge.</exception>
    public static (Link? Link, LinkAddress? Address) Find(HostNetwork host, string name)
    {
        if (host.Routes.FindLink(name) is not { } link) return (null, null);
        if (link.Kind != "bridge") throw EngineException.System($"the network device {name} is a {(link.Kind.Length == 0 ? "plain device" : link.Kind)}, not a bridge");
        return (link, host.Routes.Addresses(link.Index).FirstOrDefault(a => a.Address.AddressFamily == AddressFamily.InterNetwork));
    }

    /// <summary>Makes the bridge if it is not there, and gives it what it lacks.</summary>
    /// <param name="exclusive">Other IPv4 addresses are taken from it: the operator has said which one it has.</param>
    /// <param name="routeLoopback">Connections of this host to 127.0.0.1 may be led to containers.</param>
    /// <exception cref="EngineException">The kernel refuses.</exception>
    public static async Task<BridgeDevice> EnsureAsync(HostNetwork host, string name, IPAddress gateway, int prefixLength, int mtu, bool exclusive, bool routeLoopback)
    {
        try
        {
            var (link, _) = Find(host, name);
            if (link is null)
            {
                host.Routes.Execute(new RouteBatch().CreateBridge(name, HardwareAddress.Random(), mtu));
                link = host.Routes.FindLink(name) ?? throw new KernelException("find bridge " + name, Errno.ENODEV);
            }
            var changes = new RouteBatch();
            if (!link.Up || link.Mtu != mtu) changes.ChangeLink(link.Index, new LinkChange { Up = true, Mtu = mtu });
            var addresses = host.Routes.Addresses(link.Index).Where(a => a.Address.AddressFamily == AddressFamily.InterNetwork).ToList();
            if (exclusive)
                foreach (var other in addresses.Where(a => !a.Address.Equals(gateway) || a.PrefixLength != prefixLength)) changes.DeleteAddress(link.Index, other.Address, other.PrefixLength);
            if (!addresses.Exists(a => a.Address.Equals(gateway) && a.PrefixLength == prefixLength)) changes.AddAddress(link.Index, gateway, prefixLength);
            host.Routes.Execute(changes);
            if (routeLoopback) await host.RunAsync(() => SystemControl.TryWrite($"net/ipv4/conf/{name}/route_localnet", "1")).ConfigureAwait(false);
            return new BridgeDevice(name, link.Index, gateway, prefixLength, mtu);
        }
        catch (KernelException e)
        {
            throw EngineException.System($"cannot set up the bridge {name}: {e.Message}", e);
        }
    }
}
