using System.Net.Http.Headers;
using Gantry.Protocol.Images;
using Gantry.Protocol.SystemInfo;

namespace Gantry.PowerShell.Client;

/// <summary>The routes of the builder.</summary>
internal sealed partial class EngineClient
{
    /// <param name="query">What to build: see reference 4.1, <c>POST /build</c>.</param>
    /// <param name="context">The files; null for a remote context.</param>
    /// <param name="registryConfig">The value of <c>X-Registry-Config</c>; null for none.</param>
    public IAsyncEnumerable<ProgressMessage> BuildImageAsync(Query query, HttpContent? context, string? registryConfig, CancellationToken cancellation)
    {
        if (context is not null) context.Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");
        return ReadLinesAsync<ProgressMessage>(HttpMethod.Post, "/build", query, cancellation, context, registryConfig is null ? null : headers => headers.Add("X-Registry-Config", registryConfig));
    }

    /// <summary>The pieces of the build cache; none where the engine has no such thing.</summary>
    public async Task<IReadOnlyList<BuildCacheItem>> ListBuildCacheAsync(CancellationToken cancellation) =>
        (await ReadDiskUsageAsync(["build-cache"], cancellation).ConfigureAwait(false)).BuildCache ?? [];
}
