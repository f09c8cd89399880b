using Gantry.Linux.Polling;
using Gantry.Linux.Processes;

namespace Gantry.Daemon.Execution;

/// <summary>Waits for processes to end, without a thread for each.</summary>
internal sealed class ProcessEnds(EventLoop loop)
{
    /// <summary>Completes when the process has ended; it is not reaped by that.</summary>
    public async Task WaitAsync(PidFd process, CancellationToken cancellation)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        EventLoop.Watch? watch = null;
        using var own = process.Duplicate();   // stays open as long as it is watched
        loop.Post(() => watch = loop.Add(own, Readiness.Readable, _ => ended.TrySetResult()));
        try
        {
            await ended.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            var removed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            loop.Post(() =>
            {
                watch?.Remove();
                removed.SetResult();
            });
            await removed.Task.ConfigureAwait(false);
        }
    }
}
