using System.Net;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks.Bridges;
using Gantry.Daemon.Networks.Firewall;
using Gantry.Daemon.Networks.Ports;

namespace Gantry.Daemon.Networks;

/// <summary>Links of the old kind between containers on the default bridge (reference 5.11).</summary>
public sealed partial class NetworkService
{
    private sealed record ResolvedLink(ActiveSandbox Child, IPAddress Address, string Alias)
    {
        public (string, string) HostsLine => (Address.ToString(), string.Join(' ', new[] { Alias, Child.Hostname, Child.ContainerName }.Where(n => n.Length > 0).Distinct(StringComparer.Ordinal)));
    }

    /// <summary>Finds the containers that a container is linked to, by <c>name:alias</c> or <c>/name:/parent/alias</c>.</summary>
    /// <exception cref="EngineException">500 when one of them does not run.</exception>
    private List<ResolvedLink> ResolveLinks(SandboxRequest request)
    {
        var links = new List<ResolvedLink>();
        foreach (string link in request.HostConfig.Links ?? [])
        {
            var (name, alias) = LinkSpec.Parse(link);
            var child = active.Values.FirstOrDefault(s => s.ContainerName == name || s.ContainerId == name)
                ?? active.Values.FirstOrDefault(s => name.Length >= 12 && s.ContainerId.StartsWith(name, StringComparison.Ordinal));
            if (child?.Endpoints.FirstOrDefault(e => e.Address is not null)?.Address is not { } address)
                throw EngineException.System($"Cannot link to a non running container: /{name} AS /{request.ContainerName}/{alias}");
            links.Add(new ResolvedLink(child, address, alias));
        }
        return links;
    }

    /// <summary>Opens again what the links of a running container had opened. A child that has ended since has no address to go to.</summary>
    private void AdoptLinks(SandboxRequest request)
    {
        if (DefaultBridge is not { } bridge || active[request.ContainerId] is not { } parent || parent.Endpoints.FirstOrDefault(e => e.Address is not null) is not { } endpoint) return;
        try
        {
            parent.Links = LinkRules(bridge, ResolveLinks(request), endpoint.Address!);
        }
        catch (EngineException)
        {
            parent.Links = [];
        }
    }

    /// <summary>The ways that links open where containers do not reach each other anyway: to the child's published and exposed ports.</summary>
    private List<FirewallLink> LinkRules(BridgeNetwork bridge, List<ResolvedLink> links, IPAddress parent)
    {
        var rules = new List<FirewallLink>();
        if (bridge.Rules.InterContainer) return rules;
        foreach (var link in links)
            foreach (var port in link.Child.Exposed) rules.Add(new FirewallLink(parent, link.Address, port));
        return rules;
    }

    /// <summary>Closes what a link of a running container had opened.</summary>
    public void DropLink(string containerId, string link)
    {
        var (name, _) = LinkSpec.Parse(link);
        if (!active.TryGetValue(containerId, out var parent) || parent.Links.Count == 0) return;
        var child = active.Values.FirstOrDefault(s => s.ContainerName == name || s.ContainerId == name);
        FirewallLink[] closed = [.. parent.Links.Where(l => child?.Endpoints.Any(e => l.Child.Equals(e.Address)) == true)];
        parent.Links = [.. parent.Links.Except(closed)];
        filter?.RemoveLinks(closed);
    }

    /// <summary>Adds or takes away the rules of a link (the engine command <c>link</c>).</summary>
    /// <exception cref="EngineException">400 for what is no address or port; 404 for taking away what is not there.</exception>
    internal void ChangeLink(LinkRequest request)
    {
        if (!IPAddress.TryParse(request.ParentIP, out var parent)) throw EngineException.InvalidParameter($"Parent IP {request.ParentIP} is invalid");
        if (!IPAddress.TryParse(request.ChildIP, out var child)) throw EngineException.InvalidParameter($"Child IP {request.ChildIP} is invalid");
        FirewallLink[] rules = [.. request.Ports.Select(p => new FirewallLink(parent, child, ContainerPort.Parse(p)))];
        if (filter is null) return;
        if (request.Add) filter.AddLinks(rules);
        else if (!filter.RemoveLinks(rules) && !request.IgnoreErrors) throw EngineException.NotFound($"no link from {parent} to {child}");
    }
}
