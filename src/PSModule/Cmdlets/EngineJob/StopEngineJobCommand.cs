using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Asks engine jobs to end.</summary>
[Cmdlet(VerbsLifecycle.Stop, "EngineJob", SupportsShouldProcess = true)]
[OutputType(typeof(EngineJob))]
public sealed class StopEngineJobCommand : EngineCmdlet
{
    /// <summary>Jobs: objects or ids.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(EngineJobCompleter))]
    public EngineJobReference[] Id { get; set; } = [];

    /// <summary>Give the jobs back as they are afterwards.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        foreach (var reference in Id)
        {
            if (!ShouldProcess(reference.ToString(), "Stop the engine job")) continue;
            await SubmitInOrderAsync(reference.Id, token => StopAsync(reference, token), cancellation);
        }
    }

    /// <summary>A job that has ended is left alone: the engine would forget its result.</summary>
    private async Task StopAsync(EngineJobReference reference, CancellationToken cancellation)
    {
        var session = await SessionForAsync(reference.Session, cancellation);
        var job = new EngineJob(await session.Client.ReadJobAsync(reference.Id, wait: false, cancellation), session);
        if (job.HasEnded)
        {
            WriteVerbose($"The engine job {job} has ended already.");
        }
        else
        {
            await session.Client.StopJobAsync(reference.Id, cancellation);
            if (PassThru) job = new EngineJob(await session.Client.ReadJobAsync(reference.Id, wait: true, cancellation), session);
        }
        if (PassThru) WriteObject(job);
    }
}
