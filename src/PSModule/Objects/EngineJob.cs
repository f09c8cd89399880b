using System.Collections.ObjectModel;
using Gantry.Protocol.Engine;
using Gantry.Protocol.Json;

namespace Gantry.PowerShell.Objects;

/// <summary>How far an engine job has come.</summary>
public enum EngineJobStatus
{
    Unknown,
    Created,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

/// <summary>One run of an engine command, at the moment when it was asked for.</summary>
public sealed class EngineJob
{
    internal EngineJob(JobDescription description, EngineSession session)
    {
        Id = description.Id;
        Command = description.Command;
        Arguments = new ReadOnlyDictionary<string, string>(description.Arguments);
        Status = Enum.TryParse<EngineJobStatus>(description.Status, ignoreCase: true, out var status) ? status : EngineJobStatus.Unknown;
        ParentId = description.Parent;
        CreatedAt = WireTime.Parse(description.CreatedAt);
        StartedAt = WireTime.Parse(description.StartedAt);
        FinishedAt = WireTime.Parse(description.FinishedAt);
        Result = description.Result is { } result ? JsonValues.ToPowerShell(result) : null;
        Output = description.Output;
        Error = description.Error;
        ErrorCode = description.ErrorCode == 0 ? null : description.ErrorCode;
        Session = session;
    }

    public string Id { get; }

    public string Command { get; }

    /// <summary>Names and short values; bodies and credentials are not shown.</summary>
    public ReadOnlyDictionary<string, string> Arguments { get; }

    public EngineJobStatus Status { get; }

    /// <summary>The job that ran this one; null for one that a client asked for.</summary>
    public string? ParentId { get; }

    public DateTimeOffset? CreatedAt { get; }

    public DateTimeOffset? StartedAt { get; }

    public DateTimeOffset? FinishedAt { get; }

    /// <summary>How long it ran; null while it runs.</summary>
    public TimeSpan? Duration => FinishedAt - StartedAt;

    /// <summary>The answer of a detached run that succeeded.</summary>
    public object? Result { get; }

    /// <summary>The last of what a detached run of a streaming command has written.</summary>
    public string? Output { get; }

    /// <summary>Why it failed.</summary>
    public string? Error { get; }

    /// <summary>The HTTP status that stands for the error.</summary>
    public int? ErrorCode { get; }

    public EngineSession Session { get; }

    internal bool HasEnded => Status is EngineJobStatus.Succeeded or EngineJobStatus.Failed or EngineJobStatus.Cancelled;

    public override string ToString() => $"{Command} {Id}";
}
