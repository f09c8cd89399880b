using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Starts containers that do not run.</summary>
[Cmdlet(VerbsLifecycle.Start, "Container", SupportsShouldProcess = true, DefaultParameterSetName = "Start")]
[OutputType(typeof(Container), ParameterSetName = ["Start", "Healthy"])]
[OutputType(typeof(ContainerExit), ParameterSetName = ["Wait"])]
[OutputType(typeof(string), ParameterSetName = ["Attach"])]
public sealed class StartContainerCommand : ContainerChangeCmdlet, IRunsAsJob
{
    /// <summary>Show what they write until they end: standard output as text, standard error as in Invoke-ContainerImage.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Attach")]
    public SwitchParameter Attach { get; set; }

    /// <summary>Wait until they have ended, and say how.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Wait")]
    public SwitchParameter Wait { get; set; }

    /// <summary>Wait until their health checks succeed.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Healthy")]
    public SwitchParameter Healthy { get; set; }

    /// <summary>Most seconds to wait; 0 is no limit. The containers run on.</summary>
    [Parameter(ParameterSetName = "Attach")]
    [Parameter(ParameterSetName = "Wait")]
    [Parameter(ParameterSetName = "Healthy")]
    [ValidateRange(0, int.MaxValue)]
    public int TimeoutSec { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override string Change => "Start";

    private protected override bool IsConcurrent => Wait || Healthy;

    private protected override async Task ChangeAsync(ContainerTarget target, CancellationToken cancellation)
    {
        if (Wait) await StartAndWaitAsync(target, cancellation);
        else if (Attach) await StartAttachedAsync(target, cancellation);
        else await StartAsync(target, cancellation);
        if (Healthy) await WithinAsync(TimeoutSec, $"The wait for {target} to be healthy", token => HealthWait.UntilHealthyAsync(target, token), cancellation);
    }

    private async Task StartAsync(ContainerTarget target, CancellationToken cancellation)
    {
        bool started = await target.Client.StartContainerAsync(target.Id, cancellation);
        WriteVerbose(started ? $"Started {target}." : $"{target} runs already.");
    }

    private Task StartAndWaitAsync(ContainerTarget target, CancellationToken cancellation) => WithinAsync(TimeoutSec, $"The container {target}", async token =>
    {
        var exit = await target.Client.BeginWaitAsync(target.Id, "next-exit", token);
        await StartAsync(target, token);
        var answer = await exit;
        WriteObject(new ContainerExit(target.Id, target.Name, (int)answer.StatusCode, answer.Error?.Message, target.Session));
    }, cancellation);

    private Task StartAttachedAsync(ContainerTarget target, CancellationToken cancellation) => WithinAsync(TimeoutSec, $"The container {target}", async token =>
    {
        var detail = await target.Client.InspectContainerAsync(target.Id, size: false, token);
        var streams = await target.Client.AttachContainerAsync(target.Id, stdin: false, stdout: true, stderr: true, logs: false, detail.Config.Tty, token);
        await using (streams)
        {
            await StartAsync(target, token);
            await OutputReader.ReadAsync(streams, line => WriteOutputLine(line, StandardErrorTarget.Error, target), token);
        }
    }, cancellation);
}
