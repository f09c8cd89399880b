using System.Collections.Immutable;
using Gantry.Daemon.Networks.Bridges;
using Gantry.Protocol.Networks;

namespace Gantry.Daemon.Networks;

/// <summary>A network that containers can be on: its record, and its bridge if it is one.</summary>
internal sealed record Network(NetworkResource Record, BridgeNetwork? Bridge)
{
    public string Id => Record.Id;

    public string Name => Record.Name;

    /// <summary><c>none</c>, <c>host</c> and <c>bridge</c> are there without having been created.</summary>
    public bool Predefined => IsPredefined(Name);

    public static bool IsPredefined(string name) => name is "none" or "host" or "bridge" or "default";
}

/// <summary>The networks as of one moment, to be found by id, name or the beginning of an id.</summary>
internal sealed class NetworkSet(ImmutableArray<Network> all)
{
    public static readonly NetworkSet Empty = new([]);

    public ImmutableArray<Network> All { get; } = all;

    public Network? ByName(string name) => All.FirstOrDefault(n => n.Name == name);

    public Network? ById(string id) => All.FirstOrDefault(n => n.Id == id);

    /// <summary>An exact id, else an exact name, else the only id that begins so (reference 5.5).</summary>
    /// <exception cref="Engine.EngineException">404 <c>network X not found</c>, 400 when several fit.</exception>
    public Network Find(string text)
    {
        if (text.Length == 0) throw Engine.EngineException.InvalidParameter("invalid network name or ID supplied: \"\"");
        if (ById(text) is { } byId) return byId;
        if (ByName(text) is { } byName) return byName;
        Network[] byPrefix = [.. All.Where(n => n.Id.StartsWith(text, StringComparison.Ordinal))];
        return byPrefix.Length switch
        {
            0 => throw Engine.EngineException.NotFound($"network {text} not found"),
            1 => byPrefix[0],
            _ => throw Engine.EngineException.InvalidParameter($"network {text} is ambiguous ({byPrefix.Length} matches found based on ID prefix)"),
        };
    }

    public NetworkSet With(Network network) => new([.. All.Where(n => n.Id != network.Id), network]);

    public NetworkSet Without(string id) => new([.. All.Where(n => n.Id != id)]);
}
