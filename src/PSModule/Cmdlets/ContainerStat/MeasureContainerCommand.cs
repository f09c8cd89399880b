using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;
using Gantry.Protocol.Containers;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Measures what running containers use: CPU, memory, network, disk, processes.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "Container")]
[Alias("Get-ContainerStat")]
[OutputType(typeof(ContainerStat))]
public sealed class MeasureContainerCommand : EngineCmdlet
{
    private static readonly Version OneShotVersion = new(1, 41);
    private readonly List<ContainerReference> references = [];

    /// <summary>Containers: objects, names, ids or beginnings of ids, or wildcard patterns over names. Default: all that run.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Id", "Name", "ContainerId")]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    [SupportsWildcards]
    public ContainerReference[]? Container { get; set; }

    /// <summary>Go on measuring until the containers have ended or the pipeline is stopped.</summary>
    [Parameter]
    [Alias("Wait")]
    public SwitchParameter Continuous { get; set; }

    /// <summary>Between two samples: a TimeSpan, seconds, or a text such as <c>5s</c>. Default: one second.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Take one sample and answer at once. There is no CpuPercent then, which needs two; CpuTime is there.</summary>
    [Parameter]
    public SwitchParameter Instant { get; set; }

    internal override Task ProcessAsync(CancellationToken cancellation)
    {
        references.AddRange(Container ?? []);
        return Task.CompletedTask;
    }

    internal override async Task EndAsync(CancellationToken cancellation)
    {
        if (Interval < TimeSpan.FromMilliseconds(10)) throw new PSArgumentException("The interval must be 10 ms or more.", nameof(Interval));
        var targets = new List<ContainerTarget>();
        if (references.Count == 0) targets.AddRange(await RunningAsync(cancellation));
        else await foreach (var target in ContainerResolver.ResolveAsync(this, references, cancellation)) targets.Add(target);

        var before = new Dictionary<string, CpuStats>(StringComparer.Ordinal);
        await SampleAsync(targets, before, write: Instant, cancellation);
        if (Instant) return;
        using var timer = new PeriodicTimer(Interval);
        while (targets.Count > 0 && await timer.WaitForNextTickAsync(cancellation))
        {
            await SampleAsync(targets, before, write: true, cancellation);
            if (!Continuous) return;
        }
    }

    private async Task<List<ContainerTarget>> RunningAsync(CancellationToken cancellation)
    {
        var session = await SessionForAsync(null, cancellation);
        var found = new List<ContainerTarget>();
        await foreach (var row in session.Client.ListContainersAsync(new Filters().Add("status", ["running", "paused"]), size: false, cancellation))
            found.Add(new ContainerTarget(row.Id, Objects.Container.PrimaryName(row.Names), session));
        return found;
    }

    /// <summary>Asks for all containers at the same time. Those that have ended are not asked again.</summary>
    private async Task SampleAsync(List<ContainerTarget> targets, Dictionary<string, CpuStats> before, bool write, CancellationToken cancellation)
    {
        var answers = targets.Select(t => (Target: t, Answer: ReadAsync(t, cancellation))).ToList();
        foreach (var (target, answer) in answers)
        {
            if (await answer is not { } stats)
            {
                targets.Remove(target);
                continue;
            }
            if (write) WriteObject(new ContainerStat(target.Name, target.Id, stats, before.GetValueOrDefault(target.Id), target.Session));
            before[target.Id] = stats.Cpu;
        }
    }

    /// <summary>Null when it does not run: its sample has no time then.</summary>
    private async Task<ContainerStats?> ReadAsync(ContainerTarget target, CancellationToken cancellation)
    {
        try
        {
            var stats = await target.Client.ReadStatsAsync(target.Id, target.Client.ApiVersion >= OneShotVersion, cancellation);
            if (stats.Cpu.Usage.Total > 0 || stats.Memory.Usage > 0) return stats;
            if (references.Exists(r => !r.IsPattern && r.Id is null && r.Text == target.Name)) WriteWarning($"The container {target} does not run.");
        }
        catch (ContainerEngineException e)
        {
            WriteError(ErrorRecords.From(e, target.ToString()));
        }
        return null;
    }
}
