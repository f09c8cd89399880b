using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Images;
using Gantry.Protocol.SystemInfo;
using Gantry.Protocol.Volumes;

namespace Gantry.Daemon.SystemInfo;

/// <param name="Types">What to measure; nothing means everything.</param>
public sealed record DiskUsageRequest(IReadOnlyList<string> Types);

/// <summary>Who knows what takes space. Each measures when it is asked.</summary>
internal sealed record DiskUsageSources
{
    public required Func<long> LayersSize { get; init; }

    public required Func<List<ImageSummary>> Images { get; init; }

    public required Func<CancellationToken, Task<List<ContainerSummary>>> Containers { get; init; }

    public required Func<CancellationToken, IReadOnlyList<Volume>> Volumes { get; init; }

    /// <summary>The classic builder's cache is images.</summary>
    public Func<List<BuildCacheItem>> BuildCache { get; init; } = () => [];
}

/// <summary>What takes space on the disk: <c>system df</c> (golden 130). All parts are measured side by side.</summary>
internal sealed class DiskUsageReport(DiskUsageSources sources)
{
    private const string Container = "container", Image = "image", Volume = "volume", Cache = "build-cache";

    /// <exception cref="EngineException">400 <c>unknown object type: X</c>.</exception>
    public async Task<DiskUsageResponse> RunAsync(DiskUsageRequest request, CancellationToken cancellation)
    {
        if (request.Types.FirstOrDefault(t => t is not (Container or Image or Volume or Cache)) is { } unknown) throw EngineException.InvalidParameter($"unknown object type: {unknown}");
        bool Wants(string type) => request.Types.Count == 0 || request.Types.Contains(type);
        var containers = Wants(Container) ? sources.Containers(cancellation) : null;
        var volumes = Wants(Volume) ? Task.Run(() => sources.Volumes(cancellation), cancellation) : null;
        var images = Wants(Image) ? Task.Run(sources.Images, cancellation) : null;
        return new DiskUsageResponse
        {
            LayersSize = images is null ? 0 : sources.LayersSize(),
            Images = images is null ? null : await images.ConfigureAwait(false),
            Containers = containers is null ? null : await containers.ConfigureAwait(false),
            Volumes = volumes is null ? null : [.. await volumes.ConfigureAwait(false)],
            BuildCache = Wants(Cache) ? sources.BuildCache() : null,
        };
    }
}
