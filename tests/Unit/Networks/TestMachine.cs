using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Gantry.Daemon.Events;
using Gantry.Daemon.Networks;
using Gantry.Daemon.Storage;
using Gantry.Linux.Kernel;
using Gantry.Linux.Networking;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;
using Gantry.Protocol.Networks;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gantry.Unit.Networks;

/// <summary>
/// A machine of the tests' own: a network namespace that plays the host, with a wire to another that plays the world outside, and a network service that
/// lives there. Real bridges, wires, rules and sockets, none of them on the machine that the tests run on.
/// </summary>
internal sealed class TestMachine : IEventPublisher, IContainerNetworkNamespaces, IAsyncDisposable
{
    public static readonly IPAddress Outside = IPAddress.Parse("203.0.113.2"), HostAddress = IPAddress.Parse("203.0.113.1");

    private readonly string folder = Directory.CreateTempSubdirectory("gt-networks-").FullName;
    private readonly ConcurrentDictionary<string, NetworkNamespace> places = new();
    private Database database = null!;

    public NetworkNamespace Host { get; private set; } = null!;

    public NetworkNamespace World { get; private set; } = null!;

    public RouteSocket Routes { get; private set; } = null!;

    public Nftables Firewall { get; private set; } = null!;

    public NetworkService Service { get; private set; } = null!;

    public NetworkOptions Options { get; private set; } = null!;

    public ConcurrentQueue<string> Events { get; } = [];

    public static async Task<TestMachine> StartAsync(Func<NetworkOptions, NetworkOptions>? change = null, Func<TestMachine, Task>? before = null)
    {
        var machine = new TestMachine();
        try
        {
            await machine.SetUpAsync(change, before);
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    private async Task SetUpAsync(Func<NetworkOptions, NetworkOptions>? change, Func<TestMachine, Task>? before)
    {
        File.WriteAllText(folder + "/resolv.conf", "nameserver 127.0.0.53\nnameserver 192.0.2.53\nsearch example.test\n");
        File.WriteAllText(folder + "/hosts", "127.0.0.1 localhost\n10.9.9.9 known-to-the-host\n");
        (Host, (Routes, Firewall)) = await NetworkNamespace.CreateAsync(() => (new RouteSocket(), new Nftables()));
        World = await NetworkNamespace.CreateAsync();
        await WireAsync();
        var options = new NetworkOptions
        {
            Bridge = "gt" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4)), HostResolvConf = folder + "/resolv.conf", HostHosts = folder + "/hosts",
        };
        Options = change is null ? options : change(options);
        database = Database.Open(folder + "/test.db");
        if (before is not null) await before(this);
        await BootAsync([]);
    }

    private async Task WireAsync()
    {
        Routes.Execute(new RouteBatch().ChangeLink(1, new LinkChange { Up = true }).CreateVeth(new VethPair
        {
            Name = "out0", PeerName = "eth0", PeerAddress = HardwareAddress.Random(), PeerNamespace = World.Handle,
        }));
        Routes.Execute(new RouteBatch().AddAddress(Routes.FindLink("out0")!.Index, HostAddress, 24));
        using var world = await World.OpenRoutesAsync();
        int device = world.FindLink("eth0")!.Index;
        world.Execute(new RouteBatch().ChangeLink(1, new LinkChange { Up = true }).ChangeLink(device, new LinkChange { Up = true }).AddAddress(device, Outside, 24));
    }

    private async Task BootAsync(IReadOnlyList<RunningSandbox> running)
    {
        Service = new NetworkService(Options, database, this, NullLogger.Instance, await HostNetwork.InAsync(Host));
        await Service.StartAsync(CancellationToken.None);
        await Service.RestoreAsync(running, CancellationToken.None);
    }

    /// <summary>A service with this machine's options and database, on another machine.</summary>
    public async Task<NetworkService> ServiceOnAsync(NetworkNamespace host)
    {
        var service = new NetworkService(Options, database, this, NullLogger.Instance, await HostNetwork.InAsync(host));
        await service.StartAsync(CancellationToken.None);
        await service.RestoreAsync([], CancellationToken.None);
        return service;
    }

    /// <summary>Ends the service without a word to anyone, and starts another on the same database and machine.</summary>
    public async Task RestartAsync(params RunningSandbox[] running)
    {
        await Service.DisposeAsync();
        await BootAsync(running);
    }

    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    public static SandboxRequest Request(string name = "web", string mode = "default", Action<HostConfig>? host = null, Action<ContainerConfig>? config = null, EndpointSettings? endpoint = null)
    {
        var hostConfig = new HostConfig { NetworkMode = mode };
        host?.Invoke(hostConfig);
        string id = NewId();
        var containerConfig = new ContainerConfig { Hostname = id[..12] };
        config?.Invoke(containerConfig);
        return new SandboxRequest(id, name, containerConfig, hostConfig, endpoint is null ? new Dictionary<string, EndpointSettings>() : new Dictionary<string, EndpointSettings> { ["bridge"] = endpoint });
    }

    public static Action<HostConfig> Publish(string port, string hostPort = "", string hostIp = "") => c => c.PortBindings = new(StringComparer.Ordinal)
    {
        [port] = [new PortBinding { HostIp = hostIp, HostPort = hostPort }],
    };

