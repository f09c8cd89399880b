using System.Collections.Concurrent;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Storage;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Images;

/// <param name="Registry">Domain of image names.</param>
/// <param name="Blob">As a manifest of that repository names it.</param>
public sealed record LayerBlob(string Registry, string Repository, OciDescriptor Blob);

/// <summary>In which repositories layers are known to be, and as which blobs: what is there already need not be pushed, and may be mounted.</summary>
/// <remarks>Only a hint: it is asked for before it is relied on, so losing it costs an upload.</remarks>
public sealed class LayerBlobs(Database database, LayerStore layers)
{
    /// <summary>As many places of a layer are remembered.</summary>
    private const int Kept = 16;

    /// <summary>Layers that have gone are forgotten when there are so many more entries than layers.</summary>
    private const int Slack = 4096;

    private readonly ConcurrentDictionary<Digest, IReadOnlyList<LayerBlob>> known = new();

    /// <summary>The places of a layer, the newest first.</summary>
    public IReadOnlyList<LayerBlob> Find(Digest diff) => known.GetValueOrDefault(diff) ?? [];

    internal async Task LoadAsync()
    {
        var rows = await database.ReadAsync(w =>
        {
            w.Execute(DeleteOrphans);
            return w.Query("SELECT diff, registry, repository, digest, size, media FROM layer_blobs", r =>
                (Diff: Digest.Parse(r.GetString(0)), Blob: new LayerBlob(r.GetString(1), r.GetString(2), new OciDescriptor { Digest = r.GetString(3), Size = r.GetInt64(4), MediaType = r.GetString(5) })));
        }).ConfigureAwait(false);
        foreach (var layer in rows.GroupBy(r => r.Diff, r => r.Blob)) known[layer.Key] = [.. layer.Take(Kept)];
    }

    private const string DeleteOrphans = "DELETE FROM layer_blobs WHERE diff NOT IN (SELECT diff FROM layers)";

    /// <summary>Remembers where a layer is; written with the next commit.</summary>
    public void Add(Digest diff, LayerBlob blob)
    {
        if (known.Count > layers.Count + Slack) Trim();
        known.AddOrUpdate(diff, [blob], (_, places) => [blob, .. places.Where(p => p.Registry != blob.Registry || p.Repository != blob.Repository).Take(Kept - 1)]);
        database.Post(w => w.Execute(
            "INSERT OR REPLACE INTO layer_blobs (diff, registry, repository, digest, size, media) VALUES ($1, $2, $3, $4, $5, $6)",
            diff.ToString(), blob.Registry, blob.Repository, blob.Blob.Digest, blob.Blob.Size, blob.Blob.MediaType));
    }

    private void Trim()
    {
        var present = layers.List().Select(l => l.Diff).ToHashSet();
        foreach (var diff in known.Keys.Where(d => !present.Contains(d))) known.TryRemove(diff, out _);
        database.Post(w => w.Execute(DeleteOrphans));
    }

    /// <summary>The repository does not have it any more.</summary>
    public void Remove(Digest diff, LayerBlob blob)
    {
        known.AddOrUpdate(diff, [], (_, places) => [.. places.Where(p => p != blob)]);
        database.Post(w => w.Execute("DELETE FROM layer_blobs WHERE diff = $1 AND registry = $2 AND repository = $3", diff.ToString(), blob.Registry, blob.Repository));
    }
}
