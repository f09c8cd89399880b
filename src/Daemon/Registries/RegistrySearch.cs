using System.Globalization;
using System.Net;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Registries;

/// <param name="Term">What to look for; <c>host:port/term</c> looks there.</param>
/// <param name="Limit">Most results, 1 to 100.</param>
/// <param name="Filters">is-automated, is-official, stars.</param>
internal sealed record SearchRequest(string Term, int Limit, Filters Filters, AuthConfig Credentials);

/// <summary>Looks for images: by the search protocol of v1 where a registry has it, and by the names in its catalogue where it does not (OCI distribution spec, "catalog").</summary>
internal sealed class RegistrySearch(RegistryAccess access)
{
    public const int DefaultLimit = 25;

    public static readonly IReadOnlySet<string> FilterKeys = new HashSet<string>(StringComparer.Ordinal) { "is-automated", "is-official", "stars" };

    private const string HubSearch = "https://index.docker.io";

    private const int MostCataloguePages = 1000, CataloguePage = 1000, LargestAnswer = 16 << 20;

    /// <exception cref="EngineException">400 for a request that makes no sense, 500 when the registry cannot be asked.</exception>
    public async Task<List<ImageSearchResult>> RunAsync(SearchRequest request, CancellationToken cancellation)
    {
        int stars = Stars(request.Filters);
        bool? official = Flag(request.Filters, "is-official"), automated = Flag(request.Filters, "is-automated");
        if (request.Limit is < 1 or > 100)
            throw EngineException.InvalidParameter(string.Create(CultureInfo.InvariantCulture, $"limit {request.Limit} is outside the range of [1, 100]"));
        if (request.Term.Contains("://", StringComparison.Ordinal)) throw EngineException.InvalidParameter($"invalid repository name: repository name ({request.Term}) should not have a scheme");
        try
        {
            var found = await FindAsync(request, cancellation).ConfigureAwait(false);
            return [.. found.Where(r => r.StarCount >= stars && (official is null || r.IsOfficial == official) && (automated is null || r.IsAutomated == automated))
                .OrderByDescending(r => r.StarCount).Take(request.Limit)];
        }
        catch (RegistryException e)
        {
            throw e.ToEngine();
        }
    }

