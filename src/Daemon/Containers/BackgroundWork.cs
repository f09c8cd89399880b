using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Containers;

/// <summary>Owns work that nobody waits for: its errors are logged, and its end is waited for at shutdown.</summary>
internal sealed partial class BackgroundWork(ILogger log) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Task, byte> running = new();
    private readonly CancellationTokenSource stop = new();

    /// <param name="what">For the log, should it fail.</param>
    public void Run(string what, Func<CancellationToken, Task> work)
    {
        var task = Task.Run(() => Guard(what, work));
        running.TryAdd(task, 0);
        task.ContinueWith(t => running.TryRemove(t, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task Guard(string what, Func<CancellationToken, Task> work)
    {
        try
        {
            await work(stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The engine ends.
        }
        catch (Exception e)
        {
            LogFailed(log, what, e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(running.Keys).ConfigureAwait(false);
        stop.Dispose();
    }

    [LoggerMessage(1, LogLevel.Error, "{What} failed")]
    private static partial void LogFailed(ILogger log, string what, Exception error);
}
