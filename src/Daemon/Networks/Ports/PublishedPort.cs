using System.Net;

namespace Gantry.Daemon.Networks.Ports;

/// <summary>A port of the host that leads to one of a container.</summary>
/// <param name="HostAddress">0.0.0.0 and :: are every address of their family.</param>
internal sealed record PublishedPort(string Protocol, IPAddress HostAddress, int HostPort, IPAddress ContainerAddress, int ContainerPort)
{
    public ContainerPort Container => new(ContainerPort, Protocol);

    /// <summary>As the API and the database write the host's address.</summary>
    public string HostIp => HostAddress.ToString();
}
