using System.Management.Automation;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Makes error records: an id and a category for each kind of failure, and what to do about it.</summary>
internal static class ErrorRecords
{
    /// <summary>The record of a failed call. Its id names what was not found, taken or refused: <c>ContainerNotFound</c>, <c>ImageInUse</c>.</summary>
    public static ErrorRecord From(ContainerEngineException error, object? target)
    {
        string subject = Subject(error);
        var (id, category) = error.Kind switch
        {
            EngineErrorKind.NotFound => (subject + "NotFound", ErrorCategory.ObjectNotFound),
            EngineErrorKind.AlreadyExists => (subject + "AlreadyExists", ErrorCategory.ResourceExists),
            EngineErrorKind.Conflict => (subject + "Conflict", ErrorCategory.InvalidOperation),
            EngineErrorKind.InvalidRequest => ("InvalidRequest", ErrorCategory.InvalidArgument),
            EngineErrorKind.Unauthorized => ("Unauthorized", ErrorCategory.AuthenticationError),
            EngineErrorKind.Forbidden => (subject + "OperationForbidden", ErrorCategory.PermissionDenied),
            EngineErrorKind.Unavailable => ("EngineUnavailable", ErrorCategory.ResourceUnavailable),
            EngineErrorKind.NotSupported => ("NotSupportedByEngine", ErrorCategory.NotImplemented),
            EngineErrorKind.EngineFault => ("EngineFault", ErrorCategory.InvalidResult),
            EngineErrorKind.Unreachable => ("EngineUnreachable", ErrorCategory.ConnectionError),
            EngineErrorKind.AccessDenied => ("EngineAccessDenied", ErrorCategory.PermissionDenied),
            EngineErrorKind.ConnectionLost => ("EngineConnectionLost", ErrorCategory.ConnectionError),
            EngineErrorKind.InvalidResponse => ("InvalidEngineResponse", ErrorCategory.InvalidData),
            EngineErrorKind.Timeout => ("OperationTimeout", ErrorCategory.OperationTimeout),
            EngineErrorKind.Disconnected => ("SessionDisconnected", ErrorCategory.ConnectionError),
            _ => ("EngineError", ErrorCategory.NotSpecified),
        };
        return Create(error, id, category, target, Advice(error, subject));
    }

    public static ErrorRecord Create(Exception error, string id, ErrorCategory category, object? target, string? advice = null)
    {
        var record = new ErrorRecord(error, id, category, target);
        if (advice is not null) record.ErrorDetails = new ErrorDetails(error.Message) { RecommendedAction = advice };
        return record;
    }

    /// <summary>A literal name that nothing has.</summary>
    public static ErrorRecord Missing(string subject, string text) => Create(
        new ItemNotFoundException($"There is no {Words(subject)} '{text}'."),
        subject + "NotFound",
        ErrorCategory.ObjectNotFound,
        text,
        NotFoundAdvice(subject));

    private static string Subject(ContainerEngineException error)
    {
        string path = error.Request is { } request ? request[(request.IndexOf(' ', StringComparison.Ordinal) + 1)..] : "";
        if (error.Message.StartsWith("No such image", StringComparison.OrdinalIgnoreCase)) return "Image";
        if (error.Message.StartsWith("No such container", StringComparison.OrdinalIgnoreCase)) return "Container";
        if (error.Kind == EngineErrorKind.NotFound && path.EndsWith("/archive", StringComparison.Ordinal)) return "ContainerPath";
        if (error.Kind == EngineErrorKind.NotFound && error.Message.StartsWith("network ", StringComparison.Ordinal)) return "Network";
        if (path == "/containers/create") return error.Kind == EngineErrorKind.AlreadyExists ? "ContainerName" : error.Kind == EngineErrorKind.NotFound ? "Image" : "Container";
        if (path.EndsWith("/rename", StringComparison.Ordinal) && error.Kind == EngineErrorKind.AlreadyExists) return "ContainerName";
        return path.Split('/', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() switch
        {
            "containers" when path.Contains("/checkpoints", StringComparison.Ordinal) => "Checkpoint",
            "containers" => "Container",
            "images" or "build" or "distribution" => "Image",
            "exec" => "Exec",
            "networks" => "Network",
            "volumes" => "Volume",
            "engine" when path.StartsWith("/engine/jobs", StringComparison.Ordinal) => "EngineJob",
            "engine" => "EngineCommand",
            "commit" => "Container",
            "auth" => "Registry",
            _ => "Object",
        };
    }

    private static string Words(string subject) => subject switch
    {
        "EngineJob" => "engine job",
        "EngineCommand" => "engine command",
        "ContainerPath" => "path",
        _ => subject.ToLowerInvariant(),
    };

    private static string? Advice(ContainerEngineException error, string subject) => error.Kind switch
    {
        EngineErrorKind.NotFound => NotFoundAdvice(subject),
        EngineErrorKind.AlreadyExists => subject == "ContainerName" ? "Choose another name, or remove or rename the container that has this one." : "Choose another name.",
        EngineErrorKind.Unreachable => "Start the engine, or name another with Connect-ContainerEngine or the variable GANTRY_HOST.",
        EngineErrorKind.AccessDenied => "Join the group that owns the socket, or check the certificates of the connection.",
        EngineErrorKind.Disconnected => "Make a session with Connect-ContainerEngine.",
        EngineErrorKind.Unauthorized => "Give other credentials, with -Credential or Connect-ContainerRegistry.",
        EngineErrorKind.NotSupported => "Use an engine that can do it; Get-ContainerEngine shows which one this is.",
        EngineErrorKind.Timeout => "Give a longer -TimeoutSec, or none.",
        EngineErrorKind.EngineFault => "Look at the engine's log.",
        _ => null,
    };

    private static string? NotFoundAdvice(string subject) => subject switch
    {
        "Container" => "List the containers with Get-Container.",
        "Image" => "List the images with Get-ContainerImage; bring one in with Import-ContainerImage or Request-ContainerImage.",
        "EngineCommand" => "List the commands with Get-EngineCommand.",
        "EngineJob" => "List the jobs with Get-EngineJob; the engine keeps only the last ones that have ended.",
        "Network" => "List the networks with Get-ContainerNetwork.",
        "Volume" => "List the volumes with Get-ContainerVolume.",
        "Registry" => "List the registries with Get-ContainerRegistry; log in with Connect-ContainerRegistry.",
        _ => null,
    };
}
