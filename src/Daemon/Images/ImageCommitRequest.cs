using Gantry.Daemon.Images.References;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Images;

/// <summary>An image to be made of what a container has changed.</summary>
public sealed record ImageCommitRequest
{
    /// <summary>64 hexadecimal digits; its layers are pinned. A build's step without a container has none, and stands on its parent.</summary>
    public required string ContainerId { get; init; }

    /// <summary>The image that the container was made from. It may have gone meanwhile.</summary>
    public string? ParentId { get; init; }

    /// <summary>The container's upper directory, in overlay's form; null when no layer is to be added.</summary>
    public string? Upper { get; init; }

    /// <summary>The directory that shows through the upper one's root.</summary>
    public string Below { get; init; } = "";

    /// <summary>Move the files out of the container instead of copying them. The upper directory is gone afterwards; when the commit fails it is as before.</summary>
    public bool Take { get; init; }

    /// <summary>Defaults for containers of the new image.</summary>
    public required ContainerConfig Config { get; init; }

    /// <summary>What the container ran with.</summary>
    public required ContainerConfig ContainerConfig { get; init; }

    /// <summary>A step of a build: its parent must still be there, and the next build may use the image again.</summary>
    public bool IsBuildStep { get; init; }

    /// <summary>What an image without a parent is for; this machine's when null.</summary>
    public OciPlatform? Platform { get; init; }

    public string Author { get; init; } = "";

    public string Comment { get; init; } = "";

    /// <summary>The history's line; the container's command when null.</summary>
    public string? CreatedBy { get; init; }

    public IReadOnlyList<ImageReference> Names { get; init; } = [];
}
