using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Containers;

public sealed partial class ContainerService
{
    /// <exception cref="EngineException">400 for a link to a container that is not there.</exception>
    private void VerifyLinks(HostConfig host)
    {
        foreach (var link in (host.Links ?? []).Select(LinkSpec.Parse))
        {
            try
            {
                store.Get(link.Target);
            }
            catch (EngineException e)
            {
                throw EngineException.InvalidParameter($"could not get container for {link.Target}: {e.Message}", e);
            }
        }
    }

    /// <summary>The names that containers have as links of others, <c>/parent/alias</c>, by container id.</summary>
    private ILookup<string, string> LinkNames()
    {
        var links = from parent in store.All
                    from text in parent.Record.HostConfig.Links ?? []
                    let link = LinkSpec.Parse(text)
                    let child = LinkedContainer(link)
                    where child is not null
                    select (child.Id, Name: $"/{parent.Record.Name}/{link.Alias}");
        return links.ToLookup(l => l.Id, l => l.Name, StringComparer.Ordinal);
    }

    private Container? LinkedContainer(LinkSpec link) => store.FindByName(link.Target) ?? store.Find(link.Target);

    /// <summary>A container's links as inspect shows them: <c>/child:/parent/alias</c>.</summary>
    private static HostConfig WithWholeLinks(ContainerRecord record)
    {
        if (record.HostConfig.Links is not { Count: > 0 } links) return record.HostConfig;
        return record.HostConfig with { Links = [.. links.Select(LinkSpec.Parse).Select(link => $"/{link.Target}:/{record.Name}/{link.Alias}")] };
    }

    private List<string> LinkVariablesOf(ContainerRecord record)
    {
        var variables = new List<string>();
        foreach (var link in (record.HostConfig.Links ?? []).Select(LinkSpec.Parse))
        {
            if (LinkedContainer(link) is not { } child || child.Status.Network?.Endpoints.Values.FirstOrDefault(e => e.IPAddress.Length > 0) is not { } endpoint) continue;
            var ports = (child.Record.Config.ExposedPorts?.Keys ?? Enumerable.Empty<string>()).Concat(child.Record.HostConfig.PortBindings?.Keys ?? Enumerable.Empty<string>());
            variables.AddRange(LinkVariables.Of(record.Name, link.Alias, endpoint.IPAddress, ports.Select(PortSpec.Parse).Distinct(), child.Record.Config.Env ?? []));
        }
        return variables;
    }

    /// <summary>Takes a link away from its parent, by its name <c>parent/alias</c>; the linked container stays.</summary>
    private async Task RemoveLinkAsync(string name)
    {
        string[] parts = name.TrimStart('/').Split('/', 2);
        if (parts.Length < 2) throw EngineException.Conflict("Conflict, cannot remove the default link name of the container");
        var parent = store.Get(parts[0]);
        var links = parent.Record.HostConfig.Links ?? [];
        string text = links.Find(l => LinkSpec.Parse(l).Alias == parts[1]) ?? throw EngineException.NotFound($"No such container: {name}");
        networks.DropLink(parent.Id, text);
        await store.SaveAsync(parent, parent.Record with { HostConfig = parent.Record.HostConfig with { Links = links.Count == 1 ? null : [.. links.Where(l => l != text)] } }).ConfigureAwait(false);
    }
}
