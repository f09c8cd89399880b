using System.Net.Http.Headers;
using Gantry.Protocol.Images;
using Gantry.Protocol.SystemInfo;

namespace Gantry.PowerShell.Client;

/// <summary>The image routes. Names keep their slashes in paths.</summary>
internal sealed partial class EngineClient
{
    private static string ImagePath(string name, string operation = "") =>
        $"/images/{string.Join('/', name.Split('/').Select(Uri.EscapeDataString))}{operation}";

    public IAsyncEnumerable<ImageSummary> ListImagesAsync(Filters? filters, bool all, CancellationToken cancellation) =>
        EnumerateAsync<ImageSummary>("/images/json", new Query { { "all", all }, { "filters", filters } }, cancellation);

    public Task<ImageInspect> InspectImageAsync(string name, CancellationToken cancellation) => GetAsync<ImageInspect>(ImagePath(name, "/json"), null, cancellation);

    public Task<List<ImageHistoryItem>> ReadImageHistoryAsync(string name, CancellationToken cancellation) =>
        GetAsync<List<ImageHistoryItem>>(ImagePath(name, "/history"), null, cancellation);

    public Task TagImageAsync(string name, string repository, string? tag, CancellationToken cancellation) =>
        RunAsync(HttpMethod.Post, ImagePath(name, "/tag"), new Query { { "repo", repository }, { "tag", tag } }, cancellation);

    public Task<List<ImageDeleteItem>> RemoveImageAsync(string name, bool force, bool keepParents, CancellationToken cancellation) =>
        ReadAsync<List<ImageDeleteItem>>(HttpMethod.Delete, ImagePath(name), new Query { { "force", force }, { "noprune", keepParents } }, cancellation);

    /// <summary>Sends a docker-archive or OCI layout.</summary>
    public IAsyncEnumerable<ProgressMessage> LoadImagesAsync(Stream archive, CancellationToken cancellation) =>
        ReadLinesAsync<ProgressMessage>(HttpMethod.Post, "/images/load", new Query { { "quiet", true } }, cancellation, TarContent(archive));

    /// <summary>Makes an image of a root file system: of an archive that is sent along, or of one that the engine fetches from <paramref name="source"/>.</summary>
    public IAsyncEnumerable<ProgressMessage> ImportImageAsync(
        Stream? archive, string? source, string? repository, string? tag, string? message, IEnumerable<string>? changes, string? platform, CancellationToken cancellation) =>
        ReadLinesAsync<ProgressMessage>(
            HttpMethod.Post,
            "/images/create",
            new Query { { "fromSrc", source ?? "-" }, { "repo", repository }, { "tag", tag }, { "message", message }, { "changes", changes }, { "platform", platform } },
            cancellation,
            archive is null ? null : TarContent(archive));

    /// <param name="registryAuth">The value of <c>X-Registry-Auth</c>; null for none.</param>
    public IAsyncEnumerable<ProgressMessage> PullImageAsync(string repository, string? tag, string? platform, string? registryAuth, CancellationToken cancellation) =>
        ReadLinesAsync<ProgressMessage>(
            HttpMethod.Post,
            "/images/create",
            new Query { { "fromImage", repository }, { "tag", tag }, { "platform", platform } },
            cancellation,
            headers: RegistryAuth(registryAuth));

    /// <param name="tag">Null for all tags.</param>
    /// <remarks>Without credentials the header must be there all the same: old engines read the body otherwise.</remarks>
    public IAsyncEnumerable<ProgressMessage> PushImageAsync(string repository, string? tag, string? registryAuth, CancellationToken cancellation) =>
        ReadLinesAsync<ProgressMessage>(HttpMethod.Post, ImagePath(repository, "/push"), new Query { { "tag", tag } }, cancellation, headers: RegistryAuth(registryAuth ?? NoRegistryAuth));

    public Task<List<ImageSearchResult>> SearchImagesAsync(string term, int limit, Filters filters, string? registryAuth, CancellationToken cancellation) =>
        ReadAsync<List<ImageSearchResult>>(HttpMethod.Get, "/images/search", new Query { { "term", term }, { "limit", limit }, { "filters", filters } }, cancellation, headers: RegistryAuth(registryAuth));

    /// <summary>What a registry has under a name.</summary>
    public Task<DistributionInspect> InspectRemoteImageAsync(string name, string? registryAuth, CancellationToken cancellation) =>
        ReadAsync<DistributionInspect>(
            HttpMethod.Get, $"/distribution/{string.Join('/', name.Split('/').Select(Uri.EscapeDataString))}/json", null, cancellation, headers: RegistryAuth(registryAuth));

    /// <summary>Asks a registry whether it takes the credentials.</summary>
    public Task<AuthResponse> CheckRegistryAsync(AuthConfig credentials, CancellationToken cancellation) => PostAsync<AuthConfig, AuthResponse>("/auth", null, credentials, cancellation);

    /// <summary><c>{}</c>.</summary>
    private const string NoRegistryAuth = "e30=";

    private static Action<HttpRequestHeaders>? RegistryAuth(string? value) => value is null ? null : headers => headers.Add("X-Registry-Auth", value);

    private static StreamContent TarContent(Stream archive)
    {
        var content = new StreamContent(archive, 256 * 1024);
        content.Headers.ContentType = new("application/x-tar");
        return content;
    }
}
