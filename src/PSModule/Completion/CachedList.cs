using System.Diagnostics;

namespace Gantry.PowerShell.Completion;

/// <summary>A list that completions read: fetched in the background, used for a short while, never waited for longer than a person would.</summary>
internal sealed class CachedList<T>(Func<CancellationToken, Task<IReadOnlyList<T>>> load)
{
    /// <summary>How long one key press may wait (the prompt's own people say that more than this is felt).</summary>
    public static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(2), GiveUp = TimeSpan.FromSeconds(10);

    private readonly object gate = new();
    private IReadOnlyList<T> items = [];
    private Task? loading;
    private long loadedAt;

    /// <summary>The items; old ones, or none, when the engine does not answer within the budget. What it answers later is there for the next call.</summary>
    public IReadOnlyList<T> Get()
    {
        Task task;
        lock (gate)
        {
            if (loadedAt != 0 && Stopwatch.GetElapsedTime(loadedAt) < Freshness) return items;
            task = loading ??= Task.Run(LoadAsync);
        }
        task.Wait(Budget);   // completers are synchronous by contract; the load itself never fails
        lock (gate) return items;
    }

    private async Task LoadAsync()
    {
        IReadOnlyList<T>? loaded = null;
        try
        {
            using var limit = new CancellationTokenSource(GiveUp);
            loaded = await load(limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is Objects.ContainerEngineException or OperationCanceledException)
        {
            // No engine, no completions: the command itself will say what is wrong.
        }
        lock (gate)
        {
            items = loaded ?? [];
            loadedAt = Stopwatch.GetTimestamp();
            loading = null;
        }
    }
}
