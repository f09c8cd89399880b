using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Gantry.Unit.Images;

/// <summary>Makes archives of images as other tools write them.</summary>
internal sealed class SavedArchive
{
    private readonly List<(string Config, List<string> Layers, string? Tag)> images = [];
    private readonly Dictionary<string, byte[]> blobs = new(StringComparer.Ordinal);

    public static string Hash(byte[] data) => Convert.ToHexStringLower(SHA256.HashData(data));

    /// <summary>An image of layers given as uncompressed archives, bottom first.</summary>
    public SavedArchive Image(string? tag, params byte[][] layers) => Image(tag, layers, layers);

    /// <param name="tag">Null for none.</param>
    /// <param name="layers">Uncompressed archives: what the configuration names.</param>
    /// <param name="stored">What is stored for each of them.</param>
    public SavedArchive Image(string? tag, byte[][] layers, byte[][] stored)
    {
        string diffs = string.Join(',', layers.Select(l => $"\"sha256:{Hash(l)}\""));
        byte[] config = Encoding.UTF8.GetBytes($$$"""{"architecture":"amd64","os":"linux","created":"2024-01-02T03:04:05.678901234Z","config":{"Cmd":["sh"],"Labels":{"tag":"{{{tag}}}"}},"rootfs":{"type":"layers","diff_ids":[{{{diffs}}}]}}""");
        foreach (byte[] blob in stored) blobs[Hash(blob)] = blob;
        blobs[Hash(config)] = config;
        images.Add((Hash(config), [.. stored.Select(Hash)], tag));
        return this;
    }

    /// <summary>The id of the nth image.</summary>
    public string Id(int image = 0) => "sha256:" + images[image].Config;

    /// <summary>In the form of docker save: blobs first, then what they are.</summary>
    public byte[] Build(Action<TarBuilder>? more = null) => TarBuilder.Of(t =>
    {
        foreach (var (hash, blob) in blobs.OrderBy(b => b.Key, StringComparer.Ordinal)) t.File("blobs/sha256/" + hash, blob);
        t.File("manifest.json", Manifest("blobs/sha256/", ""));
        more?.Invoke(t);
    });

    /// <summary>In the form of Docker before 25 and of skopeo: layers by other names, some of them links.</summary>
    public byte[] BuildOld() => TarBuilder.Of(t =>
    {
        foreach (var (config, layers, _) in images)
        {
            foreach (string layer in layers)
            {
                t.File(layer + ".tar", blobs[layer]);
                t.SymbolicLink("v1-" + layer + "/layer.tar", "../" + layer + ".tar");
                t.File("v1-" + layer + "/VERSION", "1.0");
            }
            t.File(config + ".json", blobs[config]);
        }
        t.File("manifest.json", Manifest("", ".json", l => "v1-" + l + "/layer.tar"));
    });

    private byte[] Manifest(string prefix, string configSuffix, Func<string, string>? layerPath = null) => JsonSerializer.SerializeToUtf8Bytes(images.Select(i => new
    {
        Config = prefix + i.Config + configSuffix,
        RepoTags = i.Tag is null ? null : new[] { i.Tag },
        Layers = i.Layers.Select(layerPath ?? (l => prefix + l)),
    }));

    /// <summary>As an OCI layout without docker's manifest.</summary>
    public byte[] BuildOci(Func<string, Dictionary<string, string>>? annotations = null, bool nested = false)
    {
        var descriptors = new List<object>();
        foreach (var (config, layers, tag) in images)
        {
            byte[] manifest = JsonSerializer.SerializeToUtf8Bytes(new
            {
                schemaVersion = 2,
                mediaType = "application/vnd.oci.image.manifest.v1+json",
                config = new { mediaType = "application/vnd.oci.image.config.v1+json", digest = "sha256:" + config, size = blobs[config].Length },
                layers = layers.Select(l => new { mediaType = "application/vnd.oci.image.layer.v1.tar", digest = "sha256:" + l, size = blobs[l].Length }),
            });
            blobs[Hash(manifest)] = manifest;
            object descriptor = new { mediaType = "application/vnd.oci.image.manifest.v1+json", digest = "sha256:" + Hash(manifest), size = manifest.Length, platform = new { os = "linux", architecture = "amd64" } };
            if (nested) descriptor = Nest(descriptor, manifest);
            descriptors.Add(Annotated(descriptor, annotations?.Invoke(tag ?? "")));
        }
        return TarBuilder.Of(t =>
        {
            foreach (var (hash, blob) in blobs.OrderBy(b => b.Key, StringComparer.Ordinal)) t.File("blobs/sha256/" + hash, blob);
            t.File("oci-layout", """{"imageLayoutVersion":"1.0.0"}""");
            t.File("index.json", JsonSerializer.SerializeToUtf8Bytes(new { schemaVersion = 2, manifests = descriptors }));
        });
    }

    private object Nest(object descriptor, byte[] manifest)
    {
        var other = new { mediaType = "application/vnd.oci.image.manifest.v1+json", digest = "sha256:" + Hash(manifest), size = 1, platform = new { os = "linux", architecture = "s390x" } };
        byte[] index = JsonSerializer.SerializeToUtf8Bytes(new { schemaVersion = 2, mediaType = "application/vnd.oci.image.index.v1+json", manifests = new[] { other, descriptor } });
        blobs[Hash(index)] = index;
        return new { mediaType = "application/vnd.oci.image.index.v1+json", digest = "sha256:" + Hash(index), size = index.Length };
    }

    private static Dictionary<string, object> Annotated(object descriptor, Dictionary<string, string>? annotations)
    {
        var copy = JsonSerializer.Deserialize<Dictionary<string, object>>(JsonSerializer.Serialize(descriptor))!;
        if (annotations is not null) copy["annotations"] = annotations;
        return copy;
    }
}
