using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;
using Gantry.Protocol.Streams;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Attaches to running containers and gives what they write, line by line, until they end.</summary>
[Cmdlet(VerbsCommunications.Receive, "ContainerOutput")]
[OutputType(typeof(string))]
public sealed class ReceiveContainerOutputCommand : ContainerCmdlet, IRunsAsJob
{
    /// <summary>Only one of the two streams.</summary>
    [Parameter]
    public ContainerStream? Stream { get; set; }

    /// <summary>What they have written before, too.</summary>
    [Parameter]
    public SwitchParameter Past { get; set; }

    /// <summary>Where lines of standard error go.</summary>
    [Parameter]
    public StandardErrorTarget StandardError { get; set; }

    /// <summary>Most seconds to listen; 0 is no limit.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int TimeoutSec { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override bool IsConcurrent => true;

    private protected override Task ActAsync(ContainerTarget target, CancellationToken cancellation) =>
        WithinAsync(TimeoutSec, $"The output of {target}", token => ReadAsync(target, token), cancellation);

    private async Task ReadAsync(ContainerTarget target, CancellationToken cancellation)
    {
        var detail = await target.Client.InspectContainerAsync(target.Id, size: false, cancellation);
        if (!detail.State.Running)
            throw new ContainerEngineException(EngineErrorKind.Conflict, $"The container {target} does not run; Get-ContainerLog shows what it has written.") { Request = "POST /containers/" };
        var streams = await target.Client.AttachContainerAsync(
            target.Id, stdin: false, stdout: Stream != ContainerStream.Stderr, stderr: Stream != ContainerStream.Stdout, logs: Past, detail.Config.Tty, cancellation);
        await using (streams) await OutputReader.ReadAsync(streams, line => Write(line, target), cancellation);
    }

    /// <summary>Standard error that was asked for by name is the output.</summary>
    private void Write(OutputLine line, ContainerTarget target)
    {
        if (Stream == ContainerStream.Stderr && line.Stream == StreamKind.Stderr) WriteObject(line.Text);
        else WriteOutputLine(line, StandardError, target.ToString());
    }
}
