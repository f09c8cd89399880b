using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Runs a command, or a PowerShell script, in running containers, and gives what it writes.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "ContainerCommand", SupportsShouldProcess = true, DefaultParameterSetName = "Command")]
[OutputType(typeof(string), typeof(PSObject))]
public sealed class InvokeContainerCommandCommand : EngineCmdlet, IExecParameters, IRunsAsJob
{
    private bool begun;
    private CommandRun? run;

    /// <summary>Containers: objects, names, ids or beginnings of ids, or wildcard patterns over names. One, when there is input.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Command", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Script", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "CommandInput")]
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "ScriptInput")]
    [Alias("Id", "Name", "ContainerId")]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public ContainerReference[] Container { get; set; } = [];

    /// <summary>The program and its arguments. They reach it as they are: no shell splits them.</summary>
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = "Command", ValueFromRemainingArguments = true)]
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = "CommandInput", ValueFromRemainingArguments = true)]
    [AllowEmptyString]
    [ValidateCount(1, int.MaxValue)]
    public string[] Command { get; set; } = [];

    /// <summary>A script for the container's <c>pwsh</c>. It gives objects; <c>$using:</c> takes variables along.</summary>
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = "Script")]
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = "ScriptInput")]
    public ScriptBlock? ScriptBlock { get; set; }

    /// <summary>Arguments of the script's parameters.</summary>
    [Parameter(ParameterSetName = "Script")]
    [Parameter(ParameterSetName = "ScriptInput")]
    [Alias("Args")]
    public object[] ArgumentList { get; set; } = [];

    /// <summary>What the command reads on its standard input: text a line, bytes as they are. In a script it is <c>$input</c>.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "CommandInput", ValueFromPipeline = true)]
    [Parameter(Mandatory = true, ParameterSetName = "ScriptInput", ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    public PSObject? InputObject { get; set; }

    [Parameter]
    [PairsTransformation]
    public IDictionary? Environment { get; set; }

    [Parameter]
    public string? User { get; set; }

    [Parameter]
    public string? WorkingDirectory { get; set; }

    [Parameter]
    public SwitchParameter Privileged { get; set; }

    /// <summary>Where lines of standard error go.</summary>
    [Parameter]
    public StandardErrorTarget StandardError { get; set; }

    /// <summary>An exit code other than 0 is no error.</summary>
    [Parameter]
    public SwitchParameter IgnoreExitCode { get; set; }

    /// <summary>The name of a variable for the exit code; <c>$LASTEXITCODE</c> has it too.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ExitCodeVariable { get; set; }

    /// <summary>Most seconds that the command may run; 0 is no limit. Its streams are closed then; the process itself may run on.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int TimeoutSec { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private string Described => ScriptBlock is null ? string.Join(' ', Command) : "a script";

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        if (ParameterSetName is "CommandInput" or "ScriptInput")
        {
            await TakeInputAsync(cancellation);
            return;
        }
        await foreach (var target in ContainerResolver.ResolveAsync(this, Container, cancellation))
        {
            if (!ShouldProcess(target.ToString(), $"Run {Described}")) continue;
            var command = CommandLine();
            await SubmitInOrderAsync(target.ToString(), token => WithinAsync(TimeoutSec, $"The command in {target}", async limited =>
            {
                var started = await CommandRun.StartAsync(target, ExecRun.Request(this, command, input: false, output: true, terminal: false), limited);
                await using (started) Report(await started.FinishAsync(Writer(target), limited));
            }, token), cancellation);
        }
    }

    private IReadOnlyList<string> CommandLine() => ScriptBlock is null ? Command : RemoteScript.CommandLine(ScriptBlock, ArgumentList, name => GetVariableValue(name));

    private Action<OutputLine> Writer(ContainerTarget target) => ScriptBlock is null
        ? line => WriteOutputLine(line, StandardError, target.ToString())
        : new RemoteScriptReader(this, target, StandardError).Read;

    private void Report(ContainerExec exec) => PublishExitCode($"'{Described}' in {exec.Container}", exec.ExitCode ?? 0, ExitCodeVariable, IgnoreExitCode, exec);

    /// <summary>The first piece of input starts the command; its output is read beside what follows.</summary>
    private async Task TakeInputAsync(CancellationToken cancellation)
    {
        if (AsJob) throw new PSArgumentException("Input from the pipeline cannot be given to a job.");
        if (!begun)
        {
            begun = true;
            var targets = new List<ContainerTarget>();
            await foreach (var found in ContainerResolver.ResolveAsync(this, Container, cancellation)) targets.Add(found);
            if (targets.Count > 1) throw new PSArgumentException($"Input can only be given to one container, and '{string.Join(", ", Container.Select(c => c.Text))}' are {targets.Count}.");
            if (targets.Count == 0 || !ShouldProcess(targets[0].ToString(), $"Run {Described}")) return;
            await SubmitInOrderAsync(targets[0].ToString(), async token =>
            {
                run = await CommandRun.StartAsync(targets[0], ExecRun.Request(this, CommandLine(), input: true, output: true, terminal: false), token);
                run.BeginReading(Writer(targets[0]), token);
            }, cancellation);
        }
        if (run is not null) await run.WriteInputAsync(StandardInput.Encode(InputObject), cancellation);
    }

    internal override async Task EndAsync(CancellationToken cancellation)
    {
        if (run is null) return;
        await run.EndInputAsync();
        await SubmitInOrderAsync(run.Target.ToString(), token => WithinAsync(TimeoutSec, $"The command in {run.Target}", async limited => Report(await run.Finished.WaitAsync(limited)), token), cancellation);
    }

    private protected override async ValueTask CleanUpAsync()
    {
        if (run is not null) await run.DisposeAsync();
    }
}
