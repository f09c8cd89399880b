using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Registries;
using Gantry.Daemon.Storage;

namespace Gantry.Daemon.Images;

/// <param name="DataRoot">The engine's data directory; <c>content</c> and <c>layers</c> are made in it.</param>
/// <param name="EngineVersion">What images made here say of the engine that made them (<c>docker_version</c>).</param>
public sealed record ImageServiceOptions(string DataRoot, string EngineVersion)
{
    public StorageDriver Driver { get; init; }

    public UnpackLimits Limits { get; init; } = UnpackLimits.Default;

    /// <summary>Layers that are pulled, and pushed, at the same time.</summary>
    public int Downloads { get; init; } = 3;

    public int Uploads { get; init; } = 5;

    /// <summary>How registries are reached; null for the usual way.</summary>
    internal RegistryAccess? Registries { get; init; }

    internal RetryPolicy Retries { get; init; } = RetryPolicy.Default;
}
