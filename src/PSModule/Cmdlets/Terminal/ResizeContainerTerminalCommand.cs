using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Tells the terminals of containers, or of processes in them, how large their windows are.</summary>
[Cmdlet(VerbsCommon.Resize, "ContainerTerminal", SupportsShouldProcess = true, DefaultParameterSetName = "Container")]
[OutputType(typeof(void))]
public sealed class ResizeContainerTerminalCommand : EngineCmdlet
{
    /// <summary>Containers: objects, names, ids or beginnings of ids, or wildcard patterns over names.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Container", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Name", "ContainerId")]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    [SupportsWildcards]
    public ContainerReference[] Container { get; set; } = [];

    /// <summary>Processes: objects of Start-ContainerProcess and Get-ContainerExec, or ids.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Exec")]
    public ExecReference[] Exec { get; set; } = [];

    /// <summary>Columns.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateRange(1, 65535)]
    public int Width { get; set; }

    /// <summary>Rows.</summary>
    [Parameter(Mandatory = true, Position = 2)]
    [ValidateRange(1, 65535)]
    public int Height { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        if (ParameterSetName == "Exec")
        {
            foreach (var reference in Exec)
            {
                var session = await SessionForAsync(reference.Session, cancellation);
                if (ShouldProcess(reference.Id, Action)) await SubmitInOrderAsync(reference.Id, token => session.Client.ResizeExecAsync(reference.Id, Width, Height, token), cancellation);
            }
            return;
        }
        await foreach (var target in ContainerResolver.ResolveAsync(this, Container, cancellation))
        {
            if (ShouldProcess(target.ToString(), Action)) await SubmitInOrderAsync(target.ToString(), token => target.Client.ResizeContainerAsync(target.Id, Width, Height, token), cancellation);
        }
    }

    private string Action => $"Resize to {Width} x {Height}";
}
