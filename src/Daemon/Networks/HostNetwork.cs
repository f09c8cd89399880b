using Gantry.Linux.Networking;

namespace Gantry.Daemon.Networks;

/// <summary>The network namespace in which the engine's bridges, rules and published ports live: the process's own, or in tests one made for them.</summary>
internal sealed class HostNetwork : IDisposable
{
    private readonly NetworkNamespace? place;
    private readonly Lazy<Nftables> firewall;
    private readonly Lazy<ConnectionTracking> connections;

    private HostNetwork(RouteSocket routes, Lazy<Nftables> firewall, Lazy<ConnectionTracking> connections, NetworkNamespace? place)
    {
        Routes = routes;
        this.firewall = firewall;
        this.connections = connections;
        this.place = place;
    }

    public RouteSocket Routes { get; }

    /// <exception cref="NftablesException">The library is missing.</exception>
    public Nftables Firewall => firewall.Value;

    /// <exception cref="Linux.Kernel.KernelException">The kernel does not track connections.</exception>
    public ConnectionTracking Connections => connections.Value;

    public static HostNetwork OfThisProcess() => new(new RouteSocket(), new Lazy<Nftables>(() => new Nftables()), new Lazy<ConnectionTracking>(() => new ConnectionTracking()), null);

    /// <summary>Everything happens in another namespace, which the caller keeps alive and disposes.</summary>
    public static async Task<HostNetwork> InAsync(NetworkNamespace place)
    {
        var (routes, firewall, connections) = await place.RunAsync(() => (new RouteSocket(), new Nftables(), new ConnectionTracking())).ConfigureAwait(false);
        return new HostNetwork(routes, new Lazy<Nftables>(firewall), new Lazy<ConnectionTracking>(connections), place);
    }

    /// <summary>Does what depends on the thread's namespace: opening sockets, reading and writing settings. A few system calls, no tasks.</summary>
    public ValueTask<T> RunAsync<T>(Func<T> work) => place is null ? ValueTask.FromResult(work()) : new ValueTask<T>(place.RunAsync(work));

    public void Dispose()
    {
        Routes.Dispose();
        if (firewall.IsValueCreated) firewall.Value.Dispose();
        if (connections.IsValueCreated) connections.Value.Dispose();
    }
}
