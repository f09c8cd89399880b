using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Runs asynchronous code on the thread that pumps it, so that everything between two awaits may call the cmdlet's Write methods.</summary>
/// <remarks>
/// One pump serves one cmdlet from its first record to its last: what still runs when a record has been dealt with goes on in the next one.
/// After <see cref="Close"/> continuations run on the thread pool, where they can only clean up.
/// </remarks>
internal sealed class PipelinePump : SynchronizationContext
{
    private readonly BlockingCollection<Action> queue = [];
    private volatile bool closed;

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (!closed)
        {
            try
            {
                queue.Add(() => d(state));
                return;
            }
            catch (InvalidOperationException)
            {
                // Closed between the look and the call.
            }
        }
        ThreadPool.QueueUserWorkItem(_ => d(state));
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("The pipeline thread is not waited for.");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Runs something on the pumping thread, soon, without waiting for it. Any thread may ask.</summary>
    public void Post(Action action) => Post(static state => ((Action)state!)(), action);

    /// <summary>Runs until <paramref name="body"/> has ended; its exception is thrown here.</summary>
    public void Run(Func<Task> body)
    {
        var previous = Current;
        SetSynchronizationContext(this);
        try
        {
            var task = body();
            if (!task.IsCompleted)
            {
                bool done = false;
                task.ContinueWith(_ => Post(() => done = true), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                while (!done) queue.Take()();
            }
            else
            {
                while (queue.TryTake(out var ready)) ready();
            }
            if (task.IsCanceled) throw new OperationCanceledException();
            if (task.Exception is { } error) ExceptionDispatchInfo.Throw(error.InnerException ?? error);
        }
        finally
        {
            SetSynchronizationContext(previous);
        }
    }

    /// <summary>Nothing is pumped any more.</summary>
    public void Close()
    {
        if (closed) return;
        closed = true;
        queue.CompleteAdding();
        while (queue.TryTake(out var late)) ThreadPool.QueueUserWorkItem(_ => late());
    }
}
