using System.Globalization;

namespace Gantry.PowerShell.Client;

/// <summary>What of a container's log is wanted (reference 4.11). Timestamps are always asked for.</summary>
internal sealed record LogRequest
{
    public bool Stdout { get; init; } = true;

    public bool Stderr { get; init; } = true;

    public bool Follow { get; init; }

    /// <summary>Lines from the end; null is all.</summary>
    public int? Tail { get; init; }

    public DateTimeOffset? Since { get; init; }

    public DateTimeOffset? Until { get; init; }

    public Query ToQuery() => new()
    {
        { "stdout", Stdout },
        { "stderr", Stderr },
        { "timestamps", true },
        { "follow", Follow },
        { "tail", Tail?.ToString(CultureInfo.InvariantCulture) ?? "all" },
        { "since", Since },
        { "until", Until },
    };
}
