using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Freezes all processes of running containers.</summary>
[Cmdlet(VerbsLifecycle.Suspend, "Container", SupportsShouldProcess = true)]
[Alias("Pause-Container")]
[OutputType(typeof(Container))]
public sealed class SuspendContainerCommand : ContainerChangeCmdlet
{
    private protected override string Change => "Suspend";

    private protected override async Task ChangeAsync(ContainerTarget target, CancellationToken cancellation)
    {
        await target.Client.PauseContainerAsync(target.Id, cancellation);
        WriteVerbose($"Suspended {target}.");
    }
}
