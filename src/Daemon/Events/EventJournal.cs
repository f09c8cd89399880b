using System.Runtime.CompilerServices;
using System.Text.Json;
using Gantry.Daemon.Storage;
using Gantry.Protocol.Json;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Events;

/// <summary>All events: numbered, kept in the database, and followed by any number of readers.</summary>
/// <remarks>
/// A reader is a position, not a queue: publishing only appends and wakes readers up, so a slow one holds nobody back and costs no memory. One that falls
/// behind the newest events in memory reads on from the database; one that falls behind even that gets an event that says how many it missed.
/// </remarks>
public sealed class EventJournal : IEventPublisher
{
    /// <summary>Events that are kept in memory, and in the database; older ones and those past the age are dropped.</summary>
    private const int InMemory = 1024, Kept = 20_000, TrimEvery = 512;

    private static readonly TimeSpan KeptFor = TimeSpan.FromDays(30);

    private readonly Database database;
    private readonly TimeProvider clock;
    private readonly Lock gate = new();
    private readonly JournalEntry[] recent;
    private readonly int kept;
    private TaskCompletionSource next = NewSignal();
    private long last, first;
    private int readers;

    private EventJournal(Database database, TimeProvider clock, int inMemory, int kept)
    {
        this.database = database;
        this.clock = clock;
        this.kept = kept;
        recent = new JournalEntry[inMemory];
    }

    /// <summary>Who follows the live events now.</summary>
    public int Readers => Volatile.Read(ref readers);

    /// <summary>Continues the journal of a database.</summary>
    public static async Task<EventJournal> OpenAsync(Database database, TimeProvider? clock = null, int inMemory = InMemory, int kept = Kept)
    {
        var journal = new EventJournal(database, clock ?? TimeProvider.System, inMemory, kept);
        journal.last = await database.ReadAsync(w => (long?)w.Scalar("SELECT max(number) FROM events") ?? 0).ConfigureAwait(false);
        journal.first = journal.last + 1;
        journal.Trim();
        return journal;
    }

    public void Publish(string type, string action, string actorId, IEnumerable<KeyValuePair<string, string>> attributes)
    {
        var message = new EventMessage { Type = type, Action = action, Actor = new EventActor { ID = actorId } };
        foreach (var (name, value) in attributes) message.Actor.Attributes[name] = value;
        lock (gate)
        {
            Stamp(message, clock.GetUtcNow());
            var entry = new JournalEntry(++last, message);
            recent[entry.Number % recent.Length] = entry;
            first = Math.Max(first, last - recent.Length + 1);
            database.Post(w => Insert(w, entry));
            if (last % TrimEvery == 0) Trim();
            if (readers == 0) return;
            var signal = next;
            next = NewSignal();
            signal.SetResult();
        }
    }

    /// <summary>The number of the newest event.</summary>
    public long Last
    {
        get
        {
            lock (gate) return last;
        }
    }

    /// <summary>The number after which the events since a time start; the newest when there are none yet.</summary>
    /// <param name="since">Unix nanoseconds.</param>
    public async Task<long> PositionBeforeAsync(long since)
    {
        long now = Last;
        return await database.ReadAsync(w => (long?)w.Scalar("SELECT min(number) - 1 FROM events WHERE time >= $1", since)).ConfigureAwait(false) ?? now;
    }

