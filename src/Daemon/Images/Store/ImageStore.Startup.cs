using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.References;
using Gantry.Daemon.Storage;
using Gantry.Protocol.Json;
using Microsoft.Data.Sqlite;

namespace Gantry.Daemon.Images;

// What happens once, before anyone asks.
public sealed partial class ImageStore
{
    private sealed record Row(string Id, string? Parent, long Tagged, long Size, bool Built);

    /// <summary>Images that cannot be served, with those of their layers that are there: kept until the image is added anew. Read and changed with <see cref="LayerStore.Changes"/> held.</summary>
    private readonly Dictionary<string, IReadOnlyList<Digest>> unserved = new(StringComparer.Ordinal);

    /// <summary>Completes when what a crash has left behind has been deleted. Nobody has to wait for it but who ends the store.</summary>
    public Task Cleaned { get; private set; } = Task.CompletedTask;

    /// <summary>Reads what the database lists, and begins to delete what a crash has left behind.</summary>
    public async Task LoadAsync(CancellationToken cancellation)
    {
        var listed = await database.ReadAsync(w => w.Query("SELECT chain, parent, diff, size, archive FROM layers", ReadLayer)).ConfigureAwait(false);
        var deleteLeftovers = () => { };
        var missing = await Task.Run(() => layers.Load(listed, out deleteLeftovers), cancellation).ConfigureAwait(false);
        foreach (var layer in missing) ImageLog.LayerMissing(log, layer.Chain.ToString());

        var rows = await database.ReadAsync(w => w.Query("SELECT id, parent, tagged, size, id IN (SELECT image FROM built_images) FROM images",
            r => new Row(r.GetString(0), r.IsDBNull(1) ? null : r.GetString(1), r.GetInt64(2), r.GetInt64(3), r.GetBoolean(4)))).ConfigureAwait(false);
        var stacks = await ReadPairsAsync("SELECT image, chain FROM image_layers ORDER BY image, position").ConfigureAwait(false);
        var names = await ReadPairsAsync("SELECT image, name FROM image_names").ConfigureAwait(false);
        foreach (var row in rows) LoadImage(row, stacks[row.Id].Select(Digest.Parse).ToList(), [.. names[row.Id].Select(ImageReference.Parse)]);
        await LoadPinsAsync().ConfigureAwait(false);
        var removed = await CollectAsync([.. rows.Select(r => r.Id)], cancellation).ConfigureAwait(false);
        Cleaned = DeleteFilesAsync([new RemovedLayers([], deleteLeftovers), removed]);
    }

    private async Task<ILookup<string, string>> ReadPairsAsync(string sql)
    {
        var pairs = await database.ReadAsync(w => w.Query(sql, r => (Key: r.GetString(0), Value: r.GetString(1)))).ConfigureAwait(false);
        return pairs.ToLookup(p => p.Key, p => p.Value, StringComparer.Ordinal);
    }

    private static Layer ReadLayer(SqliteDataReader row) => new(
        Digest.Parse(row.GetString(0)),
        row.IsDBNull(1) ? null : Digest.Parse(row.GetString(1)),
        Digest.Parse(row.GetString(2)),
        row.GetInt64(3),
        row.GetInt64(4));

    /// <summary>An image that cannot be served keeps its rows and whatever is left of its layers: a person may still mend it, or pull or load it again.</summary>
    private void LoadImage(Row row, List<Digest> stack, IReadOnlyList<ImageReference> names)
    {
        var present = stack.Where(c => layers.Find(c) is not null).ToList();
        layers.AddReferences(present);
        try
        {
            if (present.Count < stack.Count) throw new InvalidDataException("some of its layers are missing");
            current = current.With(new Image
            {
                Id = row.Id,
                Parent = row.Parent,
                IsBuilt = row.Built,
                Document = ImageDocuments.Parse(content.Read(Digest.Parse(row.Id))),
                Layers = stack,
                Size = row.Size,
                Names = Sorted(names),
                LastTagged = row.Tagged == 0 ? null : WireTime.FromUnixNanoseconds(row.Tagged),
            });
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            unserved[row.Id] = present;
            ImageLog.ImageUnusable(log, row.Id, e.Message);
        }
    }

    private async Task<RemovedLayers> CollectAsync(HashSet<string> images, CancellationToken cancellation)
    {
        var removed = await ChangeAsync(() => TakeOutUnneededAsync(null), cancellation).ConfigureAwait(false);
        var blobs = content.List().Where(d => !images.Contains(d.ToString())).ToList();
        foreach (var blob in blobs) content.Remove(blob);
        if (removed.Layers.Count + blobs.Count > 0) ImageLog.Collected(log, removed.Layers.Count, blobs.Count);
        return removed;
    }
}
