using System.Management.Automation;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Work on items: one after another, side by side, or later in a job.</summary>
public abstract partial class AsyncCmdlet
{
    private readonly List<Task> concurrent = [];
    private readonly List<Func<CancellationToken, Task>> jobWork = [];

    private bool IsJob => this is IRunsAsJob { AsJob.IsPresent: true };

    /// <summary>Does the work for one item before the next one comes, or keeps it for the job. A failure becomes an error with the item as its target.</summary>
    internal Task SubmitInOrderAsync(object? target, Func<CancellationToken, Task> work, CancellationToken cancellation)
    {
        if (!IsJob) return ForItemAsync(target, work, cancellation);
        jobWork.Add(token => ForItemAsync(target, work, token));
        return Task.CompletedTask;
    }

    /// <summary>Begins the work for one item and lets it end while others are dealt with; the end of the pipeline waits for all. Or keeps it for the job.</summary>
    internal void Submit(object? target, Func<CancellationToken, Task> work)
    {
        if (IsJob)
        {
            jobWork.Add(token => ForItemAsync(target, work, token));
            return;
        }
        ThrowEarlyFailure();
        concurrent.Add(ForItemAsync(target, work, Cancellation));
    }

    private async Task ForItemAsync(object? target, Func<CancellationToken, Task> work, CancellationToken cancellation)
    {
        try
        {
            await work(cancellation);
        }
        catch (ContainerEngineException e)
        {
            WriteError(ErrorRecords.From(e, target));
        }
    }

    private async Task JoinAsync()
    {
        while (concurrent.Count > 0)
        {
            var ended = await Task.WhenAny(concurrent);
            concurrent.Remove(ended);
            await ended;
        }
        if (jobWork.Count > 0) StartJob();
    }

    /// <summary>A Write call that failed inside a concurrent item must end the pipeline now, not at its end.</summary>
    private void ThrowEarlyFailure()
    {
        concurrent.Find(t => t.IsFaulted)?.GetAwaiter().GetResult();
        concurrent.RemoveAll(t => t.IsCompleted);
    }

    /// <summary>Where a job's work is done, for its Location property.</summary>
    private protected virtual string Location => "";

    private void StartJob()
    {
        var job = new ContainerJob(MyInvocation.Line.Trim(), Location, jobWork);
        JobRepository.Add(job);
        WriteObject(job);
        RedirectOutput(job);
        job.Start();
    }

    /// <summary>Ends the work with a timeout error when it lasts longer than <paramref name="seconds"/>; null and 0 are no limit.</summary>
    internal static async Task WithinAsync(double? seconds, string what, Func<CancellationToken, Task> work, CancellationToken cancellation)
    {
        if (seconds is not > 0)
        {
            await work(cancellation);
            return;
        }
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(seconds.Value));
        try
        {
            await work(limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new ContainerEngineException(EngineErrorKind.Timeout, $"{what} did not end within {seconds} s.");
        }
    }

    /// <summary>Whether a dangerous change may be made: <c>-Force</c> takes the place of the question, never of <c>-WhatIf</c>.</summary>
    internal bool Approve(string target, string action, bool force)
    {
        bool asked = MyInvocation.BoundParameters.TryGetValue("Confirm", out object? confirm) && LanguagePrimitives.IsTrue(confirm);
        bool whatIf = MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? given) ? LanguagePrimitives.IsTrue(given) : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));
        return (force && !asked && !whatIf) || ShouldProcess(target, action);
    }
}
