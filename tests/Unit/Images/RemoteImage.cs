using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Gantry.Daemon.Images.Content;
using Gantry.Unit.Registries;

namespace Gantry.Unit.Images;

/// <summary>An image as a registry has it: blobs and manifests by digest, manifests by tag too. Tests bend what they like.</summary>
internal sealed class RemoteImage
{
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json", DockerList = "application/vnd.docker.distribution.manifest.list.v2+json";

    private const string DockerConfig = "application/vnd.docker.container.image.v1+json", DockerLayer = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    public Dictionary<string, byte[]> Blobs { get; } = [];

    /// <summary>By tag and by digest.</summary>
    public Dictionary<string, (string MediaType, byte[] Content)> Manifests { get; } = [];

    /// <summary>The layers' blobs, bottom first.</summary>
    public List<string> Layers { get; } = [];

    public string ConfigDigest { get; private set; } = "";

    public string ManifestDigest { get; private set; } = "";

    public static string DigestOf(byte[] data) => Digest.Of(data).ToString();

    public static byte[] Gzip(byte[] data)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest)) gzip.Write(data);
        return output.ToArray();
    }

    /// <summary>Makes an image of layer archives and gives it a tag.</summary>
    public RemoteImage Add(string tag, IReadOnlyList<byte[]> archives, string architecture = "amd64", string os = "linux", string configType = DockerConfig, string layerType = DockerLayer,
        Func<byte[], byte[]>? compress = null, IReadOnlyList<string>? diffs = null)
    {
        string config = JsonSerializer.Serialize(new
        {
            architecture, os, config = new { Cmd = new[] { "sh" }, Labels = new { from = tag } },
            rootfs = new { type = "layers", diff_ids = diffs ?? [.. archives.Select(DigestOf)] },
        });
        ConfigDigest = Store(Encoding.UTF8.GetBytes(config));
        Layers.Clear();
        foreach (byte[] archive in archives) Layers.Add(Store((compress ?? Gzip)(archive)));
        string manifest = JsonSerializer.Serialize(new
        {
            schemaVersion = 2, mediaType = DockerManifest,
            config = new { mediaType = configType, size = Blobs[ConfigDigest].Length, digest = ConfigDigest },
            layers = Layers.Select(l => new { mediaType = layerType, size = Blobs[l].Length, digest = l }),
        });
        ManifestDigest = AddManifest(tag, DockerManifest, manifest);
        return this;
    }

    public string AddManifest(string tag, string mediaType, string text)
    {
        byte[] content = Encoding.UTF8.GetBytes(text);
        Manifests[tag] = Manifests[DigestOf(content)] = (mediaType, content);
        return DigestOf(content);
    }

    private string Store(byte[] content)
    {
        Blobs[DigestOf(content)] = content;
        return DigestOf(content);
    }

    /// <summary>What a registry answers; of blobs from an offset on when that was asked for.</summary>
    public Answer Serve(Request request)
    {
        string path = request.Path.Split('?')[0], last = path[(path.LastIndexOf('/') + 1)..];
        if (path == "/v2/") return new(200, "{}");
        if (path.EndsWith("/tags/list", StringComparison.Ordinal)) return new(200, JsonSerializer.Serialize(new { tags = Manifests.Keys.Where(k => !k.Contains(':', StringComparison.Ordinal)) }));
        if (path.Contains("/manifests/", StringComparison.Ordinal) && Manifests.TryGetValue(last, out var manifest))
            return new Answer(200, manifest.Content, [("Content-Type", manifest.MediaType), ("Docker-Content-Digest", DigestOf(manifest.Content))]);
        if (path.Contains("/manifests/", StringComparison.Ordinal)) return new(404, """{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}""");
        if (!Blobs.TryGetValue(last, out byte[]? blob)) return new(404, """{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown to registry"}]}""");
        if (request.Offset == 0) return new Answer(200, blob, []);
        return new Answer(206, blob[request.Offset..], [("Content-Range", $"bytes {request.Offset}-{blob.Length - 1}/{blob.Length}")]);
    }
}
