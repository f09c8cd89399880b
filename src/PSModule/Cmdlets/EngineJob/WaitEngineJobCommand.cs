using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Waits until engine jobs have ended, all at the same time.</summary>
[Cmdlet(VerbsLifecycle.Wait, "EngineJob")]
[OutputType(typeof(EngineJob))]
public sealed class WaitEngineJobCommand : EngineCmdlet, IRunsAsJob
{
    /// <summary>Jobs: objects or ids.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(EngineJobCompleter))]
    public EngineJobReference[] Id { get; set; } = [];

    /// <summary>Most seconds to wait; 0 is no limit. The job goes on.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int TimeoutSec { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    internal override Task ProcessAsync(CancellationToken cancellation)
    {
        foreach (var reference in Id)
            Submit(reference.Id, token => WithinAsync(TimeoutSec, $"The engine job {reference}", limited => WaitAsync(reference, limited), token));
        return Task.CompletedTask;
    }

    private async Task WaitAsync(EngineJobReference reference, CancellationToken cancellation)
    {
        var session = await SessionForAsync(reference.Session, cancellation);
        WriteObject(new EngineJob(await session.Client.ReadJobAsync(reference.Id, wait: true, cancellation), session));
    }
}
