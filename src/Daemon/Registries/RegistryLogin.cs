using System.Net;
using System.Net.Http.Headers;
using Gantry.Daemon.Engine;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Registries;

/// <summary>Checks credentials with a registry: <c>GET /v2/</c>, then what its challenge asks for (OCI distribution spec, Docker's token authentication).</summary>
internal sealed class RegistryLogin(RegistryAccess access)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);

    /// <exception cref="EngineException">401 when the registry refuses, 500 when it cannot be reached, 400 for an address that is none.</exception>
    public async Task<AuthResponse> LoginAsync(AuthConfig credentials, CancellationToken cancellation)
    {
        var endpoints = access.Direct(RegistryHost.Parse(credentials.ServerAddress).Host).OrderByDescending(e => e.Root.Scheme.Length).ToList();
        for (int i = 0; ; i++)
        {
            try
            {
                return await LoginAsync(endpoints[i], credentials, cancellation).ConfigureAwait(false);
            }
            catch (EngineException e) when (e.Kind == ErrorKind.System && i + 1 < endpoints.Count)
            {
                // Once more in plain text, where that is allowed.
            }
        }
    }

    private static async Task<AuthResponse> LoginAsync(RegistryEndpoint endpoint, AuthConfig credentials, CancellationToken cancellation)
    {
        var address = endpoint.Address("/v2/");
        using var ping = await GetAsync(endpoint, address, null, cancellation).ConfigureAwait(false);
        if (ping.IsSuccessStatusCode) return Success("");
        if (ping.StatusCode != HttpStatusCode.Unauthorized) throw Refused(address, ping.StatusCode);

        if (RegistrySession.Challenge(ping) is { IsBearer: true } bearer) return await BearerAsync(endpoint, address, bearer, credentials, cancellation).ConfigureAwait(false);
        if (string.IsNullOrEmpty(credentials.Username)) throw EngineException.Unauthorized($"Get \"{address}\": no basic auth credentials");
        using var retry = await GetAsync(endpoint, address, RegistryCredentials.Basic(credentials), cancellation).ConfigureAwait(false);
        return retry.IsSuccessStatusCode ? Success("") : throw Refused(address, retry.StatusCode);
    }

    private static async Task<AuthResponse> BearerAsync(RegistryEndpoint endpoint, Uri address, AuthChallenge challenge, AuthConfig credentials, CancellationToken cancellation)
    {
        BearerToken token;
        try
        {
            token = await BearerTokens.FetchAsync(endpoint.Http, challenge, credentials, [], offline: true, cancellation).ConfigureAwait(false);
        }
        catch (RegistryException e)
        {
            throw e.ToEngine($"Get \"{address}\": {e.Message}");
        }
        using var retry = await GetAsync(endpoint, address, new AuthenticationHeaderValue("Bearer", token.Text), cancellation).ConfigureAwait(false);
        return retry.IsSuccessStatusCode ? Success(token.Refresh) : throw Refused(address, retry.StatusCode);
    }

    private static async Task<HttpResponseMessage> GetAsync(RegistryEndpoint endpoint, Uri address, AuthenticationHeaderValue? authorization, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Authorization = authorization;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Timeout);
        try
        {
            return await endpoint.Http.SendAsync(request, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw RegistryErrors.Unreachable(request.Method, address, e).ToEngine();
        }
    }

    private static EngineException Refused(Uri address, HttpStatusCode status)
    {
        string text = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"login attempt to {address} failed with status: {(int)status} {status}");
        return status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden ? EngineException.Unauthorized(text) : EngineException.System(text);
    }

    private static AuthResponse Success(string identityToken) => new() { IdentityToken = identityToken, Status = "Login Succeeded" };
}
