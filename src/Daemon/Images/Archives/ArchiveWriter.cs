using System.Text;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.References;
using Gantry.Daemon.Images.Streams;
using Gantry.Daemon.Images.Tar;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Images.Archives;

/// <summary>Writes images in the form of <c>docker save</c>: an OCI layout with docker's own <c>manifest.json</c> and <c>repositories</c> (golden save-archive.txt).</summary>
/// <remarks>Every size is known before the first byte: layers are put together from their files on the way out, and nothing is written to disk.</remarks>
internal sealed class ArchiveWriter(ImageStore store, JobOutput output, CancellationToken cancellation)
{
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json", ConfigType = "application/vnd.oci.image.config.v1+json",
        LayerType = "application/vnd.oci.image.layer.v1.tar", IndexType = "application/vnd.oci.image.index.v1+json";

    private const string LayoutFile = """{"imageLayoutVersion": "1.0.0"}""";

    /// <summary>By digest: a document's bytes, or a layer.</summary>
    private readonly SortedDictionary<string, (byte[]? Document, Layer? Layer, long Modified)> blobs = new(StringComparer.Ordinal);

    private readonly OciIndex index = new() { MediaType = IndexType };
    private readonly List<DockerArchiveImage> manifest = [];
    private readonly SortedDictionary<string, SortedDictionary<string, string>> repositories = new(StringComparer.Ordinal);

    /// <param name="images">Each with the names to save it under; none to save it by its id.</param>
    public async Task WriteAsync(IReadOnlyList<(Image Image, IReadOnlyList<ImageReference> Names)> images)
    {
        foreach (var (image, names) in images) Add(image, names, images.Any(i => i.Image.Id == image.Parent));
        long newest = images.Count > 0 ? images.Max(i => i.Image.Created?.ToUnixTimeSeconds() ?? 0) : 0;
        await output.WriteAsync(TarWriter.Header("blobs/", 0, newest), cancellation).ConfigureAwait(false);
        await output.WriteAsync(TarWriter.Header("blobs/sha256/", 0, newest), cancellation).ConfigureAwait(false);
        foreach (var (hex, blob) in blobs)
        {
            if (blob.Document is { } document) await WriteFileAsync("blobs/sha256/" + hex, document, blob.Modified).ConfigureAwait(false);
            else await WriteLayerAsync("blobs/sha256/" + hex, blob.Layer!, blob.Modified).ConfigureAwait(false);
        }
        await WriteFileAsync("index.json", Json(index), 0).ConfigureAwait(false);
        await WriteFileAsync("manifest.json", [.. Json(manifest), (byte)'\n'], 0).ConfigureAwait(false);
        await WriteFileAsync("oci-layout", Encoding.ASCII.GetBytes(LayoutFile), 0).ConfigureAwait(false);
        if (repositories.Count > 0) await WriteFileAsync("repositories", [.. Json(repositories), (byte)'\n'], 0).ConfigureAwait(false);
        await output.WriteAsync(TarWriter.End, cancellation).ConfigureAwait(false);
    }

