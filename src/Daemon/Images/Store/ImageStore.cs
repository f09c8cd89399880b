using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.References;
using Gantry.Daemon.Storage;
using Gantry.Protocol.Json;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Images;

/// <summary>The images, their names and who needs which layers: in the database for good, in <see cref="Current"/> for reading.</summary>
/// <remarks>
/// Readers take <see cref="Current"/> and wait for nobody. Changes go one after another under <see cref="LayerStore.Changes"/>: first the
/// database in one transaction, then the snapshot. What the database does not list does not exist: files of it are deleted at the next start.
/// </remarks>
public sealed partial class ImageStore(Database database, ContentStore content, LayerStore layers, ILogger<ImageStore> log)
{
    private volatile ImageSnapshot current = ImageSnapshot.Empty;

    public ImageSnapshot Current => current;

    public ContentStore Content => content;

    public LayerStore Layers => layers;

    /// <summary>Finds the image that a user means.</summary>
    /// <exception cref="EngineException">404 <c>No such image: X</c>; 400 when the text is neither an id nor a name.</exception>
    public Image Resolve(string reference)
    {
        var query = ImageQuery.Parse(reference);
        return Current.Find(query) ?? throw query.NotFound();
    }

    /// <summary>Runs changes with all others held off.</summary>
    internal async Task<T> ChangeAsync<T>(Func<Task<T>> change, CancellationToken cancellation)
    {
        await layers.Changes.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await change().ConfigureAwait(false);
        }
        finally
        {
            layers.Changes.Release();
        }
    }

    /// <summary>Adds an image with its names in one transaction. One that is there already just gets the names.</summary>
    /// <param name="configuration">The bytes of its configuration.</param>
    /// <param name="parent">The id of the image that it was made from here.</param>
    /// <param name="stack">Leases on its layers, bottom first; they stay the caller's.</param>
    /// <param name="names">Names to give it; each is taken from whoever has it.</param>
    /// <param name="built">It was made by a step of a build here, which holds it (<see cref="TryHold"/>).</param>
    /// <exception cref="InvalidArchiveException">The configuration is no image's, or its layers are others.</exception>
    public async Task<AddedImage> AddAsync(
        ReadOnlyMemory<byte> configuration, string? parent, IReadOnlyList<Layer> stack, IReadOnlyList<ImageReference> names, CancellationToken cancellation, bool built = false)
    {
        var document = ImageDocuments.Parse(configuration.Span);
        ImageDocuments.CheckLayers(document, stack);
        return await ChangeAsync(async () =>
        {
            var digest = await content.AddAsync(configuration, cancellation).ConfigureAwait(false);
            var known = Current.ById(digest.ToString());
            var image = known ?? new Image
            {
                Id = digest.ToString(),
                Parent = parent,
                IsBuilt = built,
                Document = document,
                Layers = [.. stack.Select(l => l.Chain)],
                Size = stack.Sum(l => l.Size),
            };
            var displaced = names.Select(n => (Name: n, Owner: Current.ByName(n))).Where(d => d.Owner is not null && d.Owner.Id != image.Id).ToList();
            var now = DateTimeOffset.UtcNow;
            await database.WriteAsync(w =>
            {
                foreach (var layer in stack) InsertLayer(w, layer);
                if (known is null)
                {
                    w.Execute("DELETE FROM images WHERE id = $1", image.Id);   // one that is not served: its names and layers go with it
                    InsertImage(w, image);
                }
                if (built) w.Execute("INSERT OR IGNORE INTO built_images (image) VALUES ($1)", image.Id);
                foreach (var name in names) InsertName(w, name, image.Id, now);
            }).ConfigureAwait(false);
            if (known is null) layers.AddReferences(image.Layers);
            if (unserved.Remove(image.Id, out var kept)) layers.DropReferences(kept);
            var next = current;
            foreach (var (name, owner) in displaced) next = WithoutName(next, owner!.Id, name);
            image = image with { IsBuilt = image.IsBuilt || built, Names = Sorted(image.Names.Union(names)), LastTagged = names.Count > 0 ? now : image.LastTagged };
            if (built) TryHold(image.Id);   // before a prune can see it; as changes are held off, nothing is doomed
            current = next.With(image);
            return new AddedImage(image, known is null, [.. displaced.Select(d => (d.Name, d.Owner!))]);
        }, cancellation).ConfigureAwait(false);
    }

    /// <summary>Gives an image one more name, taking it from whoever has it.</summary>
    /// <exception cref="EngineException">404: the image is gone.</exception>
    public Task<Image> TagAsync(string id, ImageReference name, CancellationToken cancellation) => ChangeAsync(async () =>
    {
        var image = Current.ById(id) ?? throw EngineException.NotFound($"No such image: {id}");
        var now = DateTimeOffset.UtcNow;
        await database.WriteAsync(w => InsertName(w, name, id, now)).ConfigureAwait(false);
        var next = current;
        if (next.ByName(name) is { } owner && owner.Id != id) next = WithoutName(next, owner.Id, name);
        image = image with { Names = Sorted(image.Names.Union([name])), LastTagged = now };
        current = next.With(image);
        return image;
    }, cancellation);

    /// <summary>Notes what an image was made from, where that is known, can be true and makes no circle; otherwise nothing changes.</summary>
    public Task<bool> SetParentAsync(string id, string parent, CancellationToken cancellation) => ChangeAsync(async () =>
    {
        if (Current.ById(id) is not { Parent: null } image || Current.ById(parent) is not { } below || id == parent) return false;
        if (below.Layers.Count > image.Layers.Count || !image.Layers.Take(below.Layers.Count).SequenceEqual(below.Layers)) return false;
        for (var ancestor = below; ancestor?.Parent is { } next; ancestor = Current.ById(next))
        {
            if (next == id) return false;
        }
        await database.WriteAsync(w => w.Execute("UPDATE images SET parent = $1 WHERE id = $2", parent, id)).ConfigureAwait(false);
        current = current.With(image with { Parent = parent });
        return true;
    }, cancellation);

    /// <summary>Takes a name away. <see cref="LayerStore.Changes"/> is held.</summary>
    internal async Task RemoveNameAsync(Image image, ImageReference name)
    {
        await database.WriteAsync(w => w.Execute("DELETE FROM image_names WHERE name = $1", name.Key().ToString())).ConfigureAwait(false);
        current = WithoutName(current, image.Id, name);
    }

    /// <summary>Takes an image and its names away, with the layers that nobody needs then. <see cref="LayerStore.Changes"/> is held.</summary>
    internal async Task<RemovedLayers> RemoveAsync(Image image)
    {
        layers.DropReferences(image.Layers);
        RemovedLayers removed;
        try
        {
            removed = await TakeOutUnneededAsync(w => w.Execute("DELETE FROM images WHERE id = $1", image.Id)).ConfigureAwait(false);
        }
        catch
        {
            layers.AddReferences(image.Layers);
            throw;
        }
        current = current.Without(image);
        content.Remove(image.Digest);
        return removed;
    }

    /// <summary>Takes out layers that nobody needs, such as those of a load that failed half-way.</summary>
    internal async Task CollectAsync(CancellationToken cancellation)
    {
        if (!layers.HasUnreferenced) return;
        var removed = await ChangeAsync(() => TakeOutUnneededAsync(null), cancellation).ConfigureAwait(false);
        await DeleteFilesAsync([removed]).ConfigureAwait(false);
    }

    /// <summary>Takes layers that nobody needs out of the books, the database and their places, together with another change. <see cref="LayerStore.Changes"/> is held.</summary>
    private async Task<RemovedLayers> TakeOutUnneededAsync(Action<DatabaseWriter>? together)
    {
        var unneeded = layers.TakeUnreferenced();
        if (unneeded.Count == 0 && together is null) return new RemovedLayers([], () => { });
        try
        {
            await database.WriteAsync(w =>
            {
                together?.Invoke(w);
                foreach (var layer in unneeded) w.Execute("DELETE FROM layers WHERE chain = $1", layer.Chain.ToString());
            }).ConfigureAwait(false);
        }
        catch
        {
            layers.Restore(unneeded);
            throw;
        }
        return new RemovedLayers(unneeded, layers.Delete(unneeded));
    }

    /// <summary>Deletes files that were moved out of the way; takes time, holds nobody up. What cannot be deleted is left for the next start.</summary>
    internal async Task DeleteFilesAsync(IEnumerable<RemovedLayers> removed)
    {
        foreach (var group in removed)
        {
            try
            {
                await Task.Run(group.DeleteFiles).ConfigureAwait(false);
            }
            catch (IOException e)
            {
                ImageLog.LeftoversRemain(log, e);
            }
        }
    }

    private static ImageSnapshot WithoutName(ImageSnapshot snapshot, string id, ImageReference name)
    {
        var owner = snapshot.ById(id)!;
        return snapshot.With(owner with { Names = [.. owner.Names.Where(n => n.Key() != name.Key())] });
    }

    private static IReadOnlyList<ImageReference> Sorted(IEnumerable<ImageReference> names) => [.. names.DistinctBy(n => n.Key()).Order()];

    private static void InsertLayer(DatabaseWriter w, Layer layer) => w.Execute(
        "INSERT OR IGNORE INTO layers (chain, parent, diff, size, archive) VALUES ($1, $2, $3, $4, $5)",
        layer.Chain.ToString(), layer.Parent?.ToString(), layer.Diff.ToString(), layer.Size, layer.ArchiveSize);

    private static void InsertImage(DatabaseWriter w, Image image)
    {
        w.Execute("INSERT INTO images (id, parent, created, size) VALUES ($1, $2, $3, $4)",
            image.Id, image.Parent, image.Created is { } created ? WireTime.ToUnixNanoseconds(created) : 0, image.Size);
        for (int i = 0; i < image.Layers.Count; i++)
            w.Execute("INSERT INTO image_layers (image, position, chain) VALUES ($1, $2, $3)", image.Id, i, image.Layers[i].ToString());
    }

    private static void InsertName(DatabaseWriter w, ImageReference name, string id, DateTimeOffset now)
    {
        w.Execute("INSERT INTO image_names (name, image) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET image = excluded.image", name.Key().ToString(), id);
        w.Execute("UPDATE images SET tagged = $1 WHERE id = $2", WireTime.ToUnixNanoseconds(now), id);
    }
}

/// <param name="Image">As it is now.</param>
/// <param name="IsNew">False when it was there already.</param>
/// <param name="Displaced">Names that it took from others.</param>
public sealed record AddedImage(Image Image, bool IsNew, IReadOnlyList<(ImageReference Name, Image Owner)> Displaced);

/// <param name="Layers">Layers that nobody needed any more, upper before lower.</param>
/// <param name="DeleteFiles">Deletes their files, which have been moved out of the way.</param>
internal sealed record RemovedLayers(IReadOnlyList<Layer> Layers, Action DeleteFiles);
