using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Objects.Specs;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Shows what has happened in the engine, and what happens from now on.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerEvent")]
[OutputType(typeof(ContainerEvent))]
public sealed class GetContainerEventCommand : EngineCmdlet
{
    /// <summary>Only events since then: a date, or how long ago (<c>10m</c>, a TimeSpan). Default: all that the engine remembers; with -Follow, from now.</summary>
    [Parameter]
    [PointInTimeTransformation]
    public DateTimeOffset? Since { get; set; }

    /// <summary>Only events until then; one in the future is waited for. Default: now; with -Follow, without end.</summary>
    [Parameter]
    [PointInTimeTransformation]
    public DateTimeOffset? Until { get; set; }

    /// <summary>Only events of these kinds of things.</summary>
    [Parameter]
    [ValidateSet("container", "image", "network", "volume", "builder", "daemon", "plugin")]
    public string[]? Type { get; set; }

    /// <summary>Only these actions: <c>start</c>, <c>die</c>, <c>health_status</c>.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(EventActionCompleter))]
    public string[]? Action { get; set; }

    /// <summary>Only events of these containers.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(ContainerCompleter))]
    public ContainerReference[]? Container { get; set; }

    /// <summary>Only events of these images, and of containers made of them.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ImageCompleter))]
    public string[]? Image { get; set; }

    /// <summary>Only events of things with all of these labels.</summary>
    [Parameter]
    [PairsTransformation]
    public IDictionary? Label { get; set; }

    /// <summary>Go on with what happens from now, until the pipeline is stopped.</summary>
    [Parameter]
    [Alias("Wait")]
    public SwitchParameter Follow { get; set; }

    private readonly List<ContainerReference> containers = [];

    internal override Task ProcessAsync(CancellationToken cancellation)
    {
        containers.AddRange(Container ?? []);
        return Task.CompletedTask;
    }

    internal override async Task EndAsync(CancellationToken cancellation)
    {
        var session = await SessionForAsync(containers.FirstOrDefault()?.Session, cancellation);
        var filters = new Filters().Add("type", Type).Add("event", Action).Add("image", Image).Add("label", Pairs.ToList(Label)).Add("container", containers.Select(c => c.Id ?? c.Text));
        var since = Since ?? (Follow ? null : DateTimeOffset.UnixEpoch);
        var until = Until ?? (Follow ? null : DateTimeOffset.Now);
        await foreach (var message in session.Client.ReadEventsAsync(since, until, filters, cancellation)) WriteObject(new ContainerEvent(message, session));
    }
}
