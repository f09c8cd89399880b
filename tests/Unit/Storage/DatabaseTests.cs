using Gantry.Daemon.Storage;
using Microsoft.Data.Sqlite;

namespace Gantry.Unit.Storage;

/// <summary>What fails in the database fails the changes that it concerns, and the writer goes on.</summary>
public sealed class DatabaseTests : IAsyncLifetime
{
    private readonly TemporaryDirectory folder = new();
    private Database database = null!;

    public Task InitializeAsync()
    {
        database = Database.Open(folder["test.db"]);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await database.DisposeAsync();
        folder.Dispose();
    }

    private static Action<DatabaseWriter> Insert(string key) => w => w.Execute("INSERT INTO engine (key, value) VALUES ($1, '')", key);

    private Task<List<string>> KeysAsync() => database.ReadAsync(w => w.Query("SELECT key FROM engine ORDER BY key", r => r.GetString(0)));

    /// <summary>Applies changes in one batch, and gives the type of what each ended with; null for success.</summary>
    private async Task<List<Type?>> ApplyTogetherAsync(params Action<DatabaseWriter>[] changes)
    {
        using var gate = new ManualResetEventSlim();
        var begun = new TaskCompletionSource();
        var first = database.WriteAsync(_ =>
        {
            begun.SetResult();
            gate.Wait();
        });
        await begun.Task;
        var ends = EndsOfAsync(changes);   // they queue up
        gate.Set();
        await first;
        return await ends;
    }

    private async Task<List<Type?>> EndsOfAsync(params Action<DatabaseWriter>[] changes)
    {
        var all = changes.Select(database.WriteAsync).ToList();
        await Task.WhenAll(all).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return [.. all.Select(t => t.Exception?.InnerException?.GetType())];
    }

    [Fact]
    public async Task A_change_that_fails_is_undone_alone()
    {
        var ends = await ApplyTogetherAsync(Insert("a"), w =>
        {
            Insert("b")(w);
            throw new InvalidOperationException();
        }, Insert("c"));
        Assert.Equal([null, typeof(InvalidOperationException), null], ends);
        Assert.Equal(["a", "c"], await KeysAsync());
    }

    [Fact]
    public async Task When_the_transaction_is_lost_its_whole_batch_fails_and_the_next_is_written()
    {
        var ends = await ApplyTogetherAsync(Insert("a"), w =>
        {
            w.Execute("ROLLBACK");   // as SQLite does by itself on a full disk
            throw new IOException();
        }, Insert("c"));
        Assert.Equal([typeof(IOException), typeof(IOException), typeof(IOException)], ends);
        await database.WriteAsync(Insert("d"));
        Assert.Equal(["d"], await KeysAsync());
    }

    [Fact]
    public async Task When_no_transaction_can_begin_the_batch_fails_and_the_next_is_tried()
    {
        DatabaseWriter writer = null!;
        await database.WriteAsync(w => (writer = w).Execute("PRAGMA query_only=ON"));
        Assert.Equal([typeof(SqliteException), typeof(SqliteException)], await EndsOfAsync(Insert("a"), Insert("b")));
        writer.Execute("PRAGMA query_only=OFF");   // nothing else uses the connection while the queue is empty
        await database.WriteAsync(Insert("c"));
        Assert.Equal(["c"], await KeysAsync());
    }
}
