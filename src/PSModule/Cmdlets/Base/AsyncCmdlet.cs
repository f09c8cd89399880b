using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>The base of every cmdlet: asynchronous bodies that run on the pipeline thread, cancellation when the pipeline stops, and failures as error records.</summary>
/// <remarks>
/// Begin, process and end run in a <see cref="PipelinePump"/>: an await gives the thread back to the pump and not to PowerShell, so results can be written the
/// moment they arrive, and an exception of a Write call (<c>Select-Object -First</c> has enough, <c>-ErrorAction Stop</c>) unwinds the body like any other.
/// </remarks>
public abstract partial class AsyncCmdlet : PSCmdlet, IDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly PipelinePump pump = new();
    private bool disposed;
    private bool? isTraced;

    /// <summary>Fires when the pipeline is stopped or has ended.</summary>
    internal CancellationToken Cancellation => stopping.Token;

    internal virtual Task BeginAsync(CancellationToken cancellation) => Task.CompletedTask;

    internal virtual Task ProcessAsync(CancellationToken cancellation) => Task.CompletedTask;

    internal virtual Task EndAsync(CancellationToken cancellation) => Task.CompletedTask;

    protected sealed override void BeginProcessing() => Pump(BeginAsync);

    protected sealed override void ProcessRecord() => Pump(ProcessAsync);

    protected sealed override void EndProcessing() => Pump(async cancellation =>
    {
        await EndAsync(cancellation);
        await JoinAsync();
    });

    protected sealed override void StopProcessing() => stopping.Cancel();

    /// <summary>Runs something on the pipeline's (or the job's) thread, soon. Any thread may ask.</summary>
    internal void OnPipeline(Action action)
    {
        if (redirected is ContainerJob job) job.Post(action);
        else pump.Post(() => { if (!disposed) action(); });
    }

    private void Pump(Func<CancellationToken, Task> body)
    {
        var trace = RequestTrace.Current;
        if (isTraced ??= IsDebugWanted()) RequestTrace.Current = line => OnPipeline(() => WriteDebug(line));
        try
        {
            pump.Run(() => body(stopping.Token));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
        catch (ContainerEngineException e)
        {
            ThrowTerminatingError(ErrorRecords.From(e, null));
        }
        finally
        {
            RequestTrace.Current = trace;
        }
    }

    private bool IsDebugWanted() =>
        MyInvocation.BoundParameters.ContainsKey("Debug")
        || LanguagePrimitives.ConvertTo<string>(GetVariableValue("DebugPreference")) is { Length: > 0 } preference && preference != nameof(ActionPreference.SilentlyContinue);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of what a pipeline that ended early has left behind. Writes nothing.</summary>
    private protected virtual ValueTask CleanUpAsync() => ValueTask.CompletedTask;

    protected virtual void Dispose(bool disposing)
    {
        if (disposed || !disposing) return;
        disposed = true;
        stopping.Cancel();
        pump.Run(() => CleanUpAsync().AsTask());
        pump.Close();
    }
}
