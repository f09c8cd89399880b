using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Shows processes that were started in containers besides their own.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerExec", DefaultParameterSetName = "Container")]
[OutputType(typeof(ContainerExec))]
public sealed class GetContainerExecCommand : EngineCmdlet
{
    /// <summary>Containers whose processes are wanted: objects, names, ids, or wildcard patterns.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Container", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Name", "ContainerId")]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    [SupportsWildcards]
    public ContainerReference[] Container { get; set; } = [];

    /// <summary>Processes: objects of this cmdlet and of Start-ContainerProcess, or ids.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Id")]
    public ExecReference[] Id { get; set; } = [];

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        if (ParameterSetName == "Id")
        {
            foreach (var reference in Id)
            {
                var session = await SessionForAsync(reference.Session, cancellation);
                await SubmitInOrderAsync(reference.Id, async token =>
                {
                    var exec = await session.Client.InspectExecAsync(reference.Id, token);
                    var container = await ContainerQuery.FindAsync(session, exec.ContainerID, token);
                    WriteObject(new ContainerExec(exec, container?.Name ?? "", session));
                }, cancellation);
            }
            return;
        }
        await foreach (var target in ContainerResolver.ResolveAsync(this, Container, cancellation))
        {
            await SubmitInOrderAsync(target.ToString(), async token =>
            {
                var detail = await target.Client.InspectContainerAsync(target.Id, size: false, token);
                foreach (string id in detail.ExecIDs ?? []) WriteObject(await ExecRun.InspectAsync(target, id, token));
            }, cancellation);
        }
    }
}
