using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.References;
using Gantry.Daemon.Registries;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Images.Pull;

/// <summary>A manifest whose bytes have been verified.</summary>
internal sealed record VerifiedManifest(string MediaType, Digest Digest, byte[] Content)
{
    public bool IsIndex => MediaType is ManifestReader.DockerList or ManifestReader.OciIndexType;
}

/// <summary>Gets manifests: verified against their digest, of a kind that is understood, and within limits.</summary>
internal static class ManifestReader
{
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json", DockerList = "application/vnd.docker.distribution.manifest.list.v2+json",
        OciManifestType = "application/vnd.oci.image.manifest.v1+json", OciIndexType = "application/vnd.oci.image.index.v1+json";

    /// <summary>An index within an index within an index is as deep as it gets.</summary>
    private const int MaxDepth = 4;

    /// <summary>Registries have stored all of these for an image's configuration at some time.</summary>
    private static readonly HashSet<string> ConfigTypes = new(StringComparer.Ordinal)
    {
        "application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json", "application/octet-stream", "application/json", "text/html", "",
    };

    /// <summary>What a name in a repository stands for: found first, then read by its digest.</summary>
    public static async Task<VerifiedManifest> ReadAsync(RemoteRepository repository, ImageReference name, CancellationToken cancellation)
    {
        if (name.Digest is { } given) return await ReadAsync(repository, name, Parse(given), "", cancellation).ConfigureAwait(false);
        var found = await repository.FindManifestAsync(name.Tag!, cancellation).ConfigureAwait(false);
        if (Digest.TryParse(found.Digest, out var digest)) return await ReadAsync(repository, name, digest, found.MediaType, cancellation).ConfigureAwait(false);
        // An old registry that does not say: what comes under the tag is taken for what it is.
        var (manifest, content) = await repository.ReadManifestAsync(name.Tag!, cancellation).ConfigureAwait(false);
        return Understand(name, new VerifiedManifest(manifest.MediaType, Digest.Of(content), content));
    }

    /// <param name="mediaType">By whoever has named the digest; empty when unknown.</param>
    private static async Task<VerifiedManifest> ReadAsync(RemoteRepository repository, ImageReference name, Digest digest, string mediaType, CancellationToken cancellation)
    {
        var (manifest, content) = await repository.ReadManifestAsync(digest.ToString(), cancellation).ConfigureAwait(false);
        if (Digest.Of(content) != digest) throw EngineException.System($"manifest verification failed for digest {digest}");
        return Understand(name, new VerifiedManifest(manifest.MediaType.Length > 0 ? manifest.MediaType : mediaType, digest, content));
    }

    public static Digest Parse(string digest) => Digest.TryParse(digest, out var parsed) ? parsed : throw EngineException.InvalidParameter($"unsupported digest {digest}: this engine knows sha256");

    /// <summary>Some registries give JSON for its media type: then the document's own word counts, or its shape.</summary>
    private static VerifiedManifest Understand(ImageReference name, VerifiedManifest manifest)
    {
        JsonElement root;
        try
        {
            using var document = JsonDocument.Parse(manifest.Content);
            root = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw EngineException.System($"error unmarshalling content: {GoJsonSyntax.Check(manifest.Content) ?? e.Message}", e);
        }
        if (root.ValueKind != JsonValueKind.Object) throw EngineException.System("error unmarshalling content: a manifest must be an object");
        if (root.TryGetProperty("schemaVersion", out var version) && version.ValueKind == JsonValueKind.Number && version.TryGetInt32(out int number) && number == 1)
            throw EngineException.InvalidParameter(
                "Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been removed. " +
                $"Suggest the author of {name} to upgrade the image to the OCI Format or Docker Image manifest v2, schema 2. More information at https://docs.docker.com/go/deprecated-image-specs/");
        string own = root.TryGetProperty("mediaType", out var given) && given.ValueKind == JsonValueKind.String ? given.GetString()! : "";
        if (IsKnown(manifest.MediaType))
        {
            // One document must not be two things to two readers (OCI image spec, "mediaType").
            bool mayBeSilent = manifest.MediaType is OciManifestType or OciIndexType;
            if (own != manifest.MediaType && !(mayBeSilent && own.Length == 0)) throw EngineException.System($"mediaType in manifest should be '{manifest.MediaType}' not '{own}'");
            return manifest;
        }
        if (IsKnown(own)) return manifest with { MediaType = own };
        if (own.Length == 0 && root.TryGetProperty("manifests", out _)) return manifest with { MediaType = OciIndexType };
        if (own.Length == 0 && root.TryGetProperty("layers", out _)) return manifest with { MediaType = OciManifestType };
        throw EngineException.System($"unsupported manifest media type \"{(own.Length > 0 ? own : manifest.MediaType)}\"");
    }

