using System.Net;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Registries;

/// <summary>A registry could not be reached, or refused. The message is what dockerd says in that case.</summary>
internal sealed class RegistryException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The registry's own code (<c>MANIFEST_UNKNOWN</c>, OCI distribution spec, "Error Codes"); null when it gave none.</summary>
    public string? Code { get; init; }

    /// <summary>The status of its answer; null when there was none.</summary>
    public HttpStatusCode? Status { get; init; }

    /// <summary>Nobody answered, or not in this protocol: another address of the same registry may be tried.</summary>
    public bool IsUnreachable { get; init; }

    /// <summary>No credentials were given, and some are needed.</summary>
    public bool LacksCredentials { get; init; }

    /// <summary>The message without the request that it belongs to.</summary>
    public string Reason { get; init; } = message;

    /// <summary>Worth another try: the network, or a server that is busy, starting or ending.</summary>
    public bool MayPass => IsUnreachable || Status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout
        or (>= HttpStatusCode.InternalServerError and not HttpStatusCode.NotImplemented and not HttpStatusCode.HttpVersionNotSupported);

    /// <summary>The same as an answer of this engine.</summary>
    public EngineException ToEngine(string? message = null) => new(Kind, message ?? Message, this);

    private ErrorKind Kind => (Code, Status) switch
    {
        ("DENIED" or "MANIFEST_UNKNOWN" or "NAME_UNKNOWN", _) => ErrorKind.NotFound,
        ("UNAUTHORIZED", _) => ErrorKind.Unauthorized,
        ("TOOMANYREQUESTS", _) => ErrorKind.TooManyRequests,
        _ => ErrorKind.System,
    };
}
