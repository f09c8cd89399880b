namespace Gantry.Daemon.Containers.Logs;

/// <summary>What of a container's log is wanted.</summary>
/// <param name="Tail">Number of last records; null is all.</param>
internal sealed record LogQuery(bool Stdout, bool Stderr, DateTimeOffset? Since, DateTimeOffset? Until, bool Timestamps, bool Details, int? Tail, bool Follow)
{
    /// <summary>Where to stop: a file by its inode, and an offset in it. Null goes on to the end.</summary>
    public (ulong File, long Size)? End { get; init; }
}
