using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Starts a further process in running containers, and says how it ended; with -Detached, only that it runs.</summary>
[Cmdlet(VerbsLifecycle.Start, "ContainerProcess", SupportsShouldProcess = true)]
[Alias("Exec-Container")]
[OutputType(typeof(ContainerExec))]
public sealed class StartContainerProcessCommand : ContainerCmdlet, IExecParameters, IRunsAsJob
{
    /// <summary>The program and its arguments.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromRemainingArguments = true)]
    [AllowEmptyString]
    [ValidateCount(1, int.MaxValue)]
    public string[] Command { get; set; } = [];

    /// <summary>Do not wait for its end, and do not show what it writes.</summary>
    [Parameter]
    [Alias("Detach")]
    public SwitchParameter Detached { get; set; }

    [Parameter]
    [PairsTransformation]
    public IDictionary? Environment { get; set; }

    [Parameter]
    public string? User { get; set; }

    [Parameter]
    public string? WorkingDirectory { get; set; }

    [Parameter]
    public SwitchParameter Privileged { get; set; }

    /// <summary>Give the process a terminal.</summary>
    [Parameter]
    public SwitchParameter Tty { get; set; }

    /// <summary>Most seconds to wait for its end; 0 is no limit. The process runs on.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int TimeoutSec { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override string Change => $"Start {string.Join(' ', Command)}";

    private protected override Task ActAsync(ContainerTarget target, CancellationToken cancellation) =>
        WithinAsync(TimeoutSec, $"The process in {target}", token => StartAsync(target, token), cancellation);

    private async Task StartAsync(ContainerTarget target, CancellationToken cancellation)
    {
        string id = await target.Client.CreateExecAsync(target.Id, ExecRun.Request(this, Command, input: false, output: !Detached, Tty), cancellation);
        if (Detached)
        {
            await target.Client.StartExecDetachedAsync(id, cancellation);
            WriteObject(await ExecRun.InspectAsync(target, id, cancellation));
            return;
        }
        var streams = await target.Client.StartExecAsync(id, Tty, null, cancellation);
        await using (streams)
        {
            // As a program that is started from the prompt: what it writes is for the eye, the object is for the pipeline.
            await OutputReader.ReadAsync(streams, line => WriteInformation(new HostInformationMessage { Message = line.Text }, ["PSHOST", line.Stream.ToString().ToLowerInvariant()]), cancellation);
        }
        WriteObject(await ExecRun.EndedAsync(target, id, cancellation));
    }
}
