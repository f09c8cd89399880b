using System.Net.Http.Headers;
using System.Text.Json;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;
using Gantry.Protocol.Networks;
using Gantry.Protocol.SystemInfo;
using Gantry.Protocol.Volumes;
using Gantry.PowerShell.Objects;
using ContainerChange = Gantry.Protocol.Containers.ContainerChange;

namespace Gantry.PowerShell.Client;

/// <summary>The routes for what containers, images and the engine hold.</summary>
internal sealed partial class EngineClient
{
    private const string PathStatHeader = "X-Docker-Container-Path-Stat";

    /// <summary>Describes a path in a container; null when there is none.</summary>
    public async Task<PathStat?> FindPathAsync(string id, string path, CancellationToken cancellation)
    {
        try
        {
            using var response = await SendAsync(HttpMethod.Head, ContainerPath(id, "/archive"), new Query { { "path", path } }, cancellation).ConfigureAwait(false);
            return Stat(response);
        }
        catch (ContainerEngineException e) when (e.Kind is EngineErrorKind.NotFound or EngineErrorKind.NotSupported && e.StatusCode == 404)
        {
            return null;   // an answer to HEAD has no text that could say more
        }
    }

    private static PathStat Stat(HttpResponseMessage response)
    {
        try
        {
            return JsonSerializer.Deserialize(Convert.FromBase64String(response.Headers.GetValues(PathStatHeader).First()), WireJson.TypeInfo<PathStat>()) ?? throw new JsonException("the value is null");
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            throw Translate(e is JsonException ? e : new JsonException("the header " + PathStatHeader + " is missing or damaged", e), "GET /containers/archive");
        }
    }

    /// <summary>A file or directory of a container as an archive. The caller disposes the answer.</summary>
    public Task<HttpResponseMessage> OpenArchiveAsync(string id, string path, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, ContainerPath(id, "/archive"), new Query { { "path", path } }, cancellation);

    /// <summary>Writes an archive into a directory of a container.</summary>
    public Task SendArchiveAsync(string id, string directory, bool ownByUser, HttpContent archive, CancellationToken cancellation)
    {
        archive.Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");
        return RunAsync(HttpMethod.Put, ContainerPath(id, "/archive"), new Query { { "path", directory }, { "noOverwriteDirNonDir", true }, { "copyUIDGID", ownByUser } }, cancellation, archive);
    }

    public async Task<List<ContainerChange>> ReadChangesAsync(string id, CancellationToken cancellation)
    {
        var changes = new List<ContainerChange>();
        using var response = await SendAsync(HttpMethod.Get, ContainerPath(id, "/changes"), null, cancellation).ConfigureAwait(false);
        try
        {
            using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            // A container that has changed nothing is null on the wire.
            return await JsonSerializer.DeserializeAsync(stream, WireJson.TypeInfo<List<ContainerChange>>(), cancellation).ConfigureAwait(false) ?? changes;
        }
        catch (Exception e) when (e is JsonException or IOException or HttpRequestException)
        {
            throw Translate(e, "GET /containers/changes");
        }
    }

    /// <summary>A container's root file system as an archive. The caller disposes the answer.</summary>
    public Task<HttpResponseMessage> OpenExportAsync(string id, CancellationToken cancellation) => SendAsync(HttpMethod.Get, ContainerPath(id, "/export"), null, cancellation);

    /// <summary>Images as one archive. The caller disposes the answer.</summary>
    public Task<HttpResponseMessage> OpenImagesAsync(IEnumerable<string> names, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, "/images/get", new Query { { "names", names } }, cancellation);

    public Task<IdResponse> CommitContainerAsync(
        string id, string? repository, string? tag, string? message, string? author, bool pause, IEnumerable<string>? changes, CancellationToken cancellation) =>
        ReadAsync<IdResponse>(
            HttpMethod.Post,
            "/commit",
            new Query { { "container", id }, { "repo", repository }, { "tag", tag }, { "comment", message }, { "author", author }, { "pause", pause ? "1" : "0" }, { "changes", changes } },
            cancellation);

    /// <param name="types"><c>container</c>, <c>image</c>, <c>volume</c>, <c>build-cache</c>; none for all.</param>
    public Task<DiskUsageResponse> ReadDiskUsageAsync(IEnumerable<string> types, CancellationToken cancellation) =>
        GetAsync<DiskUsageResponse>("/system/df", new Query { { "type", types } }, cancellation);

    public Task<List<NetworkResource>> ListUnusedNetworksAsync(Filters filters, CancellationToken cancellation) =>
        GetAsync<List<NetworkResource>>("/networks", new Query { { "filters", filters.Add("dangling", "true").Add("type", "custom") } }, cancellation);

    public Task DeleteNetworkAsync(string id, CancellationToken cancellation) => RunAsync(HttpMethod.Delete, $"/networks/{Uri.EscapeDataString(id)}", null, cancellation);

    public Task DeleteVolumeAsync(string name, CancellationToken cancellation) => RunAsync(HttpMethod.Delete, $"/volumes/{Uri.EscapeDataString(name)}", null, cancellation);

    public async Task<long> PruneBuildCacheAsync(Filters filters, bool all, CancellationToken cancellation)
    {
        using var response = await SendAsync(HttpMethod.Post, "/build/prune", new Query { { "filters", filters }, { "all", all } }, cancellation).ConfigureAwait(false);
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false));
        return body.RootElement.TryGetProperty("SpaceReclaimed", out var space) && space.TryGetInt64(out long bytes) ? bytes : 0;
    }
}
