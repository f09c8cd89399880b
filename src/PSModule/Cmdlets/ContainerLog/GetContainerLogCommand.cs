using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;
using Gantry.Protocol.Streams;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Reads what containers have written, and goes on reading while they write.</summary>
[Cmdlet(VerbsCommon.Get, "ContainerLog")]
[OutputType(typeof(ContainerLogLine))]
public sealed class GetContainerLogCommand : ContainerCmdlet
{
    private const string MultiplexedType = "application/vnd.docker.multiplexed-stream";

    /// <summary>Go on with what they write from now, until they end or the pipeline is stopped. Several containers are followed together.</summary>
    [Parameter]
    [Alias("Wait")]
    public SwitchParameter Follow { get; set; }

    /// <summary>Only so many lines from the end.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    [Alias("Last")]
    public int? Tail { get; set; }

    /// <summary>Only lines since then: a date, or how long ago (<c>10m</c>, a TimeSpan).</summary>
    [Parameter]
    [PointInTimeTransformation]
    public DateTimeOffset? Since { get; set; }

    /// <summary>Only lines until then.</summary>
    [Parameter]
    [PointInTimeTransformation]
    public DateTimeOffset? Until { get; set; }

    /// <summary>Only one of the two streams.</summary>
    [Parameter]
    public ContainerStream? Stream { get; set; }

    private protected override bool IsConcurrent => Follow;

    private protected override async Task ActAsync(ContainerTarget target, CancellationToken cancellation)
    {
        var request = new LogRequest
        {
            Stdout = Stream != ContainerStream.Stderr,
            Stderr = Stream != ContainerStream.Stdout,
            Follow = Follow,
            Tail = Tail,
            Since = Since,
            Until = Until,
        };
        using var response = await target.Client.OpenLogsAsync(target.Id, request, cancellation);
        bool multiplexed = await IsMultiplexedAsync(response, target, cancellation);
        using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        await OutputReader.ReadAsync(stream, new LogDecoder(multiplexed), line => WriteObject(ToLogLine(line, target)), cancellation);
    }

    /// <summary>The answer says it from API 1.42 on; before, the container's terminal does.</summary>
    private static async Task<bool> IsMultiplexedAsync(HttpResponseMessage response, ContainerTarget target, CancellationToken cancellation)
    {
        if (target.Client.ApiVersion >= new Version(1, 42) && response.Content.Headers.ContentType?.MediaType is { } type) return type == MultiplexedType;
        return !(await target.Client.InspectContainerAsync(target.Id, size: false, cancellation)).Config.Tty;
    }

    private static ContainerLogLine ToLogLine(OutputLine line, ContainerTarget target) =>
        new(target.Name, target.Id, line.Stream == StreamKind.Stderr ? ContainerStream.Stderr : ContainerStream.Stdout, line.Timestamp, line.Text);
}
