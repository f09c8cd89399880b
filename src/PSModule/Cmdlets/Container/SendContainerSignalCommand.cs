using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Sends a signal to the first process of containers.</summary>
[Cmdlet(VerbsCommunications.Send, "ContainerSignal", SupportsShouldProcess = true)]
[Alias("Kill-Container")]
[OutputType(typeof(Container))]
public sealed class SendContainerSignalCommand : ContainerChangeCmdlet
{
    /// <summary>A signal by name, with or without SIG, or by number.</summary>
    [Parameter(Position = 1)]
    [ArgumentCompleter(typeof(SignalCompleter))]
    [ValidateNotNullOrEmpty]
    public string Signal { get; set; } = "SIGKILL";

    private protected override string Change => $"Send {Signal}";

    private protected override async Task ChangeAsync(ContainerTarget target, CancellationToken cancellation)
    {
        await target.Client.KillContainerAsync(target.Id, Signal, cancellation);
        WriteVerbose($"Sent {Signal} to {target}.");
    }
}
