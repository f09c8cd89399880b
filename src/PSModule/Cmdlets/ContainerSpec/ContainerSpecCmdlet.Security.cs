using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Confinement and namespaces.</summary>
public abstract partial class ContainerSpecCmdlet
{
    /// <summary>All capabilities and devices.</summary>
    [Parameter]
    public SwitchParameter Privileged
    {
        get => Given.Privileged ?? false;
        set => Given.Privileged = value;
    }

    /// <summary>Linux capabilities to add.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(CapabilityCompleter))]
    public string[]? CapabilityAdd
    {
        get => Given.CapabilityAdd;
        set => Given.CapabilityAdd = value;
    }

    /// <summary>Linux capabilities to take away.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(CapabilityCompleter))]
    public string[]? CapabilityDrop
    {
        get => Given.CapabilityDrop;
        set => Given.CapabilityDrop = value;
    }

    /// <summary>Security options: <c>no-new-privileges</c>, <c>seccomp=profile.json</c>.</summary>
    [Parameter]
    public string[]? SecurityOption
    {
        get => Given.SecurityOption;
        set => Given.SecurityOption = value;
    }

    /// <summary>Kernel parameters of its namespaces.</summary>
    [Parameter]
    [PairsTransformation]
    public IDictionary? Sysctl
    {
        get => Given.Sysctl;
        set => Given.Sysctl = value;
    }

    /// <summary><c>private</c>, <c>shareable</c>, <c>host</c>, <c>none</c> or <c>container:NAME</c>.</summary>
    [Parameter]
    public string? IpcMode
    {
        get => Given.IpcMode;
        set => Given.IpcMode = value;
    }

    /// <summary><c>host</c> or <c>container:NAME</c>.</summary>
    [Parameter]
    public string? PidMode
    {
        get => Given.PidMode;
        set => Given.PidMode = value;
    }

    /// <summary><c>host</c>.</summary>
    [Parameter]
    public string? UtsMode
    {
        get => Given.UtsMode;
        set => Given.UtsMode = value;
    }

    /// <summary><c>host</c>.</summary>
    [Parameter]
    public string? UserNamespaceMode
    {
        get => Given.UserNamespaceMode;
        set => Given.UserNamespaceMode = value;
    }

    /// <summary><c>private</c> or <c>host</c>.</summary>
    [Parameter]
    public string? CgroupNamespaceMode
    {
        get => Given.CgroupNamespaceMode;
        set => Given.CgroupNamespaceMode = value;
    }
}
