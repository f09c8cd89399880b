using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Removes containers.</summary>
[Cmdlet(VerbsCommon.Remove, "Container", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = "Container")]
[OutputType(typeof(void))]
public sealed class RemoveContainerCommand : EngineCmdlet
{
    /// <summary>Containers: objects, names, ids or beginnings of ids, or wildcard patterns over names.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Container", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Id", "Name", "ContainerId")]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public ContainerReference[] Container { get; set; } = [];

    /// <summary>Remove every container that does not run.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Unused")]
    public SwitchParameter Unused { get; set; }

    /// <summary>Do not ask, and end those that run.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Remove their anonymous volumes too.</summary>
    [Parameter]
    [Alias("RemoveVolumes")]
    public SwitchParameter Volume { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        if (Unused)
        {
            foreach (var target in await UnusedAsync(cancellation)) await RemoveAsync(target, cancellation);
            return;
        }
        await foreach (var target in ContainerResolver.ResolveAsync(this, Container, cancellation)) await RemoveAsync(target, cancellation);
    }

    private async Task RemoveAsync(ContainerTarget target, CancellationToken cancellation)
    {
        if (!Approve(target.ToString(), "Remove", Force)) return;
        await SubmitInOrderAsync(target.ToString(), async token =>
        {
            await target.Client.RemoveContainerAsync(target.Id, Force, Volume, token);
            WriteVerbose($"Removed {target}.");
        }, cancellation);
    }

    private async Task<List<ContainerTarget>> UnusedAsync(CancellationToken cancellation)
    {
        var session = await SessionForAsync(null, cancellation);
        var found = new List<ContainerTarget>();
        await foreach (var row in session.Client.ListContainersAsync(new Filters().Add("status", ["created", "exited", "dead"]), size: false, cancellation))
            found.Add(new ContainerTarget(row.Id, Objects.Container.PrimaryName(row.Names), session));
        return found;
    }
}
