using System.Formats.Tar;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Gantry.Integration.Harness;

/// <summary>An image that a test makes without any engine: to put into a registry by the protocol, or into an archive to load.</summary>
internal sealed class MadeImage
{
    private const string ManifestType = "application/vnd.docker.distribution.manifest.v2+json", ConfigType = "application/vnd.docker.container.image.v1+json", LayerType = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    private const string OciManifestType = "application/vnd.oci.image.manifest.v1+json", OciConfigType = "application/vnd.oci.image.config.v1+json", OciLayerType = "application/vnd.oci.image.layer.v1.tar+gzip";

    private readonly byte[] configuration;
    private readonly byte[] manifest;

    public MadeImage(IReadOnlyList<MadeLayer> content)
    {
        Content = content;
        configuration = JsonSerializer.SerializeToUtf8Bytes(new
        {
            architecture = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "amd64",
            os = "linux", config = new { Cmd = new[] { "none" } }, rootfs = new { type = "layers", diff_ids = content.Select(l => l.Diff) },
        });
        manifest = Describe(ManifestType, ConfigType, LayerType);
    }

    public IReadOnlyList<MadeLayer> Content { get; }

    /// <summary>Digest of the configuration.</summary>
    public string Id => MadeLayer.DigestOf(configuration);

    /// <summary>Digest of the manifest.</summary>
    public string Manifest => MadeLayer.DigestOf(manifest);

    /// <summary>Digests of the compressed layers, bottom first.</summary>
    public IReadOnlyList<string> Layers => [.. Content.Select(l => l.Digest)];

    /// <param name="size">Bytes of each layer; they cannot be compressed.</param>
    public static async Task<MadeImage> PutAsync(TestRegistry registry, string repository, string tag, int layers, int size)
    {
        var image = new MadeImage([.. Enumerable.Range(0, layers).Select(i => MadeLayer.Make($"{repository}-{tag}-{i}", size))]);
        foreach (byte[] blob in (byte[][])[.. image.Content.Select(l => l.Blob), image.configuration]) await PutBlobAsync(registry, repository, blob);
        using var put = await registry.Http.PutAsync($"/v2/{repository}/manifests/{tag}", new ByteArrayContent(image.manifest) { Headers = { ContentType = new(ManifestType) } });
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
        return image;
    }

    /// <summary>An archive as <c>docker save</c> wrote it before it wrote OCI layouts.</summary>
    public byte[] DockerArchive(string name)
    {
        var layers = Content.Select((l, i) => (Path: $"layer{i}/layer.tar", l.Archive)).ToList();
        byte[] list = JsonSerializer.SerializeToUtf8Bytes(new[] { new { Config = "config.json", RepoTags = new[] { name }, Layers = layers.Select(l => l.Path) } });
        return Tar([.. layers, ("config.json", configuration), ("manifest.json", list)]);
    }

    /// <summary>An OCI layout, its layers gzipped.</summary>
    public byte[] OciLayout(string name)
    {
        byte[] document = Describe(OciManifestType, OciConfigType, OciLayerType);
        var annotations = new Dictionary<string, string> { ["io.containerd.image.name"] = name };
        byte[] index = JsonSerializer.SerializeToUtf8Bytes(new { schemaVersion = 2, manifests = new[] { new { mediaType = OciManifestType, digest = MadeLayer.DigestOf(document), size = document.Length, annotations } } });
        var blobs = Content.Select(l => l.Blob).Append(configuration).Append(document).Select(b => ("blobs/sha256/" + MadeLayer.DigestOf(b)[7..], b));
        return Tar([.. blobs, ("index.json", index), ("oci-layout", """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray())]);
    }

    private byte[] Describe(string manifestType, string configType, string layerType) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        schemaVersion = 2, mediaType = manifestType, config = new { mediaType = configType, size = configuration.Length, digest = Id },
        layers = Content.Select(l => new { mediaType = layerType, size = l.Blob.Length, digest = l.Digest }),
    });

    private static byte[] Tar(IEnumerable<(string Path, byte[] Data)> files)
    {
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var (path, data) in files) writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, path) { DataStream = new MemoryStream(data) });
        }
        return archive.ToArray();
    }

    private static async Task PutBlobAsync(TestRegistry registry, string repository, byte[] blob)
    {
        using var begun = await registry.Http.PostAsync($"/v2/{repository}/blobs/uploads/", null);
        Assert.True(begun.IsSuccessStatusCode, await begun.Content.ReadAsStringAsync());
        string location = begun.Headers.Location!.ToString();
        using var put = await registry.Http.PutAsync($"{location}{(location.Contains('?', StringComparison.Ordinal) ? '&' : '?')}digest={Uri.EscapeDataString(MadeLayer.DigestOf(blob))}",
            new ByteArrayContent(blob) { Headers = { ContentType = new("application/octet-stream") } });
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
    }
}
