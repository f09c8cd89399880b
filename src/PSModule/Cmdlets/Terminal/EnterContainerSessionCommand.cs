using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Connects this terminal with that of a running container, or of a new process in it.</summary>
[Cmdlet(VerbsCommon.Enter, "ContainerSession", DefaultParameterSetName = "Attach")]
[Alias("Attach-Container")]
[OutputType(typeof(void))]
public sealed class EnterContainerSessionCommand : EngineCmdlet, IExecParameters
{
    /// <summary>The container: an object, a name, an id or its beginning.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Id", "Name", "ContainerId")]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    public ContainerReference? Container { get; set; }

    /// <summary>A program and its arguments to start in the container: <c>sh</c>. Default: the container's own process.</summary>
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = "Command", ValueFromRemainingArguments = true)]
    [AllowEmptyString]
    [ValidateCount(1, int.MaxValue)]
    public string[] Command { get; set; } = [];

    /// <summary>The keys that leave the container running: <c>ctrl-p,ctrl-q</c> unless the engine is told otherwise.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? DetachKeys { get; set; }

    [Parameter(ParameterSetName = "Command")]
    [PairsTransformation]
    public IDictionary? Environment { get; set; }

    [Parameter(ParameterSetName = "Command")]
    public string? User { get; set; }

    [Parameter(ParameterSetName = "Command")]
    public string? WorkingDirectory { get; set; }

    [Parameter(ParameterSetName = "Command")]
    public SwitchParameter Privileged { get; set; }

    internal override Task BeginAsync(CancellationToken cancellation)
    {
        TerminalSession.Require(this);
        return Task.CompletedTask;
    }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        await foreach (var target in ContainerResolver.ResolveAsync(this, [Container!], cancellation))
            await SubmitInOrderAsync(target.ToString(), token => ParameterSetName == "Command" ? RunAsync(target, token) : AttachAsync(target, token), cancellation);
    }

    private async Task AttachAsync(ContainerTarget target, CancellationToken cancellation)
    {
        var detail = await target.Client.InspectContainerAsync(target.Id, size: false, cancellation);
        if (!detail.State.Running) throw Unfit($"The container {target} does not run.");
        if (!detail.Config.Tty) throw Unfit($"The container {target} has no terminal; Receive-ContainerOutput shows its output, Enter-ContainerSession {target} sh starts a shell in it.");
        var connection = await target.Client.AttachContainerAsync(target.Id, stdin: true, stdout: true, stderr: true, logs: false, terminal: true, cancellation, DetachKeys);
        await using (connection) await TerminalSession.RunAsync(connection, Cmdlets.DetachKeys.Parse(DetachKeys), (width, height, token) => target.Client.ResizeContainerAsync(target.Id, width, height, token), cancellation);
    }

    private async Task RunAsync(ContainerTarget target, CancellationToken cancellation)
    {
        var request = ExecRun.Request(this, Command, input: true, output: true, terminal: true);
        request.DetachKeys = DetachKeys ?? "";
        string id = await target.Client.CreateExecAsync(target.Id, request, cancellation);
        var connection = await target.Client.StartExecAsync(id, terminal: true, [Console.WindowHeight, Console.WindowWidth], cancellation);
        bool left;
        await using (connection) left = await TerminalSession.RunAsync(connection, Cmdlets.DetachKeys.Parse(DetachKeys), (width, height, token) => target.Client.ResizeExecAsync(id, width, height, token), cancellation);
        var exec = left ? await ExecRun.InspectAsync(target, id, cancellation) : await ExecRun.EndedAsync(target, id, cancellation);
        if (exec.ExitCode is { } code) PublishExitCode(string.Join(' ', Command), code, null, ignore: true, null);
    }

    private static ContainerEngineException Unfit(string message) => new(EngineErrorKind.Conflict, message) { Request = "POST /containers/" };
}
