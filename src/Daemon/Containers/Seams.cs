using Gantry.Daemon.Storage;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Containers;

/// <summary>What containers need of the image store.</summary>
public interface IContainerImages
{
    /// <param name="platform"><c>linux/arm64</c>; empty for any.</param>
    /// <exception cref="Engine.EngineException">404 <c>No such image: X</c>, or it is for another platform; 400 for a platform that is none.</exception>
    ContainerImage Resolve(string reference, string platform = "");

    /// <summary>Keeps an image's layers for a container, in one transaction with the container's own row.</summary>
    /// <param name="containerId">The id alone, or with <c>:</c> and a mount point for an image that is only mounted.</param>
    /// <exception cref="Engine.EngineException">404: the image was deleted meanwhile.</exception>
    Task PinAsync(string containerId, ContainerImage image, Action<DatabaseWriter> together);

    /// <summary>Gives the layers free, in one transaction with the removal of the container's row.</summary>
    Task UnpinAsync(string containerId, Action<DatabaseWriter> together);

    /// <summary>Drops what is kept for containers that do not exist: once, at start.</summary>
    Task ReconcileAsync(IReadOnlySet<string> containerIds, CancellationToken cancellation);

    /// <summary>Lower directories of an image's containers, topmost first, the layer with the mount points among them.</summary>
    IReadOnlyList<string> LayersOf(ContainerImage image);

    /// <summary>The same for a container that exists, whether its image does or not.</summary>
    IReadOnlyList<string> LayersOf(string containerId);

    /// <summary>Directories of the layers that are kept for a container's mount of an image, topmost first.</summary>
    /// <param name="owner">As given to <see cref="PinAsync"/>.</param>
    IReadOnlyList<string> MountedLayersOf(string owner);

    /// <summary>Makes an image of a container.</summary>
    /// <exception cref="Engine.EngineException">400 for the name or a change, in dockerd's words.</exception>
    Task<CommittedImage> CommitAsync(ContainerCommit commit, CancellationToken cancellation);

    /// <summary>Says at once what is wrong with a commit that is to come.</summary>
    void Verify(ContainerCommit commit);

    /// <summary>Bytes of a container's layers, without its own.</summary>
    long SizeOf(string containerId);

    /// <summary>Ids of the images that a reference names, and of those made from them.</summary>
    IEnumerable<string> IdsOf(string reference);

    /// <summary>What a list shows as a container's image: the name that was asked for as long as it still means that image, otherwise the id.</summary>
    string DisplayName(string reference, string imageId);
}

/// <param name="Id"><c>sha256:…</c></param>
/// <param name="Config">The defaults that the image gives its containers.</param>
public sealed record ContainerImage(string Id, ContainerConfig Config, string Os);

/// <summary>What is to become of a container's changes.</summary>
public sealed record ContainerCommit
{
    public required ContainerRecord Container { get; init; }

    /// <summary>Name of the new image: repository and tag; empty for none.</summary>
    public string Repository { get; init; } = "";

    public string Tag { get; init; } = "";

    public string Author { get; init; } = "";

    public string Comment { get; init; } = "";

    /// <summary>The history's line; the container's command when null.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>Dockerfile instructions that change the configuration.</summary>
    public IReadOnlyList<string> Changes { get; init; } = [];

    /// <summary>What the image's configuration begins with; the container's own when null. What it leaves open comes from the container.</summary>
    public ContainerConfig? Config { get; init; }

    /// <summary>A step of a build: <see cref="Config"/> is the image's as it stands, and no event tells of the commit.</summary>
    public bool IsBuildStep { get; init; }

    /// <summary>What the image says that its container ran with; the container's own when null.</summary>
    public ContainerConfig? ContainerConfig { get; init; }

    /// <summary>The container's upper directory; null to make an image without a new layer.</summary>
    public string? Upper { get; init; }

    /// <summary>Move the files out of it.</summary>
    public bool Take { get; init; }
}

/// <param name="Id"><c>sha256:…</c></param>
/// <param name="Reference">The name that it was given, in its short form; empty for none.</param>
public sealed record CommittedImage(string Id, string Reference);
