using Gantry.Daemon.Engine;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Events;

/// <summary>Which events a client of <c>GET /events</c> wants (reference 4.5). A filter by the name of a thing leaves out everything that is no such thing.</summary>
internal sealed class EventFilter(Filters filters)
{
    private static readonly string[] ActorTypes = ["daemon", "container", "plugin", "volume", "network", "node", "service", "secret", "config"];

    public bool Includes(EventMessage message) =>
        filters.IsEmpty || message.Action == EventJournal.GapAction
        || (MatchesAction(message.Action)
            && filters.MatchesExactly("type", message.Type)
            && filters.MatchesExactly("scope", message.Scope)
            && MatchesActor(message)
            && MatchesImage(message)
            && filters.MatchesLabels("label", message.Actor.Attributes));

    /// <summary><c>exec_start</c> stands for every <c>exec_start: sh -c …</c>, and so do its like.</summary>
    private bool MatchesAction(string action)
    {
        if (!filters.Contains("event")) return true;
        if (filters.MatchesExactly("event", action)) return true;
        int colon = action.IndexOf(": ", StringComparison.Ordinal);
        return colon > 0 && filters.MatchesExactly("event", action[..colon]);
    }

    private bool MatchesActor(EventMessage message)
    {
        foreach (string type in ActorTypes)
        {
            if (!filters.Contains(type)) continue;
            if (message.Type != type) return false;
            if (!filters.MatchesPrefix(type, message.Actor.ID) && !filters.MatchesPrefix(type, message.Actor.Attributes.GetValueOrDefault("name"))) return false;
        }
        return true;
    }

    /// <summary>By id or name, with its tag or without; events of containers count by the image that they were made of.</summary>
    private bool MatchesImage(EventMessage message)
    {
        if (!filters.Contains("image")) return true;
        string name = message.Actor.Attributes.GetValueOrDefault(message.Type == "image" ? "name" : "image") ?? "";
        return filters.MatchesExactly("image", message.Actor.ID) || filters.MatchesExactly("image", name)
            || filters.MatchesExactly("image", WithoutTag(message.Actor.ID)) || filters.MatchesExactly("image", WithoutTag(name));
    }

    private static string WithoutTag(string reference)
    {
        int at = reference.IndexOf('@');
        if (at >= 0) reference = reference[..at];
        int colon = reference.LastIndexOf(':');
        return colon > reference.LastIndexOf('/') ? reference[..colon] : reference;
    }
}
