using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Lists the engine's jobs: those that run, and detached ones that have ended.</summary>
[Cmdlet(VerbsCommon.Get, "EngineJob")]
[OutputType(typeof(EngineJob))]
public sealed class GetEngineJobCommand : EngineCmdlet
{
    /// <summary>Ids. Default: all jobs.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(EngineJobCompleter))]
    public EngineJobReference[]? Id { get; set; }

    /// <summary>Only runs of these commands, with wildcards.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(CommandCompleter))]
    [SupportsWildcards]
    public string[]? Command { get; set; }

    /// <summary>Only jobs that are so far.</summary>
    [Parameter]
    public EngineJobStatus[]? Status { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        if (Id is null)
        {
            var session = await SessionForAsync(null, cancellation);
            await foreach (var description in session.Client.ListJobsAsync(cancellation)) WriteSuitable(new EngineJob(description, session));
            return;
        }
        foreach (var reference in Id)
        {
            await SubmitInOrderAsync(reference.Id, async token =>
            {
                var session = await SessionForAsync(reference.Session, token);
                WriteSuitable(new EngineJob(await session.Client.ReadJobAsync(reference.Id, wait: false, token), session));
            }, cancellation);
        }
    }

    private void WriteSuitable(EngineJob job)
    {
        if (Status is not null && !Status.Contains(job.Status)) return;
        if (Command is not null && !Command.Any(c => new WildcardPattern(c, WildcardOptions.IgnoreCase).IsMatch(job.Command))) return;
        WriteObject(job);
    }
}
