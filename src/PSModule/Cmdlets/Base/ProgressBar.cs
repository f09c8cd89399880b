using System.Management.Automation;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>One bar of a cmdlet, from its first report until it is disposed of.</summary>
/// <param name="activity">What is being done: <c>Pulling busybox:latest</c>.</param>
/// <param name="parent">The bar that this one stands below.</param>
internal sealed class ProgressBar(AsyncCmdlet cmdlet, string activity, ProgressBar? parent = null) : IDisposable
{
    private static int lastId = 1000;

    private readonly int id = Interlocked.Increment(ref lastId);
    private bool ended;

    /// <param name="percent">-1 where nobody can say.</param>
    public void Show(string status, int percent)
    {
        if (!ended) cmdlet.WriteProgress(Record(status, percent));
    }

    /// <summary>Takes the bar away. False when it has gone already.</summary>
    public bool End(string status = "Ended")
    {
        if (ended) return false;
        ended = true;
        var last = Record(status, 100);
        last.RecordType = ProgressRecordType.Completed;
        cmdlet.WriteProgress(last);
        return true;
    }

    private ProgressRecord Record(string status, int percent)
    {
        var record = new ProgressRecord(id, activity, status.Length > 0 ? status : " ") { PercentComplete = percent };
        if (parent is not null) record.ParentActivityId = parent.id;
        return record;
    }

    /// <summary>-1 where the whole is not known.</summary>
    public static int Percent(long part, long whole) => whole > 0 ? (int)Math.Clamp(part * 100 / whole, 0, 100) : -1;

    public void Dispose() => End();
}
