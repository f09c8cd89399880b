namespace Gantry.Daemon.Events;

/// <summary>Where services tell what happened. Returns at once; the event is numbered, journalled and delivered in the order of the calls.</summary>
public interface IEventPublisher
{
    /// <param name="type"><c>container</c>, <c>image</c>, <c>network</c>, <c>volume</c>, <c>daemon</c>, <c>builder</c>.</param>
    /// <param name="action"><c>create</c>, <c>start</c>, <c>exec_create: sh -c …</c> (reference 4.9).</param>
    /// <param name="actorId">Full id, or a volume's name.</param>
    /// <param name="attributes">For a container its labels, <c>image</c>, <c>name</c> and what the action adds.</param>
    void Publish(string type, string action, string actorId, IEnumerable<KeyValuePair<string, string>> attributes);
}
