using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Lets the processes of suspended containers go on.</summary>
[Cmdlet(VerbsLifecycle.Resume, "Container", SupportsShouldProcess = true)]
[Alias("Unpause-Container")]
[OutputType(typeof(Container))]
public sealed class ResumeContainerCommand : ContainerChangeCmdlet
{
    private protected override string Change => "Resume";

    private protected override async Task ChangeAsync(ContainerTarget target, CancellationToken cancellation)
    {
        await target.Client.UnpauseContainerAsync(target.Id, cancellation);
        WriteVerbose($"Resumed {target}.");
    }
}
