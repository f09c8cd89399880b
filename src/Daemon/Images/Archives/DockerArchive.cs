using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.References;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Images.Archives;

/// <summary>Archives as <c>docker save</c> writes them: <c>manifest.json</c> says which files are whose (Docker image spec v1.2).</summary>
internal static class DockerArchive
{
    public const string ManifestPath = "manifest.json";

    public static IReadOnlyList<ArchiveImage> Read(ArchiveContents contents, byte[] manifest) =>
        [.. ImageDocuments.Deserialize<List<DockerArchiveImage>>(manifest, ManifestPath).Select(image => Read(contents, image))];

    private static ArchiveImage Read(ArchiveContents contents, DockerArchiveImage image)
    {
        if (image is not { Config: not null, Layers: not null } || image.Layers.Contains(null!) || image.RepoTags?.Contains(null!) == true) throw new InvalidArchiveException("invalid archive: manifest.json lacks a name");
        byte[] configuration = contents.Read(image.Config) ?? throw new InvalidArchiveException($"invalid archive: {image.Config} is missing");
        return new ArchiveImage(configuration, image.Layers, [.. (image.RepoTags ?? []).Select(ParseTag)], Digest.TryParse(image.Parent, out var parent) ? parent : null);
    }

    private static ImageReference ParseTag(string tag)
    {
        try
        {
            var name = ImageReference.Parse(tag);
            if (name.Tag is not null && name.Digest is null) return name;
        }
        catch (EngineException e)
        {
            throw new InvalidArchiveException($"invalid tag \"{tag}\": {e.Message}", e);
        }
        throw new InvalidArchiveException($"invalid tag \"{tag}\"");
    }
}
