using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Stops containers and starts them again; starts those that do not run.</summary>
[Cmdlet(VerbsLifecycle.Restart, "Container", SupportsShouldProcess = true)]
[OutputType(typeof(Container))]
public sealed class RestartContainerCommand : ContainerEndCmdlet
{
    private protected override string Change => "Restart";

    private protected override async Task ChangeAsync(ContainerTarget target, CancellationToken cancellation)
    {
        await target.Client.RestartContainerAsync(target.Id, EndSignal, EndTimeout, cancellation);
        WriteVerbose($"Restarted {target}.");
    }
}
