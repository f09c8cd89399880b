using System.Globalization;
using System.Management.Automation;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>A cmdlet's work that goes on in the background: what <c>-AsJob</c> gives, for Get-Job, Wait-Job, Receive-Job and Stop-Job.</summary>
/// <remarks>It needs no runspace: a thread of its own pumps the cmdlet's asynchronous work, and results go into the job's streams.</remarks>
public sealed class ContainerJob : Job, ICmdletOutput
{
    private readonly CancellationTokenSource stopping = new();
    private readonly IReadOnlyList<Func<CancellationToken, Task>> work;
    private readonly PipelinePump pump = new();
    private readonly string location;

    internal ContainerJob(string command, string location, IReadOnlyList<Func<CancellationToken, Task>> work)
        : base(command)
    {
        this.location = location;
        this.work = work;
        PSJobTypeName = nameof(ContainerJob);
    }

    public override bool HasMoreData =>
        Output.Count > 0 || Error.Count > 0 || Warning.Count > 0 || Verbose.Count > 0 || Debug.Count > 0 || Progress.Count > 0 || Information.Count > 0;

    /// <summary>The engine's address.</summary>
    public override string Location => location;

    public override string StatusMessage => "";

    internal void Start()
    {
        SetJobState(JobState.Running);
        new Thread(Execute) { IsBackground = true, Name = $"Gantry job {Id.ToString(CultureInfo.InvariantCulture)}" }.Start();
    }

    /// <summary>Runs something on the job's thread, soon.</summary>
    internal void Post(Action action) => pump.Post(action);

    public override void StopJob()
    {
        if (JobStateInfo.State is JobState.Completed or JobState.Failed or JobState.Stopped) return;
        SetJobState(JobState.Stopping);
        stopping.Cancel();
        Finished.WaitOne();
    }

    private void Execute()
    {
        var end = JobState.Completed;
        try
        {
            pump.Run(() => Task.WhenAll(work.Select(item => item(stopping.Token))));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            end = JobState.Stopped;
        }
        catch (ContainerEngineException e)
        {
            Error.Add(ErrorRecords.From(e, null));
            end = JobState.Failed;
        }
        catch (Exception e)
        {
            Error.Add(new ErrorRecord(e, "JobFailed", ErrorCategory.NotSpecified, null));
            end = JobState.Failed;
        }
        pump.Close();
        SetJobState(stopping.IsCancellationRequested ? JobState.Stopped : end);
    }

    void ICmdletOutput.WriteObject(object? value, bool enumerate)
    {
        if (enumerate && value is System.Collections.IEnumerable items and not string)
        {
            foreach (object? item in items) Output.Add(PSObject.AsPSObject(item));
        }
        else if (value is not null)
        {
            Output.Add(PSObject.AsPSObject(value));
        }
    }

    void ICmdletOutput.WriteError(ErrorRecord error) => Error.Add(error);

    void ICmdletOutput.WriteWarning(string text) => Warning.Add(new WarningRecord(text));

    void ICmdletOutput.WriteVerbose(string text) => Verbose.Add(new VerboseRecord(text));

    void ICmdletOutput.WriteDebug(string text) => Debug.Add(new DebugRecord(text));

    void ICmdletOutput.WriteProgress(ProgressRecord progress) => Progress.Add(progress);

    void ICmdletOutput.WriteInformation(object message, string[] tags)
    {
        var record = new InformationRecord(message, PSJobTypeName);
        record.Tags.AddRange(tags);
        Information.Add(record);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) stopping.Cancel();
        base.Dispose(disposing);
    }
}