    private static int Stars(Filters filters)
    {
        int most = 0;
        foreach (string text in filters["stars"])
        {
            if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int stars))
                throw EngineException.InvalidParameter($"invalid filter 'stars={text}': strconv.Atoi: parsing \"{text}\": invalid syntax");
            most = Math.Max(most, stars);
        }
        return most;
    }

    private static bool? Flag(Filters filters, string key)
    {
        if (!filters.Contains(key)) return null;
        bool yes = filters[key].Contains("true"), no = filters[key].Contains("false");
        return yes != no ? yes : throw EngineException.InvalidParameter($"invalid filter '{key}=[{string.Join(' ', filters[key])}]'");
    }

    private async Task<IReadOnlyList<ImageSearchResult>> FindAsync(SearchRequest request, CancellationToken cancellation)
    {
        int slash = request.Term.IndexOf('/', StringComparison.Ordinal);
        string first = slash < 0 ? "" : request.Term[..slash];
        bool isHub = first != "localhost" && !first.AsSpan().ContainsAny('.', ':');
        if (isHub || first is "docker.io" or "index.docker.io") return await HubAsync(isHub ? request.Term : request.Term[(slash + 1)..], request, cancellation).ConfigureAwait(false);

        var failures = new List<RegistryException>();
        foreach (var endpoint in access.Direct(RegistryHost.Parse(first).Host).OrderByDescending(e => e.Root.Scheme.Length))
        {
            try
            {
                return await PrivateAsync(endpoint, first, request.Term[(slash + 1)..], request, cancellation).ConfigureAwait(false);
            }
            catch (RegistryException e) when (e.IsUnreachable)
            {
                failures.Add(e);
            }
        }
        throw EngineException.InvalidParameter(failures.Count == 2
            ? $"invalid registry endpoint \"http://{first}/v1/\". HTTPS attempt: {failures[0].Message}. HTTP attempt: {failures[1].Message}"
            : $"invalid registry endpoint https://{first}/v1/: {failures[0].Message}. If this private registry supports only HTTP or HTTPS with an unknown CA certificate, " +
              $"add `--insecure-registry {first}` to the daemon's arguments. In the case of HTTPS, if you have access to the registry's CA certificate, no need for the flag; " +
              $"simply place the CA certificate at {access.Settings.CertificateFolders[0]}/{first}/ca.crt");
    }

    private async Task<IReadOnlyList<ImageSearchResult>> HubAsync(string term, SearchRequest request, CancellationToken cancellation)
    {
        if (term.StartsWith("library/", StringComparison.Ordinal)) term = term["library/".Length..];
        var root = new Uri(HubSearch);
        var endpoint = new RegistryEndpoint(root, access.Client(root.Authority, verify: true), false);
        var session = new RegistrySession(access, endpoint, request.Credentials);
        return await SearchAsync(session, term, request.Limit, cancellation).ConfigureAwait(false) ?? throw NoSearch();
    }

    private async Task<IReadOnlyList<ImageSearchResult>> PrivateAsync(RegistryEndpoint endpoint, string host, string term, SearchRequest request, CancellationToken cancellation)
    {
        var session = new RegistrySession(access, endpoint, request.Credentials);
        await session.PingAsync(cancellation).ConfigureAwait(false);
        return await SearchAsync(session, term, request.Limit, cancellation).ConfigureAwait(false)
            ?? await CatalogueAsync(session, host, term, request.Limit, cancellation).ConfigureAwait(false) ?? throw NoSearch();
    }

    private static RegistryException NoSearch() => new("Unexpected status code 404") { Status = HttpStatusCode.NotFound };

    /// <summary><c>GET /v1/search</c>; null where there is no such thing.</summary>
    private static async Task<IReadOnlyList<ImageSearchResult>?> SearchAsync(RegistrySession session, string term, int limit, CancellationToken cancellation)
    {
        var address = session.Endpoint.Address(string.Create(CultureInfo.InvariantCulture, $"/v1/search?q={Uri.EscapeDataString(term)}&n={limit}"));
        using var answer = await session.SendAsync(() => new HttpRequestMessage(HttpMethod.Get, address), ["registry:catalog:search"], cancellation).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.NotFound) return null;
        if (!answer.IsSuccessStatusCode) throw UnexpectedStatus(answer);
        try
        {
            using var document = JsonDocument.Parse(await ReadAsync(answer, cancellation).ConfigureAwait(false));
            return document.RootElement.TryGetProperty("results", out var results) ? results.Deserialize(WireJson.TypeInfo<List<ImageSearchResult>>())?.OfType<ImageSearchResult>().ToList() ?? [] : [];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new RegistryException("error decoding registry search results", e);
        }
    }

    /// <summary>The first names in the registry that have the term in them; null where there is no catalogue.</summary>
    private static async Task<IReadOnlyList<ImageSearchResult>?> CatalogueAsync(RegistrySession session, string host, string term, int limit, CancellationToken cancellation)
    {
        var found = new List<ImageSearchResult>();
        var next = session.Endpoint.Address(string.Create(CultureInfo.InvariantCulture, $"/v2/_catalog?n={CataloguePage}"));
        for (int page = 0; page < MostCataloguePages && found.Count < limit; page++)
        {
            var address = next;
            using var answer = await session.SendAsync(() => new HttpRequestMessage(HttpMethod.Get, address), ["registry:catalog:*"], cancellation).ConfigureAwait(false);
            if (answer.StatusCode == HttpStatusCode.NotFound) return page == 0 ? null : found;
            if (!answer.IsSuccessStatusCode) throw UnexpectedStatus(answer);
            foreach (string name in RemoteRepository.ReadNames(await ReadAsync(answer, cancellation).ConfigureAwait(false), "repositories"))
            {
                if (name.Contains(term, StringComparison.OrdinalIgnoreCase)) found.Add(new ImageSearchResult { Name = $"{host}/{name}" });
            }
            if (RemoteRepository.NextPage(answer, address) is not { } following) break;
            next = following;
        }
        return found;
    }

    private static RegistryException UnexpectedStatus(HttpResponseMessage answer) =>
        new(string.Create(CultureInfo.InvariantCulture, $"Unexpected status code {(int)answer.StatusCode}")) { Status = answer.StatusCode };

    private static async Task<byte[]> ReadAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        try
        {
            await answer.Content.LoadIntoBufferAsync(LargestAnswer, cancellation).ConfigureAwait(false);
            return await answer.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw RegistryErrors.Unreachable(answer.RequestMessage!.Method, answer.RequestMessage.RequestUri!, e);
        }
    }
}
