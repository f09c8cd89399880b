using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Registries;

/// <summary>Makes errors of what goes wrong between here and a registry, in the words that Docker's users search for.</summary>
internal static class RegistryErrors
{
    /// <summary>An error's body is read as far as this; more of it would not be read by a person either.</summary>
    private const int LongestBody = 64 << 10;

    /// <summary><c>Get "https://host/v2/"</c>.</summary>
    public static string Describe(HttpMethod method, Uri address) => $"{method.Method[..1]}{method.Method[1..].ToLowerInvariant()} \"{address.AbsoluteUri}\"";

    /// <summary>No answer at all.</summary>
    public static RegistryException Unreachable(HttpMethod method, Uri address, Exception error)
    {
        string reason = Reason(address, error);
        return new RegistryException($"{Describe(method, address)}: {reason}", error) { IsUnreachable = true, Reason = reason };
    }

    public static RegistryException LacksCredentials(HttpMethod method, Uri address) =>
        new($"{Describe(method, address)}: no basic auth credentials") { LacksCredentials = true, Status = HttpStatusCode.Unauthorized, Reason = "no basic auth credentials" };

    /// <summary>The innermost cause.</summary>
    public static string Reason(Uri address, Exception error)
    {
        for (Exception? cause = error; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case OperationCanceledException or TimeoutException:
                    return "context deadline exceeded";
                case SocketException { SocketErrorCode: SocketError.ConnectionRefused }:
                    return $"dial tcp {address.Authority}: connect: connection refused";
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData }:
                    return $"dial tcp: lookup {address.Host}: no such host";
                case SocketException { SocketErrorCode: SocketError.ConnectionReset }:
                    return "connection reset by peer";
                case SocketException { SocketErrorCode: SocketError.NetworkUnreachable or SocketError.HostUnreachable } socket:
                    return $"dial tcp {address.Authority}: connect: {socket.Message.ToLowerInvariant()}";
                case AuthenticationException tls:
                    return "tls: failed to verify certificate: " + Certificate(tls.Message, address);
            }
        }
        return error.InnerException?.InnerException?.Message ?? error.InnerException?.Message ?? error.Message;
    }

    private static string Certificate(string message, Uri address)
    {
        if (message.Contains("RemoteCertificateNameMismatch", StringComparison.Ordinal)) return $"x509: certificate is valid for another host than {address.Host}";
        if (message.Contains("NotTimeValid", StringComparison.Ordinal)) return "x509: certificate has expired or is not yet valid";
        bool unknown = message.Contains("UntrustedRoot", StringComparison.Ordinal) || message.Contains("PartialChain", StringComparison.Ordinal)
            || message.Contains("RemoteCertificate", StringComparison.Ordinal);
        return unknown ? "x509: certificate signed by unknown authority" : message;
    }

    /// <summary>An answer that is none of success (the rules of distribution's client).</summary>
    public static async Task<RegistryException> FromAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        var status = answer.StatusCode;
        if ((int)status is < 400 or >= 500)
            return new RegistryException($"received unexpected HTTP status: {Text(answer)}") { Status = status };
        foreach (var challenge in answer.Headers.WwwAuthenticate.Select(h => AuthChallenge.Parse(h.ToString())).Where(c => c.IsBearer))
        {
            string description = challenge.Parameters.GetValueOrDefault("error_description") ?? "";
            if (challenge.Parameters.GetValueOrDefault("error") is "insufficient_scope")
                return Known("DENIED", description.Length > 0 ? description : "requested access to the resource is denied", status);
            if (challenge.Parameters.GetValueOrDefault("error") is "invalid_token")
                return Known("UNAUTHORIZED", description.Length > 0 ? description : "authentication required", status);
        }
        return Parse(await ReadAsync(answer, cancellation).ConfigureAwait(false), status);
    }

    private static string Text(HttpResponseMessage answer) =>
        string.Create(CultureInfo.InvariantCulture, $"{(int)answer.StatusCode} {answer.ReasonPhrase}").TrimEnd();

    /// <summary><c>{"errors":[{"code":"…","message":"…"}]}</c>, or a token server's <c>{"details":"…"}</c>.</summary>
    internal static RegistryException Parse(string body, HttpStatusCode status)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("errors", out var errors) && errors.ValueKind == JsonValueKind.Array && errors.GetArrayLength() > 0)
            {
                var first = errors[0];
                string code = Member(first, "code") is { Length: > 0 } given ? given : "UNKNOWN";
                return Known(code, Member(first, "message") ?? "", status);
            }
            if (status == HttpStatusCode.Unauthorized && Member(root, "details") is { Length: > 0 } details) return Known("UNAUTHORIZED", details, status);
        }
        catch (JsonException)
        {
            if (status != HttpStatusCode.Unauthorized)
            {
                string problem = GoJsonSyntax.Check(Encoding.UTF8.GetBytes(body)) ?? "it is not JSON";
                return new RegistryException(string.Create(CultureInfo.InvariantCulture, $"error parsing HTTP {(int)status} response body: {problem}: \"{body}\"")) { Status = status };
            }
        }
        if (status == HttpStatusCode.Unauthorized) return Known("UNAUTHORIZED", "authentication required", status);
        if (status == HttpStatusCode.TooManyRequests) return Known("TOOMANYREQUESTS", "too many requests", status);
        return new RegistryException(string.Create(CultureInfo.InvariantCulture,
            $"error parsing HTTP {(int)status} response body: no error details found in HTTP response body: \"{body}\"")) { Status = status };
    }

    private static string? Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary><c>manifest unknown: manifest unknown</c>: the code in words, and the message.</summary>
    private static RegistryException Known(string code, string message, HttpStatusCode status)
    {
        string words = code.Replace('_', ' ').ToLowerInvariant();
        return new RegistryException(message.Length > 0 ? $"{words}: {message}" : words) { Code = code, Status = status };
    }

    private static async Task<string> ReadAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        try
        {
            using var stream = await answer.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            byte[] body = new byte[LongestBody];
            int length = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
            return Encoding.UTF8.GetString(body, 0, length);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return "";   // the status has said enough
        }
    }
}
