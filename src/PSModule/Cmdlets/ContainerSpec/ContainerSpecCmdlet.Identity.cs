using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>What it is called.</summary>
public abstract partial class ContainerSpecCmdlet
{
    /// <summary>The container's own host name.</summary>
    [Parameter]
    public string? Hostname
    {
        get => Given.Hostname;
        set => Given.Hostname = value;
    }

    /// <summary>The container's NIS domain name.</summary>
    [Parameter]
    public string? DomainName
    {
        get => Given.DomainName;
        set => Given.DomainName = value;
    }

    /// <summary>Labels by name.</summary>
    [Parameter]
    [PairsTransformation]
    public IDictionary? Label
    {
        get => Given.Label;
        set => Given.Label = value;
    }

    /// <summary>Annotations for the runtime, by name.</summary>
    [Parameter]
    [PairsTransformation]
    public IDictionary? Annotation
    {
        get => Given.Annotation;
        set => Given.Annotation = value;
    }

    /// <summary>The image's platform: <c>linux/amd64</c>.</summary>
    [Parameter]
    public string? Platform
    {
        get => Given.Platform;
        set => Given.Platform = value;
    }
}
