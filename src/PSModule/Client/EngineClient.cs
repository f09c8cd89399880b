using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using System.Text.Json;
using Gantry.Protocol.Json;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Client;

/// <summary>The Docker Engine API over one address: versioned paths, JSON by generated code, typed failures. Safe for use by several threads.</summary>
/// <remarks>Nothing in here waits on a captured context: cmdlets await it from their pipeline thread, completers from anywhere.</remarks>
internal sealed partial class EngineClient : IDisposable
{
    /// <summary>The newest API that this client speaks, and the oldest that it can work with.</summary>
    public static readonly Version NewestVersion = new(1, 51), OldestVersion = new(1, 24);

    private readonly EngineDialer dialer;
    private readonly HttpClient http;
    private volatile bool disposed;

    public EngineClient(EngineDialer dialer)
    {
        this.dialer = dialer;
        http = new HttpClient(CreateHandler(dialer)) { BaseAddress = dialer.BaseUri, Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Gantry.PowerShell", typeof(EngineClient).Assembly.GetName().Version?.ToString(3)));
    }

    public EngineAddress Address => dialer.Address;

    /// <summary>The version in the paths: the lower of the engine's and ours. Set once by the session when it connects.</summary>
    public Version ApiVersion { get; set; } = NewestVersion;

    public void Dispose()
    {
        disposed = true;
        http.Dispose();
    }

    private static SocketsHttpHandler CreateHandler(EngineDialer dialer)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            ConnectCallback = async (_, cancellation) => await dialer.DialAsync(cancellation).ConfigureAwait(false),
        };
        if (dialer.Tls is { } tls) handler.SslOptions = tls.ToOptions(dialer.Address.Host);
        return handler;
    }

    /// <summary>Sends a request and gives its answer as soon as the head is there. The caller disposes it.</summary>
    /// <param name="path">Begins with a slash; the version goes in front unless <paramref name="versioned"/> is false.</param>
    /// <exception cref="ContainerEngineException">No answer, or one that is neither 2xx nor 304.</exception>
    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, Query? query, CancellationToken cancellation, HttpContent? content = null, bool versioned = true, Action<HttpRequestHeaders>? headers = null)
    {
        string request = $"{method} {path}";
        if (disposed) throw new ContainerEngineException(EngineErrorKind.Disconnected, $"The session with {Address} was disconnected.") { Request = request };
        using var message = new HttpRequestMessage(method, (versioned ? Prefix : "") + path + query) { Content = content };
        headers?.Invoke(message.Headers);
        var trace = RequestTrace.Current;
        long start = Stopwatch.GetTimestamp();
        try
        {
            var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
            trace?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{method} {message.RequestUri} -> {(int)response.StatusCode} in {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0.0} ms"));
            if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.NotModified) return response;
            using (response)
            {
                string body = await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false);
                throw EngineErrors.From(response.StatusCode, body, request);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or ObjectDisposedException)
        {
            trace?.Invoke($"{method} {path} failed: {e.Message}");
            throw Translate(e, request);
        }
    }

    private string Prefix => $"/v{ApiVersion.Major}.{ApiVersion.Minor}";

    /// <summary>For requests whose answer has no body, or none that matters. False when it was 304: the object is in that state already.</summary>
    public async Task<bool> RunAsync(HttpMethod method, string path, Query? query, CancellationToken cancellation, HttpContent? content = null)
    {
        using var response = await SendAsync(method, path, query, cancellation, content).ConfigureAwait(false);
        return response.StatusCode != HttpStatusCode.NotModified;
    }

    public Task<T> GetAsync<T>(string path, Query? query, CancellationToken cancellation) => ReadAsync<T>(HttpMethod.Get, path, query, cancellation);

    public Task<TResponse> PostAsync<TRequest, TResponse>(string path, Query? query, TRequest body, CancellationToken cancellation) =>
        ReadAsync<TResponse>(HttpMethod.Post, path, query, cancellation, Json(body));

    public async Task<T> ReadAsync<T>(
        HttpMethod method, string path, Query? query, CancellationToken cancellation, HttpContent? content = null, Action<HttpRequestHeaders>? headers = null)
    {
        using var response = await SendAsync(method, path, query, cancellation, content, headers: headers).ConfigureAwait(false);
        try
        {
            using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            return await JsonSerializer.DeserializeAsync(stream, WireJson.TypeInfo<T>(), cancellation).ConfigureAwait(false)
                ?? throw new JsonException("the value is null");
        }
        catch (Exception e) when (e is JsonException or IOException or HttpRequestException)
        {
            throw Translate(e, $"{method} {path}");
        }
    }

    /// <summary>The elements of a JSON array as they arrive.</summary>
    public async IAsyncEnumerable<T> EnumerateAsync<T>(string path, Query? query, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var response = await SendAsync(HttpMethod.Get, path, query, cancellation).ConfigureAwait(false);
        using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        var items = JsonSerializer.DeserializeAsyncEnumerable(stream, WireJson.TypeInfo<T>(), cancellation).GetAsyncEnumerator(cancellation);
        await using (items.ConfigureAwait(false))
        {
            while (await NextAsync().ConfigureAwait(false))
            {
                if (items.Current is { } item) yield return item;
            }
        }

        async ValueTask<bool> NextAsync()
        {
            try
            {
                return await items.MoveNextAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (e is JsonException or IOException or HttpRequestException)
            {
                throw Translate(e, $"GET {path}");
            }
        }
    }

    /// <summary>The objects of an answer with one JSON document a line, as they arrive.</summary>
    public async IAsyncEnumerable<T> ReadLinesAsync<T>(
        HttpMethod method, string path, Query? query, [EnumeratorCancellation] CancellationToken cancellation, HttpContent? content = null, Action<HttpRequestHeaders>? headers = null)
    {
        using var lines = await OpenLinesAsync<T>(method, path, query, cancellation, content, headers).ConfigureAwait(false);
        while (await lines.NextAsync(cancellation).ConfigureAwait(false) is { } item) yield return item;
    }

    /// <summary>The same, but the request has been answered when this ends: nothing that happens afterwards is missed.</summary>
    public async Task<JsonLines<T>> OpenLinesAsync<T>(
        HttpMethod method, string path, Query? query, CancellationToken cancellation, HttpContent? content = null, Action<HttpRequestHeaders>? headers = null)
    {
        var response = await SendAsync(method, path, query, cancellation, content, headers: headers).ConfigureAwait(false);
        return new JsonLines<T>(response, await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false), $"{method} {path}");
    }

    public static HttpContent Json<T>(T body)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, WireJson.TypeInfo<T>()));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    internal static ContainerEngineException Translate(Exception e, string request)
    {
        for (var inner = e; inner is not null; inner = inner.InnerException)
        {
            if (inner is ContainerEngineException known) return new ContainerEngineException(known.Kind, known.Message, known) { Request = request };
            if (inner is AuthenticationException) return new ContainerEngineException(EngineErrorKind.AccessDenied, $"The TLS handshake with the engine failed: {inner.Message}", e) { Request = request };
        }
        return e is JsonException
            ? new ContainerEngineException(EngineErrorKind.InvalidResponse, $"The answer to {request} is not what the API promises: {e.Message}", e) { Request = request }
            : new ContainerEngineException(EngineErrorKind.ConnectionLost, $"The connection broke during {request}: {(e.InnerException ?? e).Message}", e) { Request = request };
    }
}
