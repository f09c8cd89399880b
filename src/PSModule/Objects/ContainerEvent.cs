using System.Collections.ObjectModel;
using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;

namespace Gantry.PowerShell.Objects;

/// <summary>Something that happened in an engine.</summary>
public sealed class ContainerEvent
{
    internal ContainerEvent(EventMessage message, EngineSession session)
    {
        Time = message.TimeNano != 0 ? WireTime.FromUnixNanoseconds(message.TimeNano) : DateTimeOffset.FromUnixTimeSeconds(message.Time);
        Type = message.Type;
        Action = message.Action;
        Id = message.Actor.ID;
        Attributes = new ReadOnlyDictionary<string, string>(message.Actor.Attributes);
        Session = session;
    }

    public DateTimeOffset Time { get; }

    /// <summary><c>container</c>, <c>image</c>, <c>network</c>, <c>volume</c>, <c>builder</c> or <c>daemon</c>.</summary>
    public string Type { get; }

    /// <summary><c>create</c>, <c>start</c>, <c>die</c>, …; some have more behind a colon: <c>health_status: healthy</c>.</summary>
    public string Action { get; }

    /// <summary>The name of the thing that it happened to; its id when it has none.</summary>
    public string Name => Attributes.GetValueOrDefault("name") is { Length: > 0 } name ? name : Id;

    /// <summary>The id of the thing that it happened to.</summary>
    public string Id { get; }

    /// <summary>More about it: <c>exitCode</c>, <c>signal</c>, <c>image</c>, the thing's labels.</summary>
    public ReadOnlyDictionary<string, string> Attributes { get; }

    public EngineSession Session { get; }

    public override string ToString() => $"{Time:O} {Type} {Action} {Name}";
}
