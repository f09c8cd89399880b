using System.Management.Automation;
using Gantry.PowerShell.Completion;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.References;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Ports, addresses and names.</summary>
public abstract partial class ContainerSpecCmdlet
{
    /// <summary>Ports to publish on the host.</summary>
    [Parameter]
    [PortBindingTransformation]
    public ContainerPortBinding[]? Publish
    {
        get => Given.Publish;
        set => Given.Publish = value;
    }

    /// <summary>Publish every exposed port on a free host port.</summary>
    [Parameter]
    public SwitchParameter PublishAll
    {
        get => Given.PublishAll ?? false;
        set => Given.PublishAll = value;
    }

    /// <summary>Ports to name without publishing them: <c>80</c>, <c>53/udp</c>.</summary>
    [Parameter]
    public string[]? Expose
    {
        get => Given.Expose;
        set => Given.Expose = value;
    }

    /// <summary>The network: a name, <c>bridge</c>, <c>host</c>, <c>none</c> or <c>container:NAME</c>.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NetworkCompleter))]
    public string? Network
    {
        get => Given.Network;
        set => Given.Network = value;
    }

    /// <summary>Further names of the container in its network.</summary>
    [Parameter]
    public string[]? NetworkAlias
    {
        get => Given.NetworkAlias;
        set => Given.NetworkAlias = value;
    }

    /// <summary>Its IPv4 address in the network.</summary>
    [Parameter]
    public string? IPAddress
    {
        get => Given.IPAddress;
        set => Given.IPAddress = value;
    }

    /// <summary>Its IPv6 address in the network.</summary>
    [Parameter]
    public string? IPv6Address
    {
        get => Given.IPv6Address;
        set => Given.IPv6Address = value;
    }

    /// <summary>Its MAC address in the network.</summary>
    [Parameter]
    public string? MacAddress
    {
        get => Given.MacAddress;
        set => Given.MacAddress = value;
    }

    /// <summary>Name servers.</summary>
    [Parameter]
    public string[]? Dns
    {
        get => Given.Dns;
        set => Given.Dns = value;
    }

    /// <summary>Search domains.</summary>
    [Parameter]
    public string[]? DnsSearch
    {
        get => Given.DnsSearch;
        set => Given.DnsSearch = value;
    }

    /// <summary>Resolver options.</summary>
    [Parameter]
    public string[]? DnsOption
    {
        get => Given.DnsOption;
        set => Given.DnsOption = value;
    }

    /// <summary>Further lines of /etc/hosts, as <c>name:address</c>.</summary>
    [Parameter]
    public string[]? ExtraHost
    {
        get => Given.ExtraHost;
        set => Given.ExtraHost = value;
    }

    /// <summary>Links to other containers on the default bridge, as <c>name:alias</c>.</summary>
    [Parameter]
    public string[]? Link
    {
        get => Given.Link;
        set => Given.Link = value;
    }
}
