using System.Text;
using System.Text.Json;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Registries;

/// <param name="Refresh">An identity token; empty when the server gave none.</param>
internal sealed record BearerToken(string Text, string Refresh, TimeSpan Lifetime);

/// <summary>Gets tokens from the server that a registry's challenge names (distribution, "Token Authentication" and "Oauth2 Token Authentication").</summary>
internal static class BearerTokens
{
    private const string ClientId = "docker";

    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(30);

    /// <summary>A token without <c>expires_in</c> lives so long (distribution, "Token Authentication").</summary>
    private static readonly TimeSpan DefaultLifetime = TimeSpan.FromSeconds(60);

    /// <param name="http">Reaches the token server.</param>
    /// <param name="challenge">What the registry has said.</param>
    /// <param name="credentials">Whose token; nobody's when there is neither a user nor an identity token.</param>
    /// <param name="scopes"><c>repository:path:pull,push</c>; none for a login.</param>
    /// <param name="offline">Ask for an identity token too.</param>
    /// <exception cref="RegistryException">It was refused, or cannot be reached.</exception>
    public static async Task<BearerToken> FetchAsync(
        HttpClient http, AuthChallenge challenge, AuthConfig credentials, IReadOnlyList<string> scopes, bool offline, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(challenge.Parameters.GetValueOrDefault("realm"), UriKind.Absolute, out var realm) || realm.Scheme is not ("http" or "https"))
            throw new RegistryException("the registry names no address for tokens");
        bool exchanges = !string.IsNullOrEmpty(credentials.IdentityToken);
        using var request = exchanges ? Exchange(realm, challenge, credentials, scopes) : Ask(realm, challenge, credentials, scopes, offline);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(AnswerLimit);
        string body;
        try
        {
            using var answer = await http.SendAsync(request, limit.Token).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode) throw await RegistryErrors.FromAsync(answer, limit.Token).ConfigureAwait(false);
            body = await answer.Content.ReadAsStringAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when ((e is HttpRequestException or IOException) || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw RegistryErrors.Unreachable(request.Method, request.RequestUri!, e);
        }
        return Read(body);
    }

    private static HttpRequestMessage Ask(Uri realm, AuthChallenge challenge, AuthConfig credentials, IReadOnlyList<string> scopes, bool offline)
    {
        bool named = !string.IsNullOrEmpty(credentials.Username);
        var query = new StringBuilder(realm.Query.Length > 1 ? realm.Query + "&" : "?");
        if (named) query.Append("account=").Append(Uri.EscapeDataString(credentials.Username!)).Append('&');
        query.Append("client_id=" + ClientId);
        if (offline) query.Append("&offline_token=true");
        foreach (string scope in scopes) query.Append("&scope=").Append(Uri.EscapeDataString(scope));
        if (challenge.Parameters.GetValueOrDefault("service") is { } service) query.Append("&service=").Append(Uri.EscapeDataString(service));
        var request = new HttpRequestMessage(HttpMethod.Get, realm.GetLeftPart(UriPartial.Path) + query);
        if (named) request.Headers.Authorization = RegistryCredentials.Basic(credentials);
        return request;
    }

    private static HttpRequestMessage Exchange(Uri realm, AuthChallenge challenge, AuthConfig credentials, IReadOnlyList<string> scopes) => new(HttpMethod.Post, realm)
    {
        Content = new FormUrlEncodedContent(
        [
            new("client_id", ClientId), new("grant_type", "refresh_token"), new("refresh_token", credentials.IdentityToken!),
            new("service", challenge.Parameters.GetValueOrDefault("service") ?? ""), new("scope", string.Join(' ', scopes)),
        ]),
    };

    private static BearerToken Read(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            string token = Text(root, "access_token") ?? Text(root, "token") ?? throw new JsonException();
            bool expires = root.TryGetProperty("expires_in", out var seconds) && seconds.ValueKind == JsonValueKind.Number && seconds.TryGetDouble(out double given) && given > 0;
            return new BearerToken(token, Text(root, "refresh_token") ?? "", expires ? TimeSpan.FromSeconds(Math.Min(seconds.GetDouble(), 86400)) : DefaultLifetime);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new RegistryException("authorization server did not include a token in the response", e);
        }
    }

    private static string? Text(JsonElement root, string name) => root.TryGetProperty(name, out var value) ? value.GetString() : null;
}
