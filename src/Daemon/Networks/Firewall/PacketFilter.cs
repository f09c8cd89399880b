using Gantry.Daemon.Networks.Ports;
using Gantry.Linux.Networking;

namespace Gantry.Daemon.Networks.Firewall;

/// <summary>Keeps the engine's nftables table as its model says. The model is all here, so that the table can be written anew at any time.</summary>
/// <param name="relays">The daemon relays what the rules do not translate.</param>
internal sealed class PacketFilter(HostNetwork host, string table, bool relays)
{
    private const string BridgeNetfilter = "net/bridge/bridge-nf-call-iptables";

    private readonly Lock gate = new();
    private readonly List<FirewallBridge> bridges = [];
    private readonly HashSet<PublishedPort> ports = [];
    private readonly HashSet<FirewallLink> links = [];

    /// <summary>Frames between ports of a bridge are filtered by a table of their own.</summary>
    private bool switched;

    /// <summary>The table is to be there: from the first writing on, until it is taken away.</summary>
    private bool written;

    public string Table => table;

    /// <summary>Sees to it that frames between the ports of a bridge can be filtered, as they must be where containers shall not reach each other.</summary>
    /// <exception cref="NftablesException">This kernel has neither br_netfilter nor nftables for bridges.</exception>
    public async Task FilterSwitchedAsync()
    {
        if (await host.RunAsync(() => SystemControl.TryWrite(BridgeNetfilter, "1")).ConfigureAwait(false)) return;
        try
        {
            host.Firewall.Run($"add table bridge {table}\ndelete table bridge {table}");
            switched = true;
        }
        catch (NftablesException e)
        {
            throw new NftablesException("containers can only be kept from each other (--icc=false) with the kernel module br_netfilter or with nftables for bridges: load br_netfilter", e.Details, e);
        }
    }

    /// <summary>Writes the whole table from a new model.</summary>
    /// <exception cref="NftablesException">nft refuses; the table is as it was.</exception>
    public void Reconcile(IEnumerable<FirewallBridge> newBridges, IEnumerable<PublishedPort> newPorts, IEnumerable<FirewallLink> newLinks)
    {
        lock (gate)
        {
            bridges.Clear();
            bridges.AddRange(newBridges);
            ports.Clear();
            ports.UnionWith(newPorts);
            links.Clear();
            links.UnionWith(newLinks);
            Write();
        }
    }

    private void Write()
    {
        host.Firewall.Run(FirewallRules.Replace(table, bridges, ports, links, switched, relays));
        written = true;
        ForwardPolicy.Admit(host.Firewall, bridges);
    }

    /// <summary>Writes the table again if it is not there, and lets the bridges through what others have put in their way since.</summary>
    /// <returns>True when something had to be done.</returns>
    public bool Restore()
    {
        lock (gate)
        {
            if (!written) return false;
            try
            {
                host.Firewall.Run($"list chain inet {table} forward");
            }
            catch (NftablesException)
            {
                Write();
                return true;
            }
            return ForwardPolicy.Admit(host.Firewall, bridges);
        }
    }

    public void AddPorts(IReadOnlyCollection<PublishedPort> added)
    {
        if (added.Count == 0) return;
        lock (gate)
        {
            ports.UnionWith(added);
            try
            {
                Change(FirewallRules.AddPorts(table, added, relays));
            }
            catch
            {
                ports.ExceptWith(added);
                throw;
            }
        }
    }

    public void RemovePorts(IReadOnlyCollection<PublishedPort> removed)
    {
        if (removed.Count == 0) return;
        lock (gate)
        {
            ports.ExceptWith(removed);
            Change(FirewallRules.RemovePorts(table, removed, relays));
        }
    }

    public void AddLinks(IReadOnlyCollection<FirewallLink> added)
    {
        lock (gate)
        {
            FirewallLink[] fresh = [.. added.Where(links.Add)];
            if (fresh.Length > 0) Change(FirewallRules.AddLinks(table, fresh, switched));
        }
    }

    /// <returns>False when one of them was not there.</returns>
    public bool RemoveLinks(IReadOnlyCollection<FirewallLink> removed)
    {
        lock (gate)
        {
            FirewallLink[] known = [.. removed.Where(links.Remove)];
            if (known.Length > 0) Change(FirewallRules.RemoveLinks(table, known, switched));
            return known.Length == removed.Count;
        }
    }

    /// <summary>A change of elements fails when somebody has flushed the table underneath: then all of it is written again.</summary>
    private void Change(string commands)
    {
        if (commands.Length == 0) return;
        try
        {
            host.Firewall.Run(commands);
        }
        catch (NftablesException)
        {
            Write();
        }
    }

    /// <summary>Takes the table away, and what was let in elsewhere.</summary>
    public void Remove()
    {
        lock (gate)
        {
            written = false;
            host.Firewall.Run(FirewallRules.Remove(table, switched));
            ForwardPolicy.Withdraw(host.Firewall, bridges);
        }
    }
}
