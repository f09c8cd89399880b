using Gantry.Linux.Kernel;
using Gantry.Supervisor.Logs;

namespace Gantry.Supervisor.Streams;

/// <summary>How far a process's output has been dealt with, in memory that outlives this program: the daemon holds its descriptor and gives it to the supervisor that comes next.</summary>
/// <remarks>
/// A piece of output goes through these steps; a successor goes on with the one that it finds.
/// 1. It is moved into its <see cref="OutputStage"/>.
/// 2. <see cref="Begin"/>: its size, its time and the log's length before it are noted. Then its lines are appended to the log.
/// 3. <see cref="SetLogged"/>: the log has it; of what has no newline yet a copy is kept here. Then clients get it.
/// 4. It is taken out of the stage, and <see cref="SetConsumed"/>.
/// A successor that finds step 2 writes the same lines with the same time again, without as many bytes as the log has grown by. One that finds step 3
/// leaves the log alone. Only stores of aligned words decide, and the word that decides is stored last.
/// </remarks>
internal sealed unsafe class StreamJournal : IDisposable
{
    private const int Streams = 2, Slots = 2, Header = 4096, Size = Header + Streams * Slots * LogWriter.MaxRecord;
    private readonly byte* memory;

    private StreamJournal(Fd file)
    {
        const int readWrite = 3, shared = 1;
        File = file;
        memory = (byte*)Syscall.Check(Syscall.Call(SyscallNumber.Mmap, 0, Size, readWrite, shared, file.Number), "map the journal of a container's output");
    }

    public Fd File { get; }

    public static StreamJournal Create()
    {
        const int closeOnExec = 1;
        fixed (byte* name = "gantry-journal\0"u8)
        {
            var file = new Fd((int)Syscall.Check(Syscall.Call(SyscallNumber.MemfdCreate, (nint)name, closeOnExec), "memfd_create"));
            Syscall.Check(Syscall.Call(SyscallNumber.Ftruncate, file.Number, Size), "size the journal of a container's output");
            return new StreamJournal(file);
        }
    }

    /// <summary>The one that another supervisor has kept.</summary>
    public static StreamJournal Open(Fd file) => new(file);

    public enum Phase
    {
        Idle,
        Logging,
        Logged,
    }

    /// <summary>One stream's words. The low byte of <see cref="State"/> is the phase, the next the slot of the unfinished line in force.</summary>
    private struct Entry
    {
        public int State, Count, Unfinished0, Unfinished1;
        public long Time, LogSize, Consumed, ConsumedAfter;
        public ulong LogFile;
    }

    private Entry* this[OutputKind kind] => (Entry*)(memory + ((int)kind - 1) * 256);

    private byte* Text(OutputKind kind, int slot) => memory + Header + (((int)kind - 1) * Slots + slot) * LogWriter.MaxRecord;

    public Phase PhaseOf(OutputKind kind) => (Phase)(this[kind]->State & 0xff);

    /// <summary>Bytes of the piece that is under way.</summary>
    public int CountOf(OutputKind kind) => this[kind]->Count;

    /// <summary>The time under which the piece's lines are logged.</summary>
    public DateTimeOffset TimeOf(OutputKind kind) => new(this[kind]->Time, TimeSpan.Zero);

    /// <summary>Where the log was before the piece.</summary>
    public LogPosition LogBefore(OutputKind kind) => new(this[kind]->LogFile, this[kind]->LogSize);

    /// <summary>Bytes of the stream that are dealt with, but for those under way.</summary>
    public long ConsumedOf(OutputKind kind) => this[kind]->Consumed;

    /// <summary>Bytes of the stream that a client who comes now has missed.</summary>
    public long PassedOf(OutputKind kind) => PhaseOf(kind) == Phase.Logged ? this[kind]->ConsumedAfter : this[kind]->Consumed;

    /// <summary>The line whose end has not come yet.</summary>
    public ReadOnlySpan<byte> Unfinished(OutputKind kind)
    {
        var entry = this[kind];
        int slot = entry->State >> 8 & 1;
        return new ReadOnlySpan<byte>(Text(kind, slot), Math.Clamp(slot == 0 ? entry->Unfinished0 : entry->Unfinished1, 0, LogWriter.MaxRecord));
    }

    public void Begin(OutputKind kind, int count, DateTimeOffset time, LogPosition log)
    {
        var entry = this[kind];
        entry->Count = count;
        entry->Time = time.UtcTicks;
        entry->LogFile = log.File;
        entry->LogSize = log.Size;
        entry->ConsumedAfter = entry->Consumed + count;
        Volatile.Write(ref entry->State, entry->State & ~0xff | (int)Phase.Logging);
    }

    /// <param name="unfinished">The line that goes on after the piece.</param>
    public void SetLogged(OutputKind kind, ReadOnlySpan<byte> unfinished)
    {
        var entry = this[kind];
        int slot = entry->State >> 8 & 1;
        if (!unfinished.IsEmpty || !Unfinished(kind).IsEmpty)
        {
            slot ^= 1;
            unfinished.CopyTo(new Span<byte>(Text(kind, slot), LogWriter.MaxRecord));
            if (slot == 0) entry->Unfinished0 = unfinished.Length;
            else entry->Unfinished1 = unfinished.Length;
        }
        Volatile.Write(ref entry->State, slot << 8 | (int)Phase.Logged);
    }

    public void SetConsumed(OutputKind kind)
    {
        var entry = this[kind];
        Volatile.Write(ref entry->Consumed, entry->ConsumedAfter);
        Volatile.Write(ref entry->State, entry->State & ~0xff);
    }

    public void Dispose()
    {
        if (File.IsClosed) return;
        Syscall.Call(SyscallNumber.Munmap, (nint)memory, Size);
        File.Dispose();
    }
}
