using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks.Firewall;
using Gantry.Linux.Kernel;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Networks.Ports;

/// <summary>What a container asks for: a port of its own, and where on the host it is to be found.</summary>
/// <param name="Addresses">Of the host; all get the same port.</param>
internal sealed record PortRequest(ContainerPort Container, IReadOnlyList<IPAddress> Addresses, HostPorts Host);

/// <summary>Finds ports of the host, holds them with sockets, and leads them to containers by rules of the packet filter and by relays.</summary>
internal sealed class PortPublisher(HostNetwork host, PacketFilter? filter, bool relays, ILogger log)
{
    private readonly PortTable table = new();

    /// <summary>Publishes all of a container's ports, or none.</summary>
    /// <exception cref="EngineException">500 with Docker's text when one is taken (reference 5.6, without the words in front).</exception>
    public async Task<PortSet> PublishAsync(IPAddress container, IReadOnlyList<PortRequest> requests, CancellationToken cancellation)
    {
        var set = new PortSet(this);
        if (requests.Count == 0) return set;
        try
        {
            var ephemeral = await host.RunAsync(PortTable.EphemeralRange).ConfigureAwait(false);
            foreach (var request in requests)
            {
                cancellation.ThrowIfCancellationRequested();
                await FindAsync(set, container, request, ephemeral).ConfigureAwait(false);
            }
            filter?.AddPorts(set.Ports);
            set.InFilter = true;
            ForgetFlows(null, set.Ports);
            return set;
        }
        catch
        {
            await set.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes over what an earlier daemon had published: the rules are there or are written with the rest.</summary>
    /// <returns>All of them; <see cref="PortSet.Held"/> are those whose socket could be bound again. Somebody else may have taken one meanwhile: its rule still holds.</returns>
    public async Task<PortSet> AdoptAsync(IReadOnlyList<PublishedPort> ports)
    {
        var set = new PortSet(this) { InFilter = true };
        foreach (var port in ports)
        {
            if (table.Take(port.Protocol, [port.HostAddress], port.HostPort) is not null) continue;
            var (error, socket) = await host.RunAsync(() => PortSocket.Bind(port.Protocol, port.HostAddress, port.HostPort, relays)).ConfigureAwait(false);
            set.Add(port, socket, held: error == 0);
        }
        return set;
    }

    private async Task FindAsync(PortSet set, IPAddress container, PortRequest request, (int First, int Last) ephemeral)
    {
        string protocol = request.Container.Protocol;
        EngineException? reason = null;
        foreach (int port in table.Candidates(protocol, request.Addresses[0], request.Host, ephemeral))
        {
            if (table.Take(protocol, request.Addresses, port) is { } holder)
            {
                reason = EngineException.System(string.Create(CultureInfo.InvariantCulture, $"Bind for {Printed(holder)}:{port} failed: port is already allocated"));
                continue;
            }
            var (sockets, error) = await BindAsync(protocol, request.Addresses, port).ConfigureAwait(false);
            if (sockets is not null)
            {
                for (int i = 0; i < sockets.Count; i++)
                    set.Add(new PublishedPort(protocol, request.Addresses[i], port, container, request.Container.Number), sockets[i]);
                if (request.Host.IsAny) table.Gave(protocol, request.Addresses[0], port);
                return;
            }
            foreach (var address in request.Addresses) table.Release(protocol, address, port);
            reason = EngineException.System(string.Create(CultureInfo.InvariantCulture,
                $"failed to bind host port for {Printed(error.Address)}:{port}:{container}:{request.Container}: {error.Errno.Describe()}"));
            if (error.Errno != Errno.EADDRINUSE) break;   // another port would fare no better
        }
        throw reason ?? EngineException.System("all ports are allocated");
    }

    private ValueTask<(List<Fd?>? Sockets, (IPAddress Address, Errno Errno) Error)> BindAsync(string protocol, IReadOnlyList<IPAddress> addresses, int port) =>
        host.RunAsync<(List<Fd?>?, (IPAddress, Errno))>(() =>
        {
            var sockets = new List<Fd?>();
            foreach (var address in addresses)
            {
                var (error, socket) = PortSocket.Bind(protocol, address, port, relays);
                if (error != 0)
                {
                    foreach (var bound in sockets) bound?.Dispose();
                    return (null, (address, error));
                }
                sockets.Add(socket);
            }
            return (sockets, default);
        });

    private static string Printed(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();

    internal IAsyncDisposable Serve(PublishedPort port, Fd socket)
    {
        var target = new IPEndPoint(port.ContainerAddress, port.ContainerPort);
        return (relays, port.Protocol) switch
        {
            (true, "tcp") => new TcpRelay(host, socket, target),
            (true, "udp") => new UdpRelay(host, socket, target),
            _ => new HeldPort(socket),
        };
    }

    internal void Forget(PublishedPort port) => table.Release(port.Protocol, port.HostAddress, port.HostPort);

    internal void Withdraw(IReadOnlyCollection<PublishedPort> ports)
    {
        if (ports.Count == 0) return;
        filter?.RemovePorts(ports);
        ForgetFlows(ports.First().ContainerAddress, ports);
    }

    /// <summary>UDP senders that never pause would go on to whoever had the port, or the address, before.</summary>
    private void ForgetFlows(IPAddress? container, IReadOnlyCollection<PublishedPort> ports)
    {
        if (filter is null || !ports.Any(p => p.Protocol == "udp")) return;
        try
        {
            host.Connections.ForgetUdp(container, ports.Where(p => p.Protocol == "udp").Select(p => p.HostPort).ToHashSet());
        }
        catch (KernelException e)
        {
            NetworkLog.FlowsNotForgotten(log, e);
        }
    }

    /// <summary>A bound socket and nothing more.</summary>
    private sealed class HeldPort(Fd socket) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            socket.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>The published ports of one container. Disposing takes them back.</summary>
internal sealed class PortSet(PortPublisher publisher) : IAsyncDisposable
{
    private readonly List<PublishedPort> ports = [], held = [];
    private readonly List<IAsyncDisposable> servers = [];

    public IReadOnlyList<PublishedPort> Ports => ports;

    /// <summary>Those that nobody else on the host can take.</summary>
    public IReadOnlyList<PublishedPort> Held => held;

    /// <summary>The packet filter knows them.</summary>
    public bool InFilter { get; set; }

    internal void Add(PublishedPort port, Fd? socket, bool held = true)
    {
        ports.Add(port);
        if (held) this.held.Add(port);
        if (socket is not null) servers.Add(publisher.Serve(port, socket));
    }

    /// <summary>Ends the relays and lets go of the sockets, and leaves the rules: the daemon goes, the container stays.</summary>
    public async ValueTask LetGoAsync()
    {
        foreach (var server in servers) await server.DisposeAsync().ConfigureAwait(false);
        servers.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (InFilter) publisher.Withdraw(ports);
        }
        finally
        {
            // Whatever the filter says: the next change leaves these ports out.
            await LetGoAsync().ConfigureAwait(false);
            foreach (var port in ports) publisher.Forget(port);
            ports.Clear();
        }
    }
}
