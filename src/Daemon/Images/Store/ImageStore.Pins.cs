using System.Collections.Concurrent;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Storage;

namespace Gantry.Daemon.Images;

// Containers hold on to the layers that they were made from, even when the image has gone (docker rmi -f).
public sealed partial class ImageStore
{
    private readonly ConcurrentDictionary<string, IReadOnlyList<Digest>> pins = new(StringComparer.Ordinal);

    /// <summary>Keeps an image's layers for an owner until <see cref="UnpinAsync"/>; survives restarts. Waits for no other change.</summary>
    /// <param name="owner">A container's id, or one with <c>:</c> and the path at which it mounts an image. It has one image, and its calls come one after another.</param>
    /// <param name="image">The image whose layers are kept.</param>
    /// <param name="together">Another change for the same transaction: the container's own row.</param>
    /// <exception cref="EngineException">404: the image was deleted meanwhile.</exception>
    public async Task PinAsync(string owner, Image image, Action<DatabaseWriter>? together = null)
    {
        if (!layers.TryAddReferences(image.Layers)) throw EngineException.NotFound($"No such image: {image.Id}");
        try
        {
            await database.WriteAsync(w =>
            {
                for (int i = 0; i < image.Layers.Count; i++)
                    w.Execute("INSERT INTO layer_pins (owner, position, chain) VALUES ($1, $2, $3)", owner, i, image.Layers[i].ToString());
                together?.Invoke(w);
            }).ConfigureAwait(false);
            pins[owner] = image.Layers;
        }
        catch
        {
            layers.DropReferences(image.Layers);
            throw;
        }
    }

    /// <summary>Gives an owner's layers free, and deletes those that nobody else needs.</summary>
    /// <param name="owner">As given to <see cref="PinAsync"/>; one without a pin is no error.</param>
    /// <param name="together">Another change for the same transaction: the removal of the container's own row.</param>
    public async Task UnpinAsync(string owner, Action<DatabaseWriter>? together = null, CancellationToken cancellation = default)
    {
        await database.WriteAsync(w =>
        {
            w.Execute("DELETE FROM layer_pins WHERE owner = $1", owner);
            together?.Invoke(w);
        }).ConfigureAwait(false);
        if (!pins.TryRemove(owner, out var chains)) return;
        layers.DropReferences(chains);
        await CollectAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>The layers that an owner holds, bottom first; null when it holds none.</summary>
    public IReadOnlyList<Digest>? PinnedLayers(string owner) => pins.GetValueOrDefault(owner);

    /// <summary>Drops the pins of owners that do not exist: to be called once at start, when the containers are known.</summary>
    public async Task ReconcilePinsAsync(IReadOnlySet<string> owners, CancellationToken cancellation)
    {
        foreach (string owner in pins.Keys.Where(o => !owners.Contains(o.Split(':')[0]))) await UnpinAsync(owner, null, cancellation).ConfigureAwait(false);
    }

    private async Task LoadPinsAsync()
    {
        var pairs = await ReadPairsAsync("SELECT owner, chain FROM layer_pins ORDER BY owner, position").ConfigureAwait(false);
        foreach (var owner in pairs)
        {
            var chains = owner.Select(Digest.Parse).Where(c => layers.Find(c) is not null).ToList();
            layers.AddReferences(chains);
            pins[owner.Key] = chains;
        }
    }
}
