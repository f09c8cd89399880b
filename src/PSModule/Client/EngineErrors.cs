using System.Net;
using System.Text.Json;
using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Client;

/// <summary>Turns an engine's refusal into the exception that says what kind it is (reference 4.4).</summary>
internal static class EngineErrors
{
    /// <summary>What Docker says to a path that it does not know (reference 4.1).</summary>
    private const string UnknownRoute = "page not found";

    public static ContainerEngineException From(HttpStatusCode status, string? body, string request)
    {
        string message = Message(body) ?? $"The engine answered {(int)status} to {request}.";
        var kind = Kind(status, message);
        if (message == UnknownRoute) message = $"This engine has no such operation: {request}.";
        return new ContainerEngineException(kind, message) { StatusCode = (int)status, Request = request };
    }

    private static EngineErrorKind Kind(HttpStatusCode status, string message) => (int)status switch
    {
        400 => EngineErrorKind.InvalidRequest,
        401 => EngineErrorKind.Unauthorized,
        403 => EngineErrorKind.Forbidden,
        404 when message == UnknownRoute => EngineErrorKind.NotSupported,
        404 => EngineErrorKind.NotFound,
        409 when message.Contains("already in use", StringComparison.Ordinal) || message.Contains("already exists", StringComparison.Ordinal) => EngineErrorKind.AlreadyExists,
        409 => EngineErrorKind.Conflict,
        501 => EngineErrorKind.NotSupported,
        429 or 503 => EngineErrorKind.Unavailable,
        >= 500 => EngineErrorKind.EngineFault,
        _ => EngineErrorKind.InvalidResponse,
    };

    /// <summary>The text of <c>{"message": …}</c>, or a plain-text body; null for an empty one.</summary>
    private static string? Message(string? body)
    {
        if (string.IsNullOrWhiteSpace(body)) return null;
        if (body.TrimStart().StartsWith('{'))
        {
            try
            {
                return JsonSerializer.Deserialize(body, WireJson.TypeInfo<ErrorResponse>())?.Message is { Length: > 0 } message ? message.Trim() : body.Trim();
            }
            catch (JsonException)
            {
                // Not JSON after all: the text itself is the best that there is.
            }
        }
        return body.Trim();
    }
}