    private static bool IsKnown(string mediaType) => mediaType is DockerManifest or DockerList or OciManifestType or OciIndexType;

    /// <summary>Goes down from an index to the image for a platform.</summary>
    /// <exception cref="EngineException">There is none.</exception>
    public static async Task<VerifiedManifest> SelectAsync(RemoteRepository repository, ImageReference name, VerifiedManifest manifest, OciPlatform platform, CancellationToken cancellation)
    {
        for (int depth = 0; manifest.IsIndex; depth++)
        {
            if (depth == MaxDepth) throw EngineException.System("invalid manifest: its indexes are nested too deep");
            var chosen = PlatformChoice.Select(ReadIndex(manifest), platform)
                ?? throw EngineException.NotFound($"no matching manifest for {PlatformChoice.Format(platform)} in the manifest list entries");
            manifest = await ReadAsync(repository, name, Parse(chosen.Digest), chosen.MediaType, cancellation).ConfigureAwait(false);
        }
        return manifest;
    }

    public static IReadOnlyList<OciDescriptor> ReadIndex(VerifiedManifest manifest) => [.. Deserialize<OciIndex>(manifest).Manifests?.OfType<OciDescriptor>() ?? []];

    /// <exception cref="EngineException">It is no image's.</exception>
    public static OciManifest ReadImage(VerifiedManifest manifest)
    {
        var image = Deserialize<OciManifest>(manifest);
        if (image is not { Config: not null, Layers: not null } || image.Layers.Contains(null!)) throw EngineException.System($"invalid manifest {manifest.Digest}: no configuration or no layers");
        string type = image.Config.MediaType ?? "";
        if (!ConfigTypes.Contains(type))
            throw EngineException.InvalidParameter($"Encountered remote \"{type}\"({(type.StartsWith("application/vnd.docker.plugin.", StringComparison.Ordinal) ? "plugin" : "unknown")}) when fetching");
        foreach (var layer in image.Layers) CheckLayer(layer);
        return image;
    }

    /// <summary>Layers that only their maker may serve are those of Windows, and of no use here.</summary>
    private static void CheckLayer(OciDescriptor layer)
    {
        string type = layer.MediaType ?? "";
        if (type.Contains(".foreign.", StringComparison.Ordinal) || type.Contains(".nondistributable.", StringComparison.Ordinal))
            throw EngineException.InvalidParameter($"the layer {layer.Digest} is a foreign layer ({type}): registries do not serve those, and linux images have none");
        bool isLayer = type is "" or "application/octet-stream" || type.StartsWith("application/vnd.docker.image.rootfs.diff.tar", StringComparison.Ordinal)
            || type.StartsWith("application/vnd.oci.image.layer.v1.tar", StringComparison.Ordinal);
        if (!isLayer || type.EndsWith("+encrypted", StringComparison.Ordinal)) throw EngineException.InvalidParameter($"the layer {layer.Digest} has the unsupported media type {type}");
        if (layer.Size < 0) throw EngineException.System($"invalid manifest: the size of {layer.Digest} is negative");
        _ = Parse(layer.Digest);
    }

    private static T Deserialize<T>(VerifiedManifest manifest) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(manifest.Content, WireJson.TypeInfo<T>()) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw EngineException.System($"error unmarshalling content: {e.Message}", e);
        }
    }
}
