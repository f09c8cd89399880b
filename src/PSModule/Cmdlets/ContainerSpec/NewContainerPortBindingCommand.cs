using System.Management.Automation;
using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Makes a port binding for -Publish. Asks no engine.</summary>
[Cmdlet(VerbsCommon.New, "ContainerPortBinding")]
[OutputType(typeof(ContainerPortBinding))]
public sealed class NewContainerPortBindingCommand : PSCmdlet
{
    /// <summary>The container's port.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateRange(1, 65535)]
    public int ContainerPort { get; set; }

    /// <summary>The host's port. Default: any free one.</summary>
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateRange(1, 65535)]
    public int? HostPort { get; set; }

    /// <summary>With it, one free port between -HostPort and this.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateRange(1, 65535)]
    public int? HostPortEnd { get; set; }

    /// <summary>The host's address to listen on. Default: all.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public System.Net.IPAddress? HostAddress { get; set; }

    /// <summary>The transport protocol.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateSet("tcp", "udp", "sctp")]
    public string Protocol { get; set; } = "tcp";

    protected override void ProcessRecord() => WriteObject(new ContainerPortBinding
    {
        ContainerPort = ContainerPort,
        HostPort = HostPort,
        HostPortEnd = HostPortEnd,
        HostAddress = HostAddress?.ToString() ?? "",
        Protocol = Protocol,
    });
}
