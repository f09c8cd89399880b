namespace Gantry.Daemon.Engine;

/// <summary>The closed set of ways in which a request can fail; the number is the HTTP status that the API answers (reference 4.4).</summary>
public enum ErrorKind
{
    NotModified = 304,
    InvalidParameter = 400,
    Unauthorized = 401,
    Forbidden = 403,
    NotFound = 404,
    Conflict = 409,
    TooManyRequests = 429,
    System = 500,
    NotImplemented = 501,
    Unavailable = 503,
}

/// <summary>A request failed in a way that its sender should know. The message says what, which object, and what to do.</summary>
public sealed class EngineException(ErrorKind kind, string message, Exception? inner = null) : Exception(message, inner)
{
    public ErrorKind Kind { get; } = kind;

    /// <summary>The number that an error in a stream carries beside its text: the exit code of a build's command. 0 is none.</summary>
    public int StreamCode { get; init; }

    public static EngineException NotModified() => new(ErrorKind.NotModified, "");

    public static EngineException InvalidParameter(string message, Exception? inner = null) => new(ErrorKind.InvalidParameter, message, inner);

    public static EngineException Unauthorized(string message) => new(ErrorKind.Unauthorized, message);

    public static EngineException Forbidden(string message) => new(ErrorKind.Forbidden, message);

    public static EngineException NotFound(string message) => new(ErrorKind.NotFound, message);

    public static EngineException Conflict(string message) => new(ErrorKind.Conflict, message);

    public static EngineException System(string message, Exception? inner = null) => new(ErrorKind.System, message, inner);

    public static EngineException NotImplemented(string message) => new(ErrorKind.NotImplemented, message);

    public static EngineException Unavailable(string message) => new(ErrorKind.Unavailable, message);
}
