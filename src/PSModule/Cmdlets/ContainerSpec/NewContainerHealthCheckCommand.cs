using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Makes a health check for -HealthCheck. Asks no engine.</summary>
[Cmdlet(VerbsCommon.New, "ContainerHealthCheck", DefaultParameterSetName = "Command")]
[OutputType(typeof(ContainerHealthCheck))]
public sealed class NewContainerHealthCheckCommand : PSCmdlet
{
    /// <summary>A program and its arguments, run without a shell.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Command", ValueFromRemainingArguments = true)]
    [ValidateNotNullOrEmpty]
    public string[] Command { get; set; } = [];

    /// <summary>A command line for the container's shell.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Shell")]
    [ValidateNotNullOrEmpty]
    public string? ShellCommand { get; set; }

    /// <summary>No check, whatever the image says.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Disabled")]
    public SwitchParameter Disabled { get; set; }

    /// <summary>Between two checks: a TimeSpan, seconds, or a text such as <c>30s</c>. Default: the image's, else 30 s. The same for the other times.</summary>
    [Parameter(ParameterSetName = "Command")]
    [Parameter(ParameterSetName = "Shell")]
    [DurationTransformation]
    public TimeSpan? Interval { get; set; }

    /// <summary>How long one check may take. Default: 30 s.</summary>
    [Parameter(ParameterSetName = "Command")]
    [Parameter(ParameterSetName = "Shell")]
    [DurationTransformation]
    public TimeSpan? Timeout { get; set; }

    /// <summary>After the start, during which failures do not count. Default: 0.</summary>
    [Parameter(ParameterSetName = "Command")]
    [Parameter(ParameterSetName = "Shell")]
    [DurationTransformation]
    public TimeSpan? StartPeriod { get; set; }

    /// <summary>Between two checks during the start period. Default: 5 s.</summary>
    [Parameter(ParameterSetName = "Command")]
    [Parameter(ParameterSetName = "Shell")]
    [DurationTransformation]
    public TimeSpan? StartInterval { get; set; }

    /// <summary>Failures in a row until the container is unhealthy. Default: 3.</summary>
    [Parameter(ParameterSetName = "Command")]
    [Parameter(ParameterSetName = "Shell")]
    [ValidateRange(1, int.MaxValue)]
    public int? Retries { get; set; }

    protected override void ProcessRecord() => WriteObject(new ContainerHealthCheck
    {
        Command = Command,
        ShellCommand = ShellCommand ?? "",
        Disabled = Disabled,
        Interval = Interval,
        Timeout = Timeout,
        StartPeriod = StartPeriod,
        StartInterval = StartInterval,
        Retries = Retries,
    });
}
