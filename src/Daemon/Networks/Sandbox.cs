using Gantry.Linux.Processes;
using Gantry.Linux.Kernel;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Networks;

namespace Gantry.Daemon.Networks;

/// <summary>What a container asks of the network at start.</summary>
/// <param name="ContainerId">64 hexadecimal digits.</param>
/// <param name="ContainerName">Without the leading slash.</param>
/// <param name="Endpoints">Network name or id → wanted settings; empty for the default of the mode.</param>
public sealed record SandboxRequest(string ContainerId, string ContainerName, ContainerConfig Config, HostConfig HostConfig, IReadOnlyDictionary<string, EndpointSettings> Endpoints)
{
    /// <summary>The user namespace to which the container's network belongs; null for the host's.</summary>
    public UserNamespace? Owner { get; init; }
}

/// <summary>A container's network, ready to be entered: its namespace and what inspect, <c>/etc/hosts</c> and <c>/etc/resolv.conf</c> say of it.</summary>
/// <remarks>
/// Whoever holds <see cref="Namespace"/> open keeps the network alive: it is to be disposed as soon as the container's process is in it, so that the
/// kernel takes everything down when the last process ends.
/// </remarks>
public sealed class Sandbox : IDisposable
{
    /// <summary>64 hexadecimal digits; empty for <c>container:</c> mode.</summary>
    public required string Id { get; init; }

    /// <summary>The namespace to join; null for the host's own.</summary>
    public required Fd? Namespace { get; init; }

    /// <summary>Network name → settings in force (addresses, MAC, ids).</summary>
    public required SortedDictionary<string, EndpointSettings> Endpoints { get; init; }

    /// <summary>Container port → bindings in force; null for exposed and not published.</summary>
    public required SortedDictionary<string, List<PortBinding>?> Ports { get; init; }

    public required string HostsFile { get; init; }

    public required string ResolvConf { get; init; }

    public void Dispose() => Namespace?.Dispose();
}

/// <summary>What the network asks of the containers, for <c>container:</c> mode.</summary>
public interface IContainerNetworkNamespaces
{
    /// <summary>The network of a running container.</summary>
    /// <param name="container">What stands behind <c>container:</c>: an id or a name.</param>
    /// <exception cref="Engine.EngineException">404 when there is no such container, 409 when it does not run.</exception>
    JoinedNetwork Join(string container);
}

/// <summary>Another container's network.</summary>
/// <param name="Namespace">A descriptor of its namespace, for the new sandbox to own.</param>
/// <param name="HostsFile">Text of its <c>/etc/hosts</c>.</param>
/// <param name="ResolvConf">Text of its <c>/etc/resolv.conf</c>.</param>
public sealed record JoinedNetwork(Fd Namespace, string HostsFile, string ResolvConf);

/// <summary>A container that runs while the daemon starts, and the network that it was given.</summary>
/// <param name="Request">What it asked for.</param>
/// <param name="SandboxId">As <see cref="Sandbox.Id"/>.</param>
/// <param name="Endpoints">As <see cref="Sandbox.Endpoints"/>.</param>
/// <param name="Ports">As <see cref="Sandbox.Ports"/>.</param>
public sealed record RunningSandbox(SandboxRequest Request, string SandboxId,
    IReadOnlyDictionary<string, EndpointSettings> Endpoints, IReadOnlyDictionary<string, List<PortBinding>?> Ports);
