using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Registries;

/// <summary>One client's dealings with one registry: what the registry has asked for, and the tokens that answer it.</summary>
internal sealed class RegistrySession(RegistryAccess access, RegistryEndpoint endpoint, AuthConfig credentials)
{
    /// <summary>Tokens are renewed a little before their end.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, (string Token, long Until)> tokens = new(StringComparer.Ordinal);
    private AuthChallenge? challenge;

    public RegistryEndpoint Endpoint => endpoint;

    public TimeSpan SilenceLimit => access.Settings.SilenceLimit;

    public TimeSpan StoreLimit => access.Settings.StoreLimit;

    /// <summary>Asks whether there is a registry, and what it wants to know of its clients.</summary>
    /// <exception cref="RegistryException">Nobody answers.</exception>
    public async Task PingAsync(CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, endpoint.Address("/v2/"));
        using var answer = await SendOnceAsync(request, SilenceLimit, cancellation).ConfigureAwait(false);
        challenge = Challenge(answer);
        access.Remember(endpoint);
    }

    /// <summary>Sends a request as whoever we are. The answer may be of any status, 401 too when nothing that we have helps; the caller disposes it.</summary>
    /// <param name="make">Makes the request; asked again when a token has to be renewed.</param>
    /// <param name="scopes">What it is for: <c>repository:path:pull</c>.</param>
    /// <param name="limit">How long the head of the answer may take; null for <see cref="SilenceLimit"/>.</param>
    /// <exception cref="RegistryException">Nobody answers, credentials are needed and there are none, or the token server refuses.</exception>
    public async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> make, IReadOnlyList<string> scopes, CancellationToken cancellation, TimeSpan? limit = null)
    {
        var known = challenge;
        var answer = await SendAuthorizedAsync(make, scopes, limit, cancellation).ConfigureAwait(false);
        // A token that has run out, or a registry that lets everybody in by the front door only.
        bool renewable = Challenge(answer) is { } asked && (known is null || asked.IsBearer) && !IsRefusal(asked);
        if (!renewable) return answer;
        challenge = Challenge(answer);
        tokens.Clear();
        answer.Dispose();
        return await SendAuthorizedAsync(make, scopes, limit, cancellation).ConfigureAwait(false);
    }

    /// <summary>A new token of the same kind would be refused as well.</summary>
    private static bool IsRefusal(AuthChallenge asked) => asked.Parameters.GetValueOrDefault("error") is "insufficient_scope";

    private async Task<HttpResponseMessage> SendAuthorizedAsync(Func<HttpRequestMessage> make, IReadOnlyList<string> scopes, TimeSpan? limit, CancellationToken cancellation)
    {
        using var request = make();
        request.Headers.Authorization = await AuthorizationAsync(request, scopes, cancellation).ConfigureAwait(false);
        return await SendOnceAsync(request, limit ?? SilenceLimit, cancellation).ConfigureAwait(false);
    }

    private async Task<AuthenticationHeaderValue?> AuthorizationAsync(HttpRequestMessage request, IReadOnlyList<string> scopes, CancellationToken cancellation)
    {
        // An answer to a redirected upload may lead to another host: what is ours goes to the registry alone.
        if (challenge is null || request.RequestUri!.Authority != endpoint.Root.Authority) return null;
        if (!string.IsNullOrEmpty(credentials.RegistryToken)) return new AuthenticationHeaderValue("Bearer", credentials.RegistryToken);
        if (challenge.IsBearer)
        {
            try
            {
                return new AuthenticationHeaderValue("Bearer", await TokenAsync(scopes, cancellation).ConfigureAwait(false));
            }
            catch (RegistryException e) when (!e.IsUnreachable)
            {
                throw new RegistryException($"{RegistryErrors.Describe(request.Method, request.RequestUri)}: {e.Message}", e) { Code = e.Code, Status = e.Status, Reason = e.Message };
            }
        }
        if (!challenge.IsBasic) return null;
        return string.IsNullOrEmpty(credentials.Username) ? throw RegistryErrors.LacksCredentials(request.Method, request.RequestUri) : RegistryCredentials.Basic(credentials);
    }

    private async Task<string> TokenAsync(IReadOnlyList<string> scopes, CancellationToken cancellation)
    {
        string key = string.Join(' ', scopes);
        if (tokens.TryGetValue(key, out var kept) && Stopwatch.GetTimestamp() < kept.Until) return kept.Token;
        var token = await BearerTokens.FetchAsync(endpoint.Http, challenge!, credentials, scopes, offline: false, cancellation).ConfigureAwait(false);
        tokens[key] = (token.Text, Stopwatch.GetTimestamp() + (long)((token.Lifetime - Margin).TotalSeconds * Stopwatch.Frequency));
        return token.Text;
    }

    /// <summary>The challenge that we can answer best.</summary>
    internal static AuthChallenge? Challenge(HttpResponseMessage answer)
    {
        if (answer.StatusCode != HttpStatusCode.Unauthorized) return null;
        var all = answer.Headers.WwwAuthenticate.Select(h => AuthChallenge.Parse(h.ToString())).ToList();
        return all.Find(c => c.IsBearer) ?? all.Find(c => c.IsBasic);
    }

    /// <summary>The head of the answer must come in time; its body is the caller's.</summary>
    private async Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, TimeSpan patience, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (request.Content is null or ByteArrayContent) limit.CancelAfter(patience);   // content that is made while it is sent may take as long as it takes
        try
        {
            return await endpoint.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when ((e is HttpRequestException or IOException) || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw RegistryErrors.Unreachable(request.Method, request.RequestUri!, e);
        }
    }
}
