using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Its life and its log.</summary>
public abstract partial class ContainerSpecCmdlet
{
    /// <summary>When the engine starts it again by itself.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(RestartPolicyCompleter))]
    public ContainerRestartPolicy? RestartPolicy
    {
        get => Given.RestartPolicy;
        set => Given.RestartPolicy = value;
    }

    /// <summary>Remove it, and its anonymous volumes, when it ends.</summary>
    [Parameter]
    [Alias("Rm")]
    public SwitchParameter RemoveAutomatically
    {
        get => Given.RemoveAutomatically ?? false;
        set => Given.RemoveAutomatically = value;
    }

    /// <summary>The runtime or exec driver.</summary>
    [Parameter]
    public string? Runtime
    {
        get => Given.Runtime;
        set => Given.Runtime = value;
    }

    /// <summary>The log driver.</summary>
    [Parameter]
    public string? LogDriver
    {
        get => Given.LogDriver;
        set => Given.LogDriver = value;
    }

    /// <summary>Options of the log driver.</summary>
    [Parameter]
    [PairsTransformation]
    public IDictionary? LogOption
    {
        get => Given.LogOption;
        set => Given.LogOption = value;
    }
}
