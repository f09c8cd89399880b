using System.Text.Json;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Images;

/// <summary>Reading and checking image configurations, manifests and the like that come from outside.</summary>
internal static class ImageDocuments
{
    /// <exception cref="InvalidArchiveException">It is not JSON, or not an image's configuration.</exception>
    public static ImageDocument Parse(ReadOnlySpan<byte> json)
    {
        var document = Deserialize<ImageDocument>(json, "image configuration");
        if (document.RootFs is not { Type: "layers" }) throw new InvalidArchiveException("invalid image configuration: no rootfs key");
        foreach (string diff in document.RootFs.DiffIds ?? [])
        {
            if (!Digest.TryParse(diff, out _)) throw new InvalidArchiveException($"invalid image configuration: \"{diff}\" is no sha256 digest");
        }
        // Where a list or a map of texts may not hold null, the serialiser does not see to it.
        if (document.History?.Contains(null!) == true) throw new InvalidArchiveException("invalid image configuration: a line of the history is null");
        RequireTexts(document.Config?.Env, "Env");
        RequireTexts(document.Config?.OnBuild, "OnBuild");
        RequireTexts(document.Config?.Labels?.Values, "Labels");
        RequireTexts(document.Config?.Healthcheck?.Test, "Healthcheck");
        return document;
    }

    private static void RequireTexts(IEnumerable<string>? texts, string field)
    {
        if (texts?.Contains(null!) == true) throw new InvalidArchiveException($"invalid image configuration: null in {field}");
    }

    /// <summary>The digests of the layers' archives that a configuration names, bottom first.</summary>
    public static IReadOnlyList<Digest> DiffIds(ImageDocument document) => [.. (document.RootFs?.DiffIds ?? []).Select(Digest.Parse)];

    public static void CheckLayers(ImageDocument document, IReadOnlyList<Layer> layers)
    {
        if (!DiffIds(document).SequenceEqual(layers.Select(l => l.Diff))) throw new InvalidArchiveException("the image's configuration names other layers than it has");
    }

    /// <exception cref="InvalidArchiveException">It is not JSON of the wanted shape.</exception>
    public static T Deserialize<T>(ReadOnlySpan<byte> json, string what) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, WireJson.TypeInfo<T>()) ?? throw new InvalidArchiveException($"invalid {what}: null");
        }
        catch (JsonException e)
        {
            throw new InvalidArchiveException($"invalid {what}: {e.Message}", e);
        }
    }
}