    private static byte[] Json<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, WireJson.TypeInfo<T>());

    private void Add(Image image, IReadOnlyList<ImageReference> names, bool parentIsIncluded)
    {
        long created = image.Created?.ToUnixTimeSeconds() ?? 0;
        byte[] configuration = store.Content.Read(image.Digest);
        blobs.TryAdd(image.Digest.Hex, (configuration, null, created));
        var layers = image.Layers.Select(c => store.Layers.Find(c) ?? throw EngineException.NotFound($"No such image: {image.Id}")).ToList();
        foreach (var layer in layers) blobs.TryAdd(layer.Diff.Hex, (null, layer, created));

        var document = new OciManifest
        {
            MediaType = ManifestType,
            Config = new OciDescriptor { MediaType = ConfigType, Digest = image.Id, Size = configuration.Length },
            Layers = [.. layers.Select(Describe)],
        };
        byte[] manifestBytes = Json(document);
        var digest = Digest.Of(manifestBytes);
        blobs.TryAdd(digest.Hex, (manifestBytes, null, 0));
        AddToIndex(new OciDescriptor { MediaType = ManifestType, Digest = digest.ToString(), Size = manifestBytes.Length }, names);
        AddToManifest(image, names, layers, parentIsIncluded);
    }

    private static OciDescriptor Describe(Layer layer) => new() { MediaType = LayerType, Digest = layer.Diff.ToString(), Size = layer.ArchiveSize };

    private void AddToIndex(OciDescriptor descriptor, IReadOnlyList<ImageReference> names)
    {
        if (names.Count == 0) index.Manifests.Add(descriptor);
        foreach (var name in names)
        {
            var annotations = new SortedDictionary<string, string>(StringComparer.Ordinal)
            {
                ["io.containerd.image.name"] = name.ToString(),
                ["org.opencontainers.image.ref.name"] = name.Tag!,
            };
            index.Manifests.Add(descriptor with { Annotations = annotations });
        }
    }

    private void AddToManifest(Image image, IReadOnlyList<ImageReference> names, List<Layer> layers, bool parentIsIncluded)
    {
        var sources = new SortedDictionary<string, DockerArchiveLayer>(StringComparer.Ordinal);
        foreach (var layer in layers)
            sources[layer.Diff.ToString()] = new DockerArchiveLayer { MediaType = LayerType, Size = layer.ArchiveSize, Digest = layer.Diff.ToString() };
        manifest.Add(new DockerArchiveImage
        {
            Config = "blobs/sha256/" + image.Digest.Hex,
            RepoTags = names.Count > 0 ? [.. names.Select(n => n.Familiar)] : null,
            Layers = [.. layers.Select(l => "blobs/sha256/" + l.Diff.Hex)],
            Parent = parentIsIncluded ? image.Parent : null,
            LayerSources = sources.Count > 0 ? sources : null,
        });
        if (layers.Count == 0) return;
        foreach (var name in names)
        {
            if (!repositories.TryGetValue(name.FamiliarName, out var tags)) repositories.Add(name.FamiliarName, tags = new(StringComparer.Ordinal));
            tags[name.Tag!] = layers[^1].Diff.Hex;
        }
    }

    private async Task WriteFileAsync(string name, byte[] data, long modified)
    {
        await output.WriteAsync(TarWriter.Header(name, data.Length, modified), cancellation).ConfigureAwait(false);
        await output.WriteAsync(data, cancellation).ConfigureAwait(false);
        await output.WriteAsync(TarWriter.Padding(data.Length), cancellation).ConfigureAwait(false);
    }

    private async Task WriteLayerAsync(string name, Layer layer, long modified)
    {
        await output.WriteAsync(TarWriter.Header(name, layer.ArchiveSize, modified), cancellation).ConfigureAwait(false);
        await WriteArchiveAsync(store.Layers, layer, output, cancellation).ConfigureAwait(false);
        await output.WriteAsync(TarWriter.Padding(layer.ArchiveSize), cancellation).ConfigureAwait(false);
    }

    /// <summary>Writes a layer's archive as it once came in.</summary>
    /// <exception cref="InvalidDataException">The layer was changed on disk. What has been written is not to be used: the caller cuts the answer off.</exception>
    public static async Task WriteArchiveAsync(LayerStore layers, Layer layer, JobOutput output, CancellationToken cancellation)
    {
        using var archive = await Task.Run(() => layers.OpenArchive(layer), cancellation).ConfigureAwait(false);
        using var hashed = new HashingSource(archive);
        while (await Task.Run(hashed.Fill, cancellation).ConfigureAwait(false))
        {
            await output.WriteAsync(hashed.Block, cancellation).ConfigureAwait(false);
            hashed.Consume(hashed.Block.Length);
        }
        if (hashed.Finish() != layer.Diff) throw new InvalidDataException($"layer {layer.Chain} was changed on disk: its archive has another digest than when it came");
    }
}
