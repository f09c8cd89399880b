using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Runs a command in a new container of an image, and gives what it writes.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "ContainerImage", SupportsShouldProcess = true, DefaultParameterSetName = "Image")]
[Alias("Run-ContainerImage")]
[OutputType(typeof(string), typeof(Container))]
public sealed class InvokeContainerImageCommand : ContainerSpecCmdlet, IRunsAsJob
{
    private bool begun;
    private ContainerRun? run;
    private Task<ContainerExit>? finish;

    /// <summary>The image: an object, a name or an id.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Image", ValueFromPipeline = true)]
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Input")]
    [Parameter(ParameterSetName = "Spec")]
    [ArgumentCompleter(typeof(ImageCompleter))]
    public ImageReference? Image { get; set; }

    /// <summary>What the command reads on its standard input: text a line, bytes as they are.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Input", ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    public PSObject? InputObject { get; set; }

    /// <summary>A spec of New-ContainerSpec, or a hashtable with its properties; the other parameters go over it.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Spec", ValueFromPipeline = true)]
    [SpecTransformation]
    public ContainerSpec? Spec { get; set; }

    /// <summary>Do not wait: start the container and give it back.</summary>
    [Parameter(ParameterSetName = "Image")]
    [Parameter(ParameterSetName = "Spec")]
    public SwitchParameter Detach { get; set; }

    /// <summary>Connect this terminal with that of the container, for programs that people talk to.</summary>
    [Parameter(ParameterSetName = "Image")]
    [Parameter(ParameterSetName = "Spec")]
    public SwitchParameter Terminal { get; set; }

    /// <summary>Whether to pull the image.</summary>
    [Parameter]
    public ImagePullPolicy PullPolicy { get; set; }

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

    /// <summary>Most seconds that the command may run; 0 is no limit. The container is stopped then.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int TimeoutSec { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        if (ParameterSetName == "Input")
        {
            await TakeInputAsync(cancellation);
            return;
        }
        if (Terminal && AsJob) throw new PSArgumentException("A job has no terminal.");
        Given.Image = Image?.Text;
        if (Terminal) Given.Tty = Given.Interactive = true;
        var spec = BuildSpec(Spec);
        if (!ShouldProcess(spec.Image ?? "", $"Run {Describe(spec)}")) return;
        if (Terminal && !Detach) TerminalSession.Require(this);
        var session = await SessionForAsync(Image?.Session, cancellation);
        await SubmitInOrderAsync(spec.Image, token => Detach
            ? StartDetachedAsync(session, spec, token)
            : Terminal ? RunInTerminalAsync(session, spec, token)
            : RunAsync(session, spec, token), cancellation);
    }

    private static string Describe(ContainerSpec spec) => string.Join(' ', (spec.Entrypoint ?? []).Concat(spec.Command ?? []).DefaultIfEmpty("its own command"));

    private async Task StartDetachedAsync(EngineSession session, ContainerSpec spec, CancellationToken cancellation)
    {
        var container = await ContainerCreation.CreateAsync(this, session, spec, PullPolicy, null, cancellation);
        await session.Client.StartContainerAsync(container.Id, cancellation);
        WriteObject(await ContainerQuery.FindAsync(session, container.Id, cancellation) ?? container);
    }

    private async Task RunAsync(EngineSession session, ContainerSpec spec, CancellationToken cancellation)
    {
        var started = await ContainerRun.StartAsync(this, session, spec, PullPolicy, input: false, cancellation);
        await using (started)
        {
            await WithinAsync(
                TimeoutSec,
                $"The command in {spec.Image}",
                async limited => Report(await started.FinishAsync(line => WriteOutputLine(line, StandardError, started.Target.ToString()), limited)),
                cancellation);
        }
    }

    private async Task RunInTerminalAsync(EngineSession session, ContainerSpec spec, CancellationToken cancellation)
    {
        var started = await ContainerRun.StartAsync(this, session, spec, PullPolicy, input: true, cancellation);
        await using (started)
        {
            if (await started.RunInTerminalAsync(cancellation) is { } exit) Report(exit);
            else WriteVerbose($"{started.Target} runs on.");
        }
    }

    private void Report(ContainerExit exit) => PublishExitCode(exit.Name, exit.ExitCode, ExitCodeVariable, IgnoreExitCode, exit);

    /// <summary>The first piece of input starts the container; its output is read beside what follows.</summary>
    private async Task TakeInputAsync(CancellationToken cancellation)
    {
        if (AsJob) throw new PSArgumentException("Input from the pipeline cannot be given to a job.");
        if (!begun)
        {
            begun = true;
            Given.Image = Image?.Text;
            var spec = BuildSpec(null);
            if (!ShouldProcess(spec.Image ?? "", $"Run {Describe(spec)}")) return;
            var session = await SessionForAsync(Image?.Session, cancellation);
            await SubmitInOrderAsync(spec.Image, async token =>
            {
                run = await ContainerRun.StartAsync(this, session, spec, PullPolicy, input: true, token);
                finish = run.FinishAsync(line => WriteOutputLine(line, StandardError, run.Target.ToString()), token);
            }, cancellation);
        }
        if (run is not null) await run.WriteInputAsync(StandardInput.Encode(InputObject), cancellation);
    }

    internal override async Task EndAsync(CancellationToken cancellation)
    {
        if (run is null) return;
        await run.EndInputAsync();
        await SubmitInOrderAsync(run.Target.ToString(), token => WithinAsync(TimeoutSec, $"The command in {run.Target}", async limited => Report(await finish!.WaitAsync(limited)), token), cancellation);
    }

    private protected override async ValueTask CleanUpAsync()
    {
        if (run is not null) await run.DisposeAsync();
    }
}
