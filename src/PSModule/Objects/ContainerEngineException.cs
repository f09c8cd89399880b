namespace Gantry.PowerShell.Objects;

/// <summary>A call to a container engine failed. The message is the engine's own where it gave one.</summary>
public sealed class ContainerEngineException : Exception
{
    internal ContainerEngineException(EngineErrorKind kind, string message, Exception? inner = null)
        : base(message, inner)
    {
        Kind = kind;
    }

    public EngineErrorKind Kind { get; }

    /// <summary>The HTTP status of the engine's answer; null when there was none.</summary>
    public int? StatusCode { get; internal init; }

    /// <summary>Method and path of the request, without its query: <c>POST /containers/web/start</c>.</summary>
    public string? Request { get; internal init; }
}
