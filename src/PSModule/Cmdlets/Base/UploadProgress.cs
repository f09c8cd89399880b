using System.Diagnostics;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>A bar for bytes that go to or come from an engine. Reports may come from any thread and often; few of them are shown.</summary>
internal sealed class UploadProgress(AsyncCmdlet cmdlet, string activity, long total) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private readonly ProgressBar bar = new(cmdlet, activity);
    private long shownAt = Stopwatch.GetTimestamp();

    /// <param name="bytes">So far.</param>
    public void Report(long bytes)
    {
        long shown = Interlocked.Read(ref shownAt), now = Stopwatch.GetTimestamp();
        if (Stopwatch.GetElapsedTime(shown, now) < Interval || Interlocked.CompareExchange(ref shownAt, now, shown) != shown) return;
        cmdlet.OnPipeline(() => bar.Show(ByteSize.Format(bytes) + (total > 0 ? " of " + ByteSize.Format(total) : ""), ProgressBar.Percent(bytes, total)));
    }

    public void Dispose() => bar.Dispose();
}
