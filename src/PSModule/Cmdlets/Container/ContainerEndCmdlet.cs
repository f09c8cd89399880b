using System.Management.Automation;
using Gantry.PowerShell.Completion;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>The base of cmdlets that end what runs in containers: all at the same time, each with its time to end by itself.</summary>
public abstract class ContainerEndCmdlet : ContainerChangeCmdlet, IRunsAsJob
{
    /// <summary>The signal that asks them to end. Default: the container's own, mostly SIGTERM.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SignalCompleter))]
    public string? Signal { get; set; }

    /// <summary>Seconds until SIGKILL; -1 waits without end. Default: the container's own, mostly 10.</summary>
    [Parameter]
    [ValidateRange(-1, int.MaxValue)]
    public int? TimeoutSec { get; set; }

    /// <summary>Do not ask: SIGKILL at once.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override bool IsConcurrent => true;

    private protected string? EndSignal => Force ? "SIGKILL" : Signal;

    private protected int? EndTimeout => Force ? 0 : TimeoutSec;
}
