using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.References;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Images;

/// <summary>One image of the store. Immutable: a change makes a new record.</summary>
public sealed record Image
{
    /// <summary><c>sha256:…</c>, the digest of the configuration's bytes.</summary>
    public required string Id { get; init; }

    /// <summary>The image that this one was made from on this engine; null when it came from elsewhere.</summary>
    public string? Parent { get; init; }

    /// <summary>Made by a step of a build on this engine: what its configuration says of that step can be trusted.</summary>
    public bool IsBuilt { get; init; }

    /// <summary>The stored configuration.</summary>
    public required ImageDocument Document { get; init; }

    /// <summary>Chain ids of the layers, bottom first; empty for an image without files.</summary>
    public required IReadOnlyList<Digest> Layers { get; init; }

    /// <summary>Sum of the sizes of all layers' files in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>All names, in the order of their full forms.</summary>
    public IReadOnlyList<ImageReference> Names { get; init; } = [];

    /// <summary>When it was last given a name; null when never.</summary>
    public DateTimeOffset? LastTagged { get; init; }

    /// <summary>Defaults for containers made from it.</summary>
    public ContainerConfig Config => Document.Config ?? Empty;

    public string Os => Document.Os ?? "";

    public string Architecture => Document.Architecture ?? "";

    public string? Variant => Document.Variant;

    /// <summary>Null when the configuration does not say.</summary>
    public DateTimeOffset? Created => WireTime.Parse(Document.Created);

    public Digest? TopLayer => Layers.Count > 0 ? Layers[^1] : null;

    public Digest Digest => Digest.Parse(Id);

    public IEnumerable<ImageReference> Tags => Names.Where(n => n.Tag is not null);

    public IEnumerable<ImageReference> Digests => Names.Where(n => n.Digest is not null);

    /// <summary>The first twelve digits of the id.</summary>
    public string ShortId => Digest.Hex[..12];

    private static readonly ContainerConfig Empty = new();
}
