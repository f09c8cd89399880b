using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>What is waited for.</summary>
public enum ContainerWaitCondition
{
    /// <summary>It does not run; at once when it does not now.</summary>
    NotRunning,

    /// <summary>It ends the next time, whether it runs now or not.</summary>
    NextExit,

    /// <summary>It has been removed.</summary>
    Removed,
}

/// <summary>Waits until containers have ended, all at the same time, and says how each ended as soon as it has.</summary>
[Cmdlet(VerbsLifecycle.Wait, "Container", DefaultParameterSetName = "Exit")]
[OutputType(typeof(ContainerExit), ParameterSetName = ["Exit"])]
[OutputType(typeof(Container), ParameterSetName = ["Healthy"])]
public sealed class WaitContainerCommand : ContainerCmdlet, IRunsAsJob
{
    /// <summary>What to wait for.</summary>
    [Parameter(ParameterSetName = "Exit")]
    public ContainerWaitCondition Condition { get; set; }

    /// <summary>Wait until their health checks succeed, and give the containers back.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Healthy")]
    public SwitchParameter Healthy { get; set; }

    /// <summary>Most seconds to wait for each; 0 is no limit.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int TimeoutSec { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override bool IsConcurrent => true;

    private protected override Task ActAsync(ContainerTarget target, CancellationToken cancellation) => Healthy
        ? WithinAsync(TimeoutSec, $"The wait for {target} to be healthy", token => UntilHealthyAsync(target, token), cancellation)
        : WithinAsync(TimeoutSec, $"The container {target}", token => UntilExitAsync(target, token), cancellation);

    private async Task UntilExitAsync(ContainerTarget target, CancellationToken cancellation)
    {
        string condition = Condition switch { ContainerWaitCondition.NextExit => "next-exit", ContainerWaitCondition.Removed => "removed", _ => "not-running" };
        var answer = await await target.Client.BeginWaitAsync(target.Id, condition, cancellation);
        WriteObject(new ContainerExit(target.Id, target.Name, (int)answer.StatusCode, answer.Error?.Message, target.Session));
    }

    private async Task UntilHealthyAsync(ContainerTarget target, CancellationToken cancellation)
    {
        await HealthWait.UntilHealthyAsync(target, cancellation);
        if (await ContainerQuery.FindAsync(target.Session, target.Id, cancellation) is { } container) WriteObject(container);
    }
}
