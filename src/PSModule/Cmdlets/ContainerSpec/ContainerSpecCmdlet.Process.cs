using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>What runs and as whom.</summary>
public abstract partial class ContainerSpecCmdlet
{
    /// <summary>The program's arguments, or the program and its arguments where the image has no entry point.</summary>
    [Parameter(Position = 1, ValueFromRemainingArguments = true)]
    public string[]? Command
    {
        get => Given.Command;
        set => Given.Command = value;
    }

    /// <summary>Replaces the image's entry point; a single empty text removes it.</summary>
    [Parameter]
    public string[]? Entrypoint
    {
        get => Given.Entrypoint;
        set => Given.Entrypoint = value;
    }

    /// <summary>Environment variables by name; a null value removes one of the image's.</summary>
    [Parameter]
    [PairsTransformation]
    public IDictionary? Environment
    {
        get => Given.Environment;
        set => Given.Environment = value;
    }

    /// <summary>Where the process starts.</summary>
    [Parameter]
    public string? WorkingDirectory
    {
        get => Given.WorkingDirectory;
        set => Given.WorkingDirectory = value;
    }

    /// <summary>User and group of the process, by name or number: <c>1000:100</c>.</summary>
    [Parameter]
    public string? User
    {
        get => Given.User;
        set => Given.User = value;
    }

    /// <summary>Supplementary groups.</summary>
    [Parameter]
    public string[]? Group
    {
        get => Given.Group;
        set => Given.Group = value;
    }

    /// <summary>Give the process a terminal.</summary>
    [Parameter]
    public SwitchParameter Tty
    {
        get => Given.Tty ?? false;
        set => Given.Tty = value;
    }

    /// <summary>Keep the process's standard input open.</summary>
    [Parameter]
    public SwitchParameter Interactive
    {
        get => Given.Interactive ?? false;
        set => Given.Interactive = value;
    }

    /// <summary>Run a small init as the first process, which reaps and forwards signals.</summary>
    [Parameter]
    public SwitchParameter Init
    {
        get => Given.Init ?? false;
        set => Given.Init = value;
    }

    /// <summary>The signal that asks the process to end.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SignalCompleter))]
    public string? StopSignal
    {
        get => Given.StopSignal;
        set => Given.StopSignal = value;
    }

    /// <summary>Seconds between that signal and SIGKILL; -1 waits without end.</summary>
    [Parameter]
    [ValidateRange(-1, int.MaxValue)]
    public int? StopTimeoutSec
    {
        get => Given.StopTimeoutSec;
        set => Given.StopTimeoutSec = value;
    }

    /// <summary>How to find out whether the container works.</summary>
    [Parameter]
    public ContainerHealthCheck? HealthCheck
    {
        get => Given.HealthCheck;
        set => Given.HealthCheck = value;
    }
}
