using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Events;

/// <summary>One event with its place in the journal. The message is shared by all readers and never changed.</summary>
/// <param name="Number">1, 2, 3, …: without gaps, across restarts.</param>
public sealed record JournalEntry(long Number, EventMessage Message);
