using System.Collections.Concurrent;

namespace Gantry.Daemon.Images;

// Images without a name that somebody is about to use: the last one that a running build has made.
public sealed partial class ImageStore
{
    private readonly ConcurrentDictionary<string, int> holds = new(StringComparer.Ordinal);

    /// <summary>Keeps prunes away from an image until <see cref="Release"/>. Whoever names it can still delete it.</summary>
    public void Hold(string id) => holds.AddOrUpdate(id, 1, static (_, count) => count + 1);

    public void Release(string id)
    {
        while (holds.TryGetValue(id, out int count))
        {
            if (count > 1 ? holds.TryUpdate(id, count - 1, count) : holds.TryRemove(KeyValuePair.Create(id, count))) return;
        }
    }

    /// <summary>Whether somebody is about to use it.</summary>
    public bool IsHeld(string id) => holds.ContainsKey(id);
}
