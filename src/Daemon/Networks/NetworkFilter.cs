using Gantry.Daemon.Engine;
using Gantry.Protocol.Networks;

namespace Gantry.Daemon.Networks;

/// <summary>Which networks a client of <c>GET /networks</c> wants (reference 4.5).</summary>
internal static class NetworkFilter
{
    public static readonly IReadOnlySet<string> Keys = new HashSet<string>(StringComparer.Ordinal) { "dangling", "driver", "id", "label", "name", "scope", "type" };

    public static readonly IReadOnlySet<string> PruneKeys = new HashSet<string>(StringComparer.Ordinal) { "label", "label!", "until" };

    /// <param name="dangling">No container is on it.</param>
    /// <exception cref="EngineException">400 <c>invalid filter 'type=X'</c>.</exception>
    public static bool Includes(Filters filters, NetworkResource network, bool dangling)
    {
        if (filters.IsEmpty) return true;
        bool predefined = Network.IsPredefined(network.Name);
        foreach (string type in filters["type"])
            if (type is not ("custom" or "builtin")) throw EngineException.InvalidParameter($"invalid filter 'type={type}'");
        return filters.MatchesExactly("driver", network.Driver)
            && filters.MatchesExactly("scope", network.Scope)
            && filters.MatchesPattern("id", network.Id)
            && filters.MatchesPattern("name", network.Name)
            && filters.MatchesLabels("label", network.Labels)
            && filters.MatchesExactly("type", predefined ? "builtin" : "custom")
            // Predefined networks are never in the way, and so never dangle.
            && (filters.Boolean("dangling") is not { } wanted || wanted == (dangling && !predefined));
    }
}
