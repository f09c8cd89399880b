using System.Text.Json;
using Gantry.Daemon.Networks.Ports;
using Gantry.Daemon.Storage;
using Gantry.Protocol.Json;
using Gantry.Protocol.Networks;

namespace Gantry.Daemon.Networks;

/// <summary>Networks, address leases and published ports in the database. Addresses and ports are unique by its constraints.</summary>
internal sealed class NetworkStore(Database database)
{
    public Task<List<NetworkResource>> LoadAsync() => database.ReadAsync(w => w.Query("SELECT record FROM networks",
        row => JsonSerializer.Deserialize((byte[])row[0], WireJson.TypeInfo<NetworkResource>())!));

    public Task SaveAsync(NetworkResource network)
    {
        byte[] record = JsonSerializer.SerializeToUtf8Bytes(network, WireJson.TypeInfo<NetworkResource>());
        return database.WriteAsync(w => w.Execute(
            "INSERT INTO networks (id, name, record) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET name = excluded.name, record = excluded.record",
            network.Id, network.Name, record));
    }

    public Task DeleteAsync(string networkId) => database.WriteAsync(w => w.Execute("DELETE FROM networks WHERE id = $1", networkId));

    /// <summary>Notes a container's address and published ports.</summary>
    /// <remarks>
    /// Nobody waits: the addresses and ports in memory decide who has what, and this row is on disk before any that is written later. A row that was
    /// left behind loses to the new one.
    /// </remarks>
    public void Lease(string networkId, string address, IReadOnlyCollection<PublishedPort> ports, string container) => database.Post(w =>
    {
        w.Execute("INSERT INTO addresses (network, address, container) VALUES ($1, $2, $3) ON CONFLICT DO UPDATE SET container = excluded.container", networkId, address, container);
        Publish(w, ports, container);
    });

    /// <summary>Notes published ports alone.</summary>
    public void Publish(IReadOnlyCollection<PublishedPort> ports, string container) => database.Post(w => Publish(w, ports, container));

    private static void Publish(DatabaseWriter writer, IReadOnlyCollection<PublishedPort> ports, string container)
    {
        foreach (var port in ports)
        {
            writer.Execute("INSERT INTO ports (protocol, address, port, container) VALUES ($1, $2, $3, $4) ON CONFLICT DO UPDATE SET container = excluded.container",
                port.Protocol, port.HostIp, port.HostPort, container);
        }
    }

    /// <summary>Forgets what a container had. Nobody waits for it: whatever is written later comes after it.</summary>
    public void Release(string container) => database.Post(w =>
    {
        w.Execute("DELETE FROM addresses WHERE container = $1", container);
        w.Execute("DELETE FROM ports WHERE container = $1", container);
    });

    /// <summary>Makes the tables say what is true now, and nothing else.</summary>
    public Task ReplaceAsync(IEnumerable<(string Network, string Address, string Container)> leases, IEnumerable<(PublishedPort Port, string Container)> ports) =>
        database.WriteAsync(w =>
        {
            w.Execute("DELETE FROM addresses");
            w.Execute("DELETE FROM ports");
            foreach (var (network, address, container) in leases)
                w.Execute("INSERT OR IGNORE INTO addresses (network, address, container) VALUES ($1, $2, $3)", network, address, container);
            foreach (var (port, container) in ports)
                w.Execute("INSERT OR IGNORE INTO ports (protocol, address, port, container) VALUES ($1, $2, $3, $4)", port.Protocol, port.HostIp, port.HostPort, container);
        });
}
