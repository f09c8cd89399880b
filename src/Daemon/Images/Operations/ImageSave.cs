using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Archives;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.References;

namespace Gantry.Daemon.Images.Operations;

/// <summary>Writes images as an archive that Docker, skopeo and this engine load (golden save-archive.txt).</summary>
internal sealed class ImageSave(ImageStore store, ImageEvents events)
{
    /// <exception cref="EngineException">Before the first byte: 404 no such image, 400 no name at all.</exception>
    public async Task RunAsync(Job job, ImageExportRequest request, CancellationToken cancellation)
    {
        var images = Select(request.Names);
        var leases = new List<LayerLease>();
        try
        {
            foreach (var chain in images.SelectMany(i => i.Image.Layers).Distinct())
                leases.Add(store.Layers.TryLease(chain) ?? throw EngineException.NotFound($"No such image: {images.First(i => i.Image.Layers.Contains(chain)).Image.Id}"));
            job.Output.ContentType = "application/x-tar";
            await new ArchiveWriter(store, job.Output, cancellation).WriteAsync(images).ConfigureAwait(false);
            await job.Output.FlushAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            foreach (var lease in leases) lease.Dispose();
            await store.CollectAsync(CancellationToken.None).ConfigureAwait(false);
        }
        foreach (var (image, _) in images) events.Publish("save", image);
    }

    /// <summary>The images in the order of their first mention, each with the names that were asked for; an id asks for none, a bare repository for all its tags.</summary>
    private List<(Image Image, IReadOnlyList<ImageReference> Names)> Select(IReadOnlyList<string> asked)
    {
        var snapshot = store.Current;
        var selected = new List<(Image Image, List<ImageReference> Names)>();
        foreach (string text in asked)
        {
            var query = ImageQuery.Parse(text);
            if (query.Id is not null)
            {
                Add(snapshot.Find(query) ?? throw query.NotFound(), null);
                continue;
            }
            var name = query.Name!;
            if (name.Tag is not null || name.Digest is not null)
            {
                bool isId = name.FamiliarName == "sha256";
                var image = isId ? snapshot.Find(query) : snapshot.ByName(name);
                Add(image ?? throw EngineException.NotFound(isId ? $"No such image: {text}" : "reference does not exist"), isId ? null : name.Key());
                continue;
            }
            var tags = snapshot.Images.SelectMany(i => i.Tags.Where(t => t.Name == name.Name).Select(t => (Image: i, Tag: t))).OrderBy(t => t.Tag).ToList();
            foreach (var (image, tag) in tags) Add(image, tag);
            if (tags.Count == 0) Add(snapshot.Find(query) ?? throw EngineException.NotFound($"No such image: {text}"), null);
        }
        return [.. selected.Select(s => (s.Image, (IReadOnlyList<ImageReference>)s.Names))];

        void Add(Image image, ImageReference? name)
        {
            var entry = selected.Find(s => s.Image.Id == image.Id);
            if (entry.Image is null) selected.Add(entry = (image, []));
            if (name?.Tag is not null && !entry.Names.Contains(name)) entry.Names.Add(name);
        }
    }
}
