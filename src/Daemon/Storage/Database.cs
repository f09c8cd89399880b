using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Gantry.Daemon.Storage;

/// <summary>The engine's one SQLite database: a single writer thread that commits what has queued up in one transaction, so that many callers share one sync to disk.</summary>
/// <remarks>
/// WAL with <c>synchronous=FULL</c>: what <see cref="WriteAsync"/> has completed survives a power cut. A change that fails (a name that is taken) is
/// rolled back alone, by a savepoint; its neighbours in the batch go through. Readers use snapshots in memory and never come here after start.
/// </remarks>
public sealed class Database : IAsyncDisposable
{
    private readonly SqliteConnection connection;
    private readonly DatabaseWriter writer;
    private readonly Channel<Change> queue = Channel.CreateUnbounded<Change>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Thread thread;

    private Database(SqliteConnection connection)
    {
        this.connection = connection;
        writer = new DatabaseWriter(connection);
        thread = new Thread(Run) { IsBackground = true, Name = "database writer" };
    }

    /// <summary>Opens or creates the database file and brings its schema up to date.</summary>
    /// <exception cref="SqliteException">The file is not a database, or another program holds it.</exception>
    public static Database Open(string path)
    {
        SQLitePCL.Batteries_V2.Init();
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        var database = new Database(connection);
        database.writer.Execute("PRAGMA journal_mode=WAL");
        database.writer.Execute("PRAGMA synchronous=FULL");
        database.writer.Execute("PRAGMA foreign_keys=ON");
        database.writer.Execute("PRAGMA busy_timeout=5000");
        Schema.Upgrade(database.writer);
        database.thread.Start();
        return database;
    }

    /// <summary>Applies a change; the task completes when it is on disk. Its exception, if it throws, undoes just this change.</summary>
    public Task WriteAsync(Action<DatabaseWriter> change)
    {
        var item = new Change(change, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        if (!queue.Writer.TryWrite(item)) throw new ObjectDisposedException(nameof(Database));
        return item.Done!.Task;
    }

    /// <summary>Applies a change after all that were asked for before it. Nobody waits: it is on disk with the next commit, milliseconds later.</summary>
    public void Post(Action<DatabaseWriter> change) => queue.Writer.TryWrite(new Change(change, null));

    /// <summary>Runs a query on the writer's thread, between two transactions: for start-up and for the event journal.</summary>
    public async Task<T> ReadAsync<T>(Func<DatabaseWriter, T> query)
    {
        T result = default!;
        await WriteAsync(w => result = query(w)).ConfigureAwait(false);
        return result;
    }

    private readonly record struct Change(Action<DatabaseWriter> Apply, TaskCompletionSource? Done);

    private void Run()
    {
        var batch = new List<Change>();
        var reader = queue.Reader;
        while (WaitForChange(reader))
        {
            batch.Clear();
            while (batch.Count < 256 && reader.TryRead(out var change)) batch.Add(change);
            try
            {
                writer.Execute("BEGIN IMMEDIATE");
                foreach (var change in batch) Apply(change);
                writer.Execute("COMMIT");
            }
            catch (Exception e)
            {
                // A full or failing disk, or another program that holds the file. The transaction is gone; whoever waits learns why, and the next batch is tried.
                writer.TryExecute("ROLLBACK");
                foreach (var change in batch) change.Done?.TrySetException(e);
                continue;
            }
            foreach (var change in batch) change.Done?.TrySetResult();
        }
    }

    private static bool WaitForChange(ChannelReader<Change> reader)
    {
        var wait = reader.WaitToReadAsync();
        return wait.IsCompletedSuccessfully ? wait.Result : wait.AsTask().GetAwaiter().GetResult();   // the writer's own thread: nothing else waits on it
    }

    /// <summary>Applies a change, or fails it alone. An exception ends the whole batch.</summary>
    private void Apply(Change change)
    {
        writer.Execute("SAVEPOINT change");
        try
        {
            change.Apply(writer);
            writer.Execute("RELEASE change");
        }
        catch (Exception e)
        {
            change.Done?.TrySetException(e);
            // After some errors SQLite has rolled back the whole transaction by itself (sqlite.org/lang_transaction.html), and the savepoint has gone with it.
            if (!writer.TryExecute("ROLLBACK TO change") || !writer.TryExecute("RELEASE change")) throw;
        }
    }

    /// <summary>Commits what is queued and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!queue.Writer.TryComplete()) return;
        await Task.Run(thread.Join).ConfigureAwait(false);
        writer.Dispose();
        await connection.DisposeAsync().ConfigureAwait(false);
    }
}
