using Gantry.Daemon.Events;

namespace Gantry.Daemon.Images;

/// <summary>Tells what happened to images (golden 027): the actor is the image's id, its attributes are the image's labels and a name.</summary>
public sealed class ImageEvents(IEventPublisher events)
{
    /// <param name="action"><c>import</c>, <c>load</c>, <c>save</c>, <c>untag</c>: the name is the id. <c>tag</c>: it is the new name.</param>
    /// <param name="image">The image.</param>
    /// <param name="name">Null for the id.</param>
    public void Publish(string action, Image image, string? name = null)
    {
        var attributes = new SortedDictionary<string, string>(image.Config.Labels ?? [], StringComparer.Ordinal) { ["name"] = name ?? image.Id };
        events.Publish("image", action, image.Id, attributes);
    }

    /// <summary><c>pull</c> and <c>push</c>: the actor is the name as it was asked for (golden 146).</summary>
    /// <param name="image">What the name stands for; null for several.</param>
    public void PublishTransfer(string action, References.ImageReference name, Image? image)
    {
        var attributes = new SortedDictionary<string, string>(image?.Config.Labels ?? [], StringComparer.Ordinal) { ["name"] = name.FamiliarName };
        events.Publish("image", action, name.Familiar, attributes);
    }

    /// <summary>A deleted image has no labels any more.</summary>
    public void PublishDeleted(string id) => events.Publish("image", "delete", id, [KeyValuePair.Create("name", id)]);

    public void PublishPruned(long bytes) =>
        events.Publish("image", "prune", "", [KeyValuePair.Create("reclaimed", bytes.ToString(System.Globalization.CultureInfo.InvariantCulture))]);
}
