using System.Net;
using System.Net.Http.Headers;

namespace Gantry.Daemon.Registries;

// Uploads (OCI distribution spec v1.1, "Push").
internal sealed partial class RemoteRepository
{
    /// <summary>The size of a blob that the repository has; null when it has none.</summary>
    public async Task<long?> FindBlobAsync(string digest, CancellationToken cancellation)
    {
        using var answer = await session.SendAsync(() => new HttpRequestMessage(HttpMethod.Head, Address($"blobs/{digest}")), scopes, cancellation).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.NotFound) return null;
        if (answer.IsSuccessStatusCode) return answer.Content.Headers.ContentLength ?? 0;
        throw await RegistryErrors.FromAsync(answer, cancellation).ConfigureAwait(false);
    }

    /// <summary>Asks the registry to let this repository have a blob of another.</summary>
    /// <returns>Null when it does; otherwise where to upload it.</returns>
    public async Task<Uri?> MountAsync(string digest, string from, CancellationToken cancellation)
    {
        string query = $"blobs/uploads/?from={Uri.EscapeDataString(from)}&mount={Uri.EscapeDataString(digest)}";
        using var answer = await session.SendAsync(() => Empty(HttpMethod.Post, Address(query)), [.. scopes, $"repository:{from}:pull"], cancellation).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.Created) return null;
        return await LocationAsync(answer, cancellation).ConfigureAwait(false);
    }

    /// <summary>Begins an upload.</summary>
    public async Task<Uri> BeginUploadAsync(CancellationToken cancellation)
    {
        using var answer = await session.SendAsync(() => Empty(HttpMethod.Post, Address("blobs/uploads/")), scopes, cancellation).ConfigureAwait(false);
        return await LocationAsync(answer, cancellation).ConfigureAwait(false);
    }

    /// <summary>Sends content of any length.</summary>
    /// <param name="make">Makes the content; asked again when a token has to be renewed.</param>
    /// <returns>Where the upload goes on.</returns>
    public async Task<Uri> SendAsync(Uri upload, Func<HttpContent> make, CancellationToken cancellation)
    {
        using var answer = await session.SendAsync(() => new HttpRequestMessage(HttpMethod.Patch, upload) { Content = Binary(make()) }, scopes, cancellation).ConfigureAwait(false);
        return await LocationAsync(answer, cancellation).ConfigureAwait(false);
    }

    /// <summary>Ends an upload: the registry checks the digest.</summary>
    public async Task CompleteUploadAsync(Uri upload, string digest, byte[]? rest, CancellationToken cancellation)
    {
        var address = new Uri(upload.AbsoluteUri + (upload.Query.Length > 0 ? "&" : "?") + "digest=" + Uri.EscapeDataString(digest));
        using var answer = await session.SendAsync(
            () => new HttpRequestMessage(HttpMethod.Put, address) { Content = Binary(new ByteArrayContent(rest ?? [])) }, scopes, cancellation, session.StoreLimit).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode) throw await RegistryErrors.FromAsync(answer, cancellation).ConfigureAwait(false);
    }

    /// <summary>Stores a manifest under a tag or its digest.</summary>
    public async Task WriteManifestAsync(string reference, byte[] manifest, string mediaType, CancellationToken cancellation)
    {
        using var answer = await session.SendAsync(() => new HttpRequestMessage(HttpMethod.Put, Address($"manifests/{reference}"))
        {
            Content = new ByteArrayContent(manifest) { Headers = { ContentType = new MediaTypeHeaderValue(mediaType) } },
        }, scopes, cancellation, session.StoreLimit).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode) throw await RegistryErrors.FromAsync(answer, cancellation).ConfigureAwait(false);
    }

    private static HttpRequestMessage Empty(HttpMethod method, Uri address) => new(method, address) { Content = new ByteArrayContent([]) };

    private static HttpContent Binary(HttpContent content)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return content;
    }

    /// <summary>Where an accepted upload goes on: a URL, or a part of one.</summary>
    private static async Task<Uri> LocationAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        if (answer.StatusCode is not (HttpStatusCode.Accepted or HttpStatusCode.NoContent or HttpStatusCode.Created))
            throw await RegistryErrors.FromAsync(answer, cancellation).ConfigureAwait(false);
        var location = answer.Headers.Location ?? throw new RegistryException("the registry does not say where to upload to");
        return location.IsAbsoluteUri ? location : new Uri(answer.RequestMessage!.RequestUri!, location);
    }
}
