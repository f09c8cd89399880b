using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Stops containers: asks them to end, and ends those that do not.</summary>
[Cmdlet(VerbsLifecycle.Stop, "Container", SupportsShouldProcess = true)]
[OutputType(typeof(Container))]
public sealed class StopContainerCommand : ContainerEndCmdlet
{
    private protected override string Change => Force ? "Kill" : "Stop";

    private protected override async Task ChangeAsync(ContainerTarget target, CancellationToken cancellation)
    {
        bool stopped = await target.Client.StopContainerAsync(target.Id, EndSignal, EndTimeout, cancellation);
        WriteVerbose(stopped ? $"Stopped {target}." : $"{target} does not run.");
    }
}