    /// <summary>The events after a number, then live ones, in order, until the end time or for ever.</summary>
    /// <param name="position"><see cref="Last"/>, or <see cref="PositionBeforeAsync"/>.</param>
    /// <param name="until">Unix nanoseconds; null never ends by itself.</param>
    public async IAsyncEnumerable<JournalEntry> ReadAsync(long position, long? until, [EnumeratorCancellation] CancellationToken cancellation)
    {
        Interlocked.Increment(ref readers);
        using var end = new CancellationTokenSource();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, end.Token);
        try
        {
            if (until is { } stopAt) EndAt(end, stopAt);

            while (true)
            {
                if (await NextAsync(position, until, stop.Token, cancellation).ConfigureAwait(false) is not { } batch) yield break;
                foreach (var entry in batch)
                {
                    if (until is { } limit && entry.Message.TimeNano > limit) yield break;
                    position = entry.Number;
                    yield return entry;
                }
            }
        }
        finally
        {
            Interlocked.Decrement(ref readers);
        }
    }

    /// <summary>Events after a position, waiting for the first one; null when the time is up.</summary>
    private async Task<IReadOnlyList<JournalEntry>?> NextAsync(long position, long? until, CancellationToken stop, CancellationToken cancellation)
    {
        while (true)
        {
            Task signal;
            lock (gate)
            {
                if (position < last && position + 1 >= first) return Copy(position);
                signal = next.Task;
                if (position >= last && until is { } limit && Now() >= limit) return null;
            }
            if (position < Volatile.Read(ref last)) return await CatchUpAsync(position).ConfigureAwait(false);
            try
            {
                await signal.WaitAsync(stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                return null;
            }
        }
    }

    private List<JournalEntry> Copy(long position)
    {
        var batch = new List<JournalEntry>((int)(last - position));
        for (long number = position + 1; number <= last; number++) batch.Add(recent[number % recent.Length]);
        return batch;
    }

    /// <summary>A page from the database. When it does not start where the reader is, an event about the gap comes first.</summary>
    private async Task<IReadOnlyList<JournalEntry>> CatchUpAsync(long position)
    {
        var page = await database.ReadAsync(w => w.Query(
            "SELECT number, message FROM events WHERE number > $1 ORDER BY number LIMIT 512",
            row => new JournalEntry(row.GetInt64(0), JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(1), WireJson.TypeInfo<EventMessage>())!),
            position)).ConfigureAwait(false);
        long found;
        lock (gate) found = page.Count > 0 ? page[0].Number : first;
        if (found > position + 1) page.Insert(0, Gap(position, found - 1));
        return page;
    }

    private JournalEntry Gap(long after, long upTo)
    {
        var message = new EventMessage
        {
            Type = "daemon",
            Action = GapAction,
            Actor = new EventActor { ID = "events", Attributes = new() { ["first"] = Text(after + 1), ["last"] = Text(upTo), ["missed"] = Text(upTo - after) } },
        };
        Stamp(message, clock.GetUtcNow());
        return new JournalEntry(upTo, message);
    }

    /// <summary>Action of the event that stands for events which a reader was too slow for.</summary>
    public const string GapAction = "gap";

    private static string Text(long number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private void EndAt(CancellationTokenSource end, long until)
    {
        long milliseconds = (until - Now()) / 1_000_000 + 1;
        if (milliseconds > 0) end.CancelAfter(TimeSpan.FromMilliseconds(Math.Min(milliseconds, int.MaxValue)));
    }

    private long Now() => WireTime.ToUnixNanoseconds(clock.GetUtcNow());

    private static void Stamp(EventMessage message, DateTimeOffset time)
    {
        message.Time = time.ToUnixTimeSeconds();
        message.TimeNano = WireTime.ToUnixNanoseconds(time);
    }

    private static void Insert(DatabaseWriter writer, JournalEntry entry) =>
        writer.Execute("INSERT OR REPLACE INTO events (number, time, message) VALUES ($1, $2, $3)",
            entry.Number, entry.Message.TimeNano, JsonSerializer.SerializeToUtf8Bytes(entry.Message, WireJson.TypeInfo<EventMessage>()));

    private void Trim()
    {
        long newest = last, oldest = last - kept;
        long time = WireTime.ToUnixNanoseconds(clock.GetUtcNow() - KeptFor);
        database.Post(w => w.Execute("DELETE FROM events WHERE number < $1 AND (number <= $2 OR time < $3)", newest, oldest, time));
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
