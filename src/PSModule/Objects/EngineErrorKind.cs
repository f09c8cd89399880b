namespace Gantry.PowerShell.Objects;

/// <summary>The ways in which a call to an engine can fail. Each has an error category of its own.</summary>
public enum EngineErrorKind
{
    /// <summary>404: the object does not exist.</summary>
    NotFound,

    /// <summary>409: the object's state forbids it.</summary>
    Conflict,

    /// <summary>409: another object has that name.</summary>
    AlreadyExists,

    /// <summary>400: the engine does not accept an argument.</summary>
    InvalidRequest,

    /// <summary>401: a registry or the engine wants other credentials.</summary>
    Unauthorized,

    /// <summary>403: never allowed.</summary>
    Forbidden,

    /// <summary>503: not now; 429: a registry has had too many requests.</summary>
    Unavailable,

    /// <summary>501, or an unknown route: this engine cannot do it.</summary>
    NotSupported,

    /// <summary>500: the engine tried and failed.</summary>
    EngineFault,

    /// <summary>Nobody listens at the address.</summary>
    Unreachable,

    /// <summary>The socket is there and this user may not open it, or the TLS handshake was refused.</summary>
    AccessDenied,

    /// <summary>The connection broke in the middle of an answer.</summary>
    ConnectionLost,

    /// <summary>The answer is not what the API promises.</summary>
    InvalidResponse,

    /// <summary>A time limit that the caller gave has passed.</summary>
    Timeout,

    /// <summary>The session was disconnected.</summary>
    Disconnected,
}