    public static Action<ContainerConfig> Expose(params string[] ports) => c => c.ExposedPorts = new(ports.ToDictionary(p => p, _ => EmptyObject.Value), StringComparer.Ordinal);

    public Task<Sandbox> CreateAsync(SandboxRequest request) => Service.CreateSandboxAsync(request, this, CancellationToken.None);

    /// <summary>A container on the bridge with a place to open sockets in.</summary>
    public async Task<TestContainer> RunAsync(SandboxRequest request) => new(request, await CreateAsync(request));

    /// <summary>The network of a container that <see cref="Join"/> finds under a name.</summary>
    public void Let(string name, Sandbox sandbox) => places[name] = new NetworkNamespace(sandbox.Namespace!.Duplicate());

    public JoinedNetwork Join(string container) => places.TryGetValue(container, out var place)
        ? new JoinedNetwork(place.Handle.Duplicate(), "its hosts", "its resolver")
        : throw Daemon.Engine.EngineException.Conflict($"cannot join network of a non running container: {container}");

    public void Publish(string type, string action, string actorId, IEnumerable<KeyValuePair<string, string>> attributes) =>
        Events.Enqueue($"{type} {action} {actorId} {string.Join(' ', attributes.Select(a => $"{a.Key}={a.Value}"))}");

    public Task<List<string>> RowsAsync(string sql) => database.ReadAsync(w => w.Query(sql, row => string.Join(' ', Enumerable.Range(0, row.FieldCount).Select(row.GetValue))));

    public async ValueTask DisposeAsync()
    {
        if (Service is not null) await Service.DisposeAsync();
        if (database is not null) await database.DisposeAsync();
        foreach (var place in places.Values) place.Dispose();
        Routes?.Dispose();
        Firewall?.Dispose();
        World?.Dispose();
        Host?.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}

/// <summary>A sandbox with the namespace to open sockets in.</summary>
internal sealed class TestContainer(SandboxRequest request, Sandbox sandbox) : IDisposable
{
    public SandboxRequest Request { get; } = request;

    public Sandbox Sandbox { get; } = sandbox;

    public string Id => Request.ContainerId;

    public EndpointSettings Endpoint => Sandbox.Endpoints["bridge"];

    public IPAddress Address => IPAddress.Parse(Endpoint.IPAddress);

    public NetworkNamespace Place { get; } = new(sandbox.Namespace!);

    /// <summary>How a restarted daemon is told of it.</summary>
    public RunningSandbox Running => new(Request, Sandbox.Id, Sandbox.Endpoints, Sandbox.Ports);

    public int Port(string name) => int.Parse(Sandbox.Ports[name]![0].HostPort, System.Globalization.CultureInfo.InvariantCulture);

    public void Dispose() => Sandbox.Dispose();
}

/// <summary>Small conversations between namespaces.</summary>
internal static class Talk
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static Task<Socket> ListenAsync(NetworkNamespace place, int port, ProtocolType protocol = ProtocolType.Tcp) => place.RunAsync(() =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, protocol == ProtocolType.Tcp ? SocketType.Stream : SocketType.Dgram, protocol);
        socket.Bind(new IPEndPoint(IPAddress.Any, port));
        if (protocol == ProtocolType.Tcp) socket.Listen();
        return socket;
    });

    /// <summary>Connects, says something, and returns what the listener heard and from where; null when the connection does not come about.</summary>
    public static async Task<(string Heard, IPAddress From)?> TcpAsync(NetworkNamespace from, IPAddress to, int port, Socket listener, int patience = 20_000)
    {
        using var client = await from.RunAsync(() => new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        using var limit = new CancellationTokenSource(patience);
        try
        {
            await client.ConnectAsync(new IPEndPoint(to, port), limit.Token);
            using var server = await listener.AcceptAsync(limit.Token);
            await client.SendAsync("hello"u8.ToArray(), limit.Token);
            client.Shutdown(SocketShutdown.Send);
            byte[] buffer = new byte[64];
            int length = await server.ReceiveAsync(buffer, limit.Token);
            await server.SendAsync(buffer.AsMemory(0, length), limit.Token);
            server.Shutdown(SocketShutdown.Both);
            int back = await client.ReceiveAsync(buffer, limit.Token);
            return (Encoding.ASCII.GetString(buffer, 0, back), ((IPEndPoint)server.RemoteEndPoint!).Address);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            return null;
        }
    }

    /// <summary>Sends a datagram and gets it back; null when nothing comes back.</summary>
    public static async Task<IPAddress?> UdpAsync(NetworkNamespace from, IPAddress to, int port, Socket server)
    {
        using var client = await from.RunAsync(() => new Socket(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            await client.ConnectAsync(new IPEndPoint(to, port), limit.Token);
            await client.SendAsync("hello"u8.ToArray(), limit.Token);
            byte[] buffer = new byte[64];
            var received = await server.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), limit.Token);
            await server.SendToAsync(buffer.AsMemory(0, received.ReceivedBytes), SocketFlags.None, received.RemoteEndPoint, limit.Token);
            await client.ReceiveAsync(buffer, limit.Token);
            return ((IPEndPoint)received.RemoteEndPoint).Address;
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            return null;
        }
    }
}
