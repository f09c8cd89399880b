using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Queries;
using Gantry.Daemon.Images.References;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Images.Archives;

/// <summary>OCI image layouts: <c>index.json</c> names manifests, those name configurations and layers, all by digest (OCI image spec, "Image Layout").</summary>
internal static class OciArchive
{
    public const string IndexPath = "index.json";

    /// <summary>An index within an index within an index is as deep as it gets.</summary>
    private const int MaxDepth = 4;

    private const string ContainerdName = "io.containerd.image.name", OciName = "org.opencontainers.image.ref.name";

    /// <param name="contents">The archive.</param>
    /// <param name="index">The bytes of its index.</param>
    /// <param name="platform">Which of a multi-platform image's images to take.</param>
    public static IReadOnlyList<ArchiveImage> Read(ArchiveContents contents, byte[] index, OciPlatform platform)
    {
        var images = new List<(string Manifest, List<ImageReference> Names)>();
        foreach (var descriptor in ImageDocuments.Deserialize<OciIndex>(index, IndexPath).Manifests?.OfType<OciDescriptor>() ?? [])
        {
            if (Select(contents, descriptor, platform, 0) is not { } manifest) continue;
            var known = images.Find(i => i.Manifest == manifest.Digest);
            if (known.Names is null) images.Add(known = (manifest.Digest, []));
            if (NameOf(descriptor) is { } name) known.Names.Add(name);
        }
        if (images.Count == 0) throw new InvalidArchiveException($"no image for {Platforms.Format(platform.Os, platform.Architecture, platform.Variant)} is in the archive");
        return [.. images.Select(i => ReadManifest(contents, i.Manifest, i.Names))];
    }

    /// <summary>Goes down to the manifest for a platform; null when there is none.</summary>
    private static OciDescriptor? Select(ArchiveContents contents, OciDescriptor descriptor, OciPlatform platform, int depth)
    {
        if (!IsIndex(descriptor)) return IsManifest(descriptor) && (descriptor.Platform is not { } own || Platforms.Matches(platform, own.Os, own.Architecture, own.Variant)) ? descriptor : null;
        if (depth == MaxDepth) throw new InvalidArchiveException("invalid archive: its indexes are nested too deep");
        var index = ImageDocuments.Deserialize<OciIndex>(ReadBlob(contents, descriptor.Digest), "index " + descriptor.Digest);
        return (index.Manifests ?? []).OfType<OciDescriptor>().Select(d => Select(contents, d, platform, depth + 1)).FirstOrDefault(d => d is not null);
    }

    private static bool IsIndex(OciDescriptor descriptor) =>
        descriptor.MediaType is "application/vnd.oci.image.index.v1+json" or "application/vnd.docker.distribution.manifest.list.v2+json";

    private static bool IsManifest(OciDescriptor descriptor) =>
        descriptor.MediaType is "application/vnd.oci.image.manifest.v1+json" or "application/vnd.docker.distribution.manifest.v2+json";

    private static ArchiveImage ReadManifest(ArchiveContents contents, string digest, List<ImageReference> names)
    {
        var manifest = ImageDocuments.Deserialize<OciManifest>(ReadBlob(contents, digest), "manifest " + digest);
        if (manifest is not { Config: not null, Layers: not null }) throw new InvalidArchiveException($"invalid manifest {digest}: no configuration or no layers");
        return new ArchiveImage(ReadBlob(contents, manifest.Config.Digest), [.. manifest.Layers.Select(l => BlobPath(l?.Digest))], names, null);
    }

    private static byte[] ReadBlob(ArchiveContents contents, string digest) =>
        contents.Read(BlobPath(digest)) ?? throw new InvalidArchiveException($"invalid archive: the blob {digest} is missing");

    private static string BlobPath(string? digest) =>
        Digest.TryParse(digest, out var parsed) ? $"blobs/sha256/{parsed.Hex}" : throw new InvalidArchiveException($"invalid archive: \"{digest}\" is no sha256 digest");

    /// <summary>containerd gives the whole name; by the letter of OCI the annotation may be a bare tag, which names no repository and so no image.</summary>
    private static ImageReference? NameOf(OciDescriptor descriptor)
    {
        if (descriptor.Annotations is not { } annotations) return null;
        if (annotations.TryGetValue(ContainerdName, out string? name) && name is not null && TryParse(name) is { } whole) return whole.WithDefaultTag();
        return annotations.TryGetValue(OciName, out name) && name is not null && name.AsSpan().ContainsAny(':', '/') ? TryParse(name)?.WithDefaultTag() : null;
    }

    private static ImageReference? TryParse(string name)
    {
        try
        {
            return ImageReference.Parse(name) is { Digest: null } reference ? reference : null;
        }
        catch (EngineException)
        {
            return null;   // a name of another tool's making says nothing here
        }
    }
}
