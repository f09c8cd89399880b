using System.Collections.Concurrent;

namespace Gantry.Daemon.Images;

// Images that somebody is about to use: those that a running build stands on. An image is held or doomed, never both.
public sealed partial class ImageStore
{
    /// <summary>Instead of a count: the image is being taken away.</summary>
    private const int Doomed = -1;

    private readonly ConcurrentDictionary<string, int> holds = new(StringComparer.Ordinal);

    /// <summary>Keeps prunes away from an image until <see cref="Release"/>. Whoever names it can still delete it.</summary>
    /// <returns>False when it is just being taken away.</returns>
    public bool TryHold(string id)
    {
        while (true)
        {
            if (holds.TryAdd(id, 1)) return true;
            if (!holds.TryGetValue(id, out int count)) continue;
            if (count == Doomed) return false;
            if (holds.TryUpdate(id, count + 1, count)) return true;
        }
    }

    public void Release(string id)
    {
        while (holds.TryGetValue(id, out int count))
        {
            if (count > 1 ? holds.TryUpdate(id, count - 1, count) : holds.TryRemove(KeyValuePair.Create(id, count))) return;
        }
    }

    /// <summary>Whether somebody is about to use it.</summary>
    public bool IsHeld(string id) => holds.TryGetValue(id, out int count) && count != Doomed;

    /// <summary>Sees to it that nobody begins to hold an image before <see cref="Undoom"/>. <see cref="Layers.LayerStore.Changes"/> is held until then.</summary>
    /// <returns>False when somebody holds it.</returns>
    internal bool TryDoom(string id) => holds.TryAdd(id, Doomed);

    internal void Undoom(string id) => holds.TryRemove(KeyValuePair.Create(id, Doomed));
}
