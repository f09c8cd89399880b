using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Gantry.Daemon.Registries;

/// <summary>What a registry says of a manifest.</summary>
/// <param name="Digest">By the registry's own account; empty when it gave none.</param>
internal sealed record RemoteManifest(string MediaType, string Digest, long Size);

/// <summary>One repository of a registry (OCI distribution spec v1.1).</summary>
/// <param name="session">With the registry.</param>
/// <param name="path">The repository's name there: <c>library/busybox</c>.</param>
/// <param name="writes">Tokens are asked for pushing too.</param>
internal sealed partial class RemoteRepository(RegistrySession session, string path, bool writes)
{
    /// <summary>Bytes of the largest manifest that is taken: the limit of other registries and clients.</summary>
    public const int LargestManifest = 4 << 20;

    /// <summary>Nobody has more tags than this; a registry that says so may go on for ever.</summary>
    private const int MostTags = 1_000_000;

    private static readonly string[] ManifestTypes =
    [
        "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.5", "application/json;q=0.5",
    ];

    private readonly List<string> scopes = [$"repository:{path}:pull{(writes ? ",push" : "")}"];

    public string Path => path;

    public TimeSpan SilenceLimit => session.SilenceLimit;

    private Uri Address(string rest) => session.Endpoint.Address($"/v2/{path}/{rest}");

    private static HttpRequestMessage ManifestRequest(HttpMethod method, Uri address)
    {
        var request = new HttpRequestMessage(method, address);
        foreach (string type in ManifestTypes) request.Headers.Accept.ParseAdd(type);
        return request;
    }

    /// <summary>What a tag names now. Docker Hub does not count these requests.</summary>
    public async Task<RemoteManifest> FindManifestAsync(string reference, CancellationToken cancellation)
    {
        using var answer = await session.SendAsync(() => ManifestRequest(HttpMethod.Head, Address($"manifests/{reference}")), scopes, cancellation).ConfigureAwait(false);
        if (answer.IsSuccessStatusCode) return Describe(answer);
        // The answer to HEAD has no body, and the reason would stand there.
        using var second = await session.SendAsync(() => ManifestRequest(HttpMethod.Get, Address($"manifests/{reference}")), scopes, cancellation).ConfigureAwait(false);
        return second.IsSuccessStatusCode ? Describe(second) : throw await RegistryErrors.FromAsync(second, cancellation).ConfigureAwait(false);
    }

    /// <summary>The bytes of a manifest, unverified.</summary>
    public async Task<(RemoteManifest Manifest, byte[] Content)> ReadManifestAsync(string reference, CancellationToken cancellation)
    {
        using var answer = await session.SendAsync(() => ManifestRequest(HttpMethod.Get, Address($"manifests/{reference}")), scopes, cancellation).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode) throw await RegistryErrors.FromAsync(answer, cancellation).ConfigureAwait(false);
        if (answer.Content.Headers.ContentLength > LargestManifest) throw TooLarge(reference);
        byte[] content = await ReadAllAsync(answer, LargestManifest, cancellation).ConfigureAwait(false) ?? throw TooLarge(reference);
        return (Describe(answer), content);
    }

    private static RegistryException TooLarge(string reference) =>
        new(string.Create(CultureInfo.InvariantCulture, $"the manifest {reference} is larger than {LargestManifest} bytes, the limit"));

    private static RemoteManifest Describe(HttpResponseMessage answer) => new(
        answer.Content.Headers.ContentType?.MediaType ?? "",
        answer.Headers.TryGetValues("Docker-Content-Digest", out var digests) ? digests.First() : "",
        answer.Content.Headers.ContentLength ?? 0);

    /// <summary>The body; null when it is larger than the limit.</summary>
    private async Task<byte[]?> ReadAllAsync(HttpResponseMessage answer, int limit, CancellationToken cancellation)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(SilenceLimit);
        try
        {
            using var stream = await answer.Content.ReadAsStreamAsync(silence.Token).ConfigureAwait(false);
            using var content = new MemoryStream();
            byte[] buffer = new byte[64 << 10];
            for (int read; (read = await stream.ReadAsync(buffer, silence.Token).ConfigureAwait(false)) > 0;)
            {
                if (content.Length + read > limit) return null;
                content.Write(buffer, 0, read);
            }
            return content.ToArray();
        }
        catch (Exception e) when ((e is IOException or HttpRequestException) || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw RegistryErrors.Unreachable(answer.RequestMessage!.Method, answer.RequestMessage.RequestUri!, e);
        }
    }

    /// <summary>All tags, in the registry's order.</summary>
    public async Task<IReadOnlyList<string>> ListTagsAsync(CancellationToken cancellation)
    {
        var tags = new List<string>();
        var next = Address("tags/list");
        while (true)
        {
            var address = next;
            using var answer = await session.SendAsync(() => new HttpRequestMessage(HttpMethod.Get, address), scopes, cancellation).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode) throw await RegistryErrors.FromAsync(answer, cancellation).ConfigureAwait(false);
            byte[] body = await ReadAllAsync(answer, LargestManifest, cancellation).ConfigureAwait(false) ?? throw new RegistryException("the list of tags is too long");
            var page = ReadNames(body, "tags");
            tags.AddRange(page);
            if (tags.Count > MostTags) throw new RegistryException("the list of tags is too long");
            if (page.Count == 0 || NextPage(answer, address) is not { } following) return tags;
            next = following;
        }
    }

    internal static IReadOnlyList<string> ReadNames(byte[] json, string list)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.TryGetProperty(list, out var names) && names.ValueKind == JsonValueKind.Array ? [.. names.EnumerateArray().Select(n => n.GetString()).OfType<string>()] : [];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new RegistryException($"the registry's list of {list} is not what the protocol says", e);
        }
    }

    /// <summary><c>Link: &lt;/v2/x/tags/list?last=a&amp;n=100&gt;; rel="next"</c>. Another host's page is not ours to ask for.</summary>
    internal static Uri? NextPage(HttpResponseMessage answer, Uri address)
    {
        if (!answer.Headers.TryGetValues("Link", out var links)) return null;
        string link = links.FirstOrDefault(l => l.Contains("rel=\"next\"", StringComparison.Ordinal)) ?? "";
        int start = link.IndexOf('<', StringComparison.Ordinal), end = link.IndexOf('>', StringComparison.Ordinal);
        if (start < 0 || end < start || !Uri.TryCreate(address, link[(start + 1)..end], out var next)) return null;
        return next.Authority == address.Authority && next != address ? next : null;
    }

    /// <summary>Opens a blob at an offset.</summary>
    /// <returns>The answer, whose body begins at <c>Offset</c>: 0 when the registry does not know ranges.</returns>
    public async Task<(HttpResponseMessage Answer, long Offset)> OpenBlobAsync(string digest, long offset, CancellationToken cancellation)
    {
        var answer = await session.SendAsync(() =>
        {
            var request = new HttpRequestMessage(HttpMethod.Get, Address($"blobs/{digest}"));
            if (offset > 0) request.Headers.Range = new RangeHeaderValue(offset, null);
            return request;
        }, scopes, cancellation).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.PartialContent && answer.Content.Headers.ContentRange?.From == offset) return (answer, offset);
        if (answer.StatusCode == HttpStatusCode.OK) return (answer, 0);
        using (answer)
        {
            if (answer.IsSuccessStatusCode) throw new RegistryException($"the registry answered a request for {digest} from byte {offset.ToString(CultureInfo.InvariantCulture)} on with another part of it");
            throw await RegistryErrors.FromAsync(answer, cancellation).ConfigureAwait(false);
        }
    }
}
