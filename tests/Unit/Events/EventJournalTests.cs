using Gantry.Daemon.Engine;
using Gantry.Daemon.Events;
using Gantry.Daemon.Storage;
using Gantry.Protocol.Json;

namespace Gantry.Unit.Events;

public sealed class EventJournalTests : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("gantry-events-");
    private readonly ManualClock clock = new();
    private Database database = null!;

    public Task InitializeAsync()
    {
        database = Database.Open($"{folder}/db");
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await database.DisposeAsync();
        folder.Delete(recursive: true);
    }

    /// <summary>A clock that goes on when it is told to.</summary>
    private sealed class ManualClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private Task<EventJournal> OpenAsync(int inMemory = 8, int kept = 100) => EventJournal.OpenAsync(database, clock, inMemory, kept);

    private void Publish(EventJournal journal, string action)
    {
        clock.Now += TimeSpan.FromSeconds(1);
        journal.Publish("container", action, "id", []);
    }

    private static long Nanoseconds(DateTimeOffset time) => WireTime.ToUnixNanoseconds(time);

    private static CancellationToken Limit => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    private static async Task<List<string>> ActionsAsync(IAsyncEnumerable<JournalEntry> entries, int count = int.MaxValue)
    {
        var actions = new List<string>();
        if (count == 0) return actions;
        await foreach (var entry in entries)
        {
            actions.Add(entry.Message.Action);
            if (actions.Count == count) break;
        }
        return actions;
    }

    [Fact]
    public async Task Events_are_numbered_and_come_in_the_order_of_their_publication()
    {
        var journal = await OpenAsync();
        for (int i = 0; i < 5; i++) Publish(journal, $"a{i}");
        var numbers = new List<long>();
        await foreach (var entry in journal.ReadAsync(0, Nanoseconds(clock.Now), Limit)) numbers.Add(entry.Number);
        Assert.Equal([1, 2, 3, 4, 5], numbers);
    }

    [Fact]
    public async Task A_reader_gets_what_is_published_after_its_place()
    {
        var journal = await OpenAsync();
        Publish(journal, "before");
        long here = journal.Last;
        Publish(journal, "first");
        var reading = ActionsAsync(journal.ReadAsync(here, null, Limit), 2);
        Publish(journal, "second");
        Assert.Equal(["first", "second"], await reading);
    }

    [Fact]
    public async Task Past_events_are_found_by_their_time_after_a_restart()
    {
        var first = await OpenAsync();
        for (int i = 0; i < 20; i++) Publish(first, $"a{i}");
        var from = clock.Now - TimeSpan.FromSeconds(4);
        var journal = await OpenAsync();
        long position = await journal.PositionBeforeAsync(Nanoseconds(from));
        Assert.Equal(["a15", "a16", "a17", "a18", "a19"], await ActionsAsync(journal.ReadAsync(position, Nanoseconds(clock.Now), Limit)));
        Publish(journal, "next");
        Assert.Equal(21, journal.Last);
    }

    [Fact]
    public async Task Until_ends_the_stream_before_later_events()
    {
        var journal = await OpenAsync();
        Publish(journal, "a");
        var until = clock.Now;
        Publish(journal, "b");
        Assert.Equal(["a"], await ActionsAsync(journal.ReadAsync(0, Nanoseconds(until), Limit)));
    }

    [Fact]
    public async Task A_time_at_which_nothing_happened_yet_gives_the_end()
    {
        var journal = await OpenAsync();
        Publish(journal, "a");
        Assert.Equal(journal.Last, await journal.PositionBeforeAsync(Nanoseconds(clock.Now + TimeSpan.FromSeconds(1))));
    }

    [Fact]
    public async Task A_reader_that_falls_behind_memory_reads_on_from_the_database()
    {
        var journal = await OpenAsync(inMemory: 4, kept: 10_000);
        for (int i = 0; i < 1500; i++) Publish(journal, $"a{i}");
        var actions = await ActionsAsync(journal.ReadAsync(0, Nanoseconds(clock.Now), Limit));
        Assert.Equal(Enumerable.Range(0, 1500).Select(i => $"a{i}"), actions);
    }

    [Fact]
    public async Task A_reader_that_falls_behind_the_journal_is_told_what_it_missed()
    {
        var journal = await OpenAsync(inMemory: 4, kept: 100);
        for (int i = 0; i < 1024; i++) Publish(journal, $"a{i}");   // the journal is trimmed at its 512th and 1024th event
        var reader = journal.ReadAsync(0, Nanoseconds(clock.Now), Limit).GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync());
        var gap = reader.Current.Message;
        Assert.Equal((EventJournal.GapAction, "daemon", "1", "924", "924"), (gap.Action, gap.Type, gap.Actor.Attributes["first"], gap.Actor.Attributes["last"], gap.Actor.Attributes["missed"]));
        Assert.True(await reader.MoveNextAsync());
        Assert.Equal(925, reader.Current.Number);
        await reader.DisposeAsync();
    }

    [Fact]
    public async Task A_reader_that_does_not_read_holds_no_publisher_back()
    {
        var journal = await OpenAsync(inMemory: 4);
        var lazy = journal.ReadAsync(0, null, Limit).GetAsyncEnumerator();
        var first = lazy.MoveNextAsync();
        for (int i = 0; i < 10_000; i++) Publish(journal, "a");
        Assert.Equal(10_000, journal.Last);
        Assert.True(await first);
        await lazy.DisposeAsync();
    }

    [Fact]
    public async Task The_journal_keeps_the_newest_events_only()
    {
        var journal = await OpenAsync(kept: 50);
        for (int i = 0; i < 600; i++) Publish(journal, "a");
        await OpenAsync(kept: 50);
        Assert.Equal(50L, await database.ReadAsync(w => w.Scalar("SELECT count(*) FROM events")));
    }

    [Fact]
    public async Task Old_events_are_dropped_and_numbers_go_on()
    {
        var journal = await OpenAsync();
        Publish(journal, "a");
        Publish(journal, "b");
        clock.Now += TimeSpan.FromDays(400);
        var next = await OpenAsync();
        Publish(next, "c");
        Assert.Equal(3, next.Last);
        Assert.Equal(2L, await database.ReadAsync(w => w.Scalar("SELECT count(*) FROM events")));
    }

    [Fact]
    public async Task Readers_are_counted_while_they_read()
    {
        var journal = await OpenAsync();
        Assert.Equal(0, journal.Readers);
        using var stop = new CancellationTokenSource();
        var reading = ActionsAsync(journal.ReadAsync(0, null, stop.Token));
        Assert.Equal(1, journal.Readers);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Equal(0, journal.Readers);
    }

    [Fact]
    public async Task Many_publishers_at_once_lose_nothing()
    {
        var journal = await OpenAsync(inMemory: 64, kept: 100_000);
        var reading = ActionsAsync(journal.ReadAsync(0, null, Limit), 8000);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(n => Task.Run(() =>
        {
            for (int i = 0; i < 1000; i++) journal.Publish("container", $"{n}.{i}", "id", []);
        })));
        var actions = await reading;
        Assert.Equal(8000, actions.Distinct().Count());
        Assert.All(Enumerable.Range(0, 8), n => Assert.Equal(Enumerable.Range(0, 1000).Select(i => $"{n}.{i}"), actions.Where(a => a.StartsWith($"{n}.", StringComparison.Ordinal))));
    }
}
