using System.Net;
using System.Net.Sockets;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks;
using Gantry.Linux.Networking;
using Gantry.Protocol.Containers;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gantry.Unit.Networks;

/// <summary>Ports of the host that lead to containers, over real connections.</summary>
public class PublishedPortTests
{
    [Fact]
    public async Task A_published_port_is_reached_from_outside_with_the_clients_own_address()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/tcp", "8080")));
        using var listener = await Talk.ListenAsync(container.Place, 7000);

        Assert.Equal(("hello", TestMachine.Outside), await Talk.TcpAsync(machine.World, TestMachine.HostAddress, 8080, listener));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("203.0.113.1")]
    [InlineData("172.17.0.1")]
    [InlineData("::1")]
    public async Task A_published_port_is_reached_from_the_host_at_each_of_its_addresses(string address)
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/tcp", "8080")));
        using var listener = await Talk.ListenAsync(container.Place, 7000);

        Assert.Equal("hello", (await Talk.TcpAsync(machine.Host, IPAddress.Parse(address), 8080, listener))?.Heard);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_published_port_is_reached_from_another_container_and_from_its_own(bool relays)
    {
        await using var machine = await TestMachine.StartAsync(o => o with { UserlandProxy = relays });
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/tcp", "8080")));
        using var other = await machine.RunAsync(TestMachine.Request());
        using var listener = await Talk.ListenAsync(container.Place, 7000);

        Assert.Equal("hello", (await Talk.TcpAsync(other.Place, TestMachine.HostAddress, 8080, listener))?.Heard);
        Assert.Equal("hello", (await Talk.TcpAsync(container.Place, TestMachine.HostAddress, 8080, listener))?.Heard);
    }

    [Fact]
    public async Task A_port_published_on_one_address_is_found_only_there()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/tcp", "8080", "127.0.0.1")));
        using var listener = await Talk.ListenAsync(container.Place, 7000);

        Assert.NotNull(await Talk.TcpAsync(machine.Host, IPAddress.Loopback, 8080, listener));
        Assert.Null(await Talk.TcpAsync(machine.World, TestMachine.HostAddress, 8080, listener, patience: 500));
        Assert.Equal(["127.0.0.1:8080"], container.Sandbox.Ports["7000/tcp"]!.Select(b => $"{b.HostIp}:{b.HostPort}"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_UDP_port_is_reached_from_outside_and_from_the_host(bool outside)
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/udp", "8080")));
        using var server = await Talk.ListenAsync(container.Place, 7000, ProtocolType.Udp);

        Assert.NotNull(await Talk.UdpAsync(outside ? machine.World : machine.Host, outside ? TestMachine.HostAddress : IPAddress.IPv6Loopback, 8080, server));
    }

    [Fact]
    public async Task After_the_container_has_ended_its_port_is_closed_and_free()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/tcp", "8080")));
        using var listener = await Talk.ListenAsync(container.Place, 7000);

        await machine.Service.ReleaseSandboxAsync(container.Id);

        Assert.Null(await Talk.TcpAsync(machine.World, TestMachine.HostAddress, 8080, listener, patience: 500));
        using var next = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/tcp", "8080")));
        Assert.Equal(8080, next.Port("7000/tcp"));
        Assert.Equal(["tcp 0.0.0.0 8080", "tcp :: 8080"], await machine.RowsAsync("SELECT protocol, address, port FROM ports ORDER BY address"));
    }

    [Fact]
    public async Task A_binding_without_an_address_is_shown_for_both_families()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/tcp", "8080")));

        Assert.Equal(["0.0.0.0 8080", ":: 8080"], container.Sandbox.Ports["7000/tcp"]!.Select(b => $"{b.HostIp} {b.HostPort}"));
    }

    [Fact]
    public async Task An_exposed_port_that_is_not_published_is_shown_without_bindings()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(config: TestMachine.Expose("80/tcp")));

        Assert.Equal([("80/tcp", null)], container.Sandbox.Ports.Select(p => (p.Key, p.Value)));
    }

    [Fact]
    public async Task Ephemeral_ports_come_from_the_kernels_range_one_after_the_other()
    {
        await using var machine = await TestMachine.StartAsync(before: m => m.Host.RunAsync(() => SystemControl.TryWrite("net/ipv4/ip_local_port_range", "41000 41999")));
        using var one = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("80/tcp")));
        await machine.Service.ReleaseSandboxAsync(one.Id);

        using var two = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("80/tcp")));

        Assert.Equal((41000, 41001), (one.Port("80/tcp"), two.Port("80/tcp")));
    }

    [Fact]
    public async Task Of_a_range_the_first_free_port_is_taken()
    {
        await using var machine = await TestMachine.StartAsync();
        using var one = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("80/tcp", "8000-8002")));
        using var two = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("80/tcp", "8000-8002")));

        Assert.Equal((8000, 8001), (one.Port("80/tcp"), two.Port("80/tcp")));
    }

    [Fact]
    public async Task Publishing_all_gives_each_exposed_port_one_of_the_host()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(host: h => h.PublishAllPorts = true, config: TestMachine.Expose("80/tcp", "81/udp")));

        Assert.All(container.Sandbox.Ports.Values, bindings => Assert.Equal(2, bindings!.Count));
    }

    private static string Wrapped(EngineException error) => System.Text.RegularExpressions.Regex.Replace(error.Message, "[0-9a-f]{64}", "ID");

    [Theory]
    [InlineData("", "127.0.0.1", "0.0.0.0:8080")]
    [InlineData("127.0.0.1", "", "127.0.0.1:8080")]
    public async Task A_port_that_another_container_has_is_refused_in_dockers_words(string first, string second, string holder)
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("80/tcp", "8080", first)));

        var error = await Assert.ThrowsAsync<EngineException>(() => machine.CreateAsync(TestMachine.Request("two", host: TestMachine.Publish("80/tcp", "8080", second))));

        Assert.Equal(ErrorKind.System, error.Kind);
        Assert.Equal($"failed to set up container networking: driver failed programming external connectivity on endpoint two (ID): Bind for {holder} failed: port is already allocated", Wrapped(error));
    }

    [Fact]
    public async Task A_port_that_another_program_has_is_refused_in_dockers_words()
    {
        await using var machine = await TestMachine.StartAsync();
        using var other = await Talk.ListenAsync(machine.Host, 8080);

        var error = await Assert.ThrowsAsync<EngineException>(() => machine.CreateAsync(TestMachine.Request("web", host: TestMachine.Publish("80/tcp", "8080"))));

        Assert.Equal("failed to set up container networking: driver failed programming external connectivity on endpoint web (ID): failed to bind host port for 0.0.0.0:8080:172.17.0.2:80/tcp: address already in use", Wrapped(error));
    }

    [Fact]
    public async Task An_address_that_the_host_has_not_is_refused_in_dockers_words()
    {
        await using var machine = await TestMachine.StartAsync();

        var error = await Assert.ThrowsAsync<EngineException>(() => machine.CreateAsync(TestMachine.Request("web", host: TestMachine.Publish("80/tcp", "8080", "192.0.2.77"))));

        Assert.EndsWith("failed to bind host port for 192.0.2.77:8080:172.17.0.2:80/tcp: cannot assign requested address", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_start_that_fails_for_a_port_leaves_no_lease_no_port_and_no_event()
    {
        await using var machine = await TestMachine.StartAsync();
        using var other = await Talk.ListenAsync(machine.Host, 8081);

        await Assert.ThrowsAsync<EngineException>(() => machine.CreateAsync(TestMachine.Request(host: h => h.PortBindings = new(StringComparer.Ordinal)
        {
            ["80/tcp"] = [new PortBinding { HostPort = "8080" }], ["81/tcp"] = [new PortBinding { HostPort = "8081" }],
        })));

        Assert.Empty(await machine.RowsAsync("SELECT address FROM addresses UNION ALL SELECT address FROM ports"));
        Assert.Empty(machine.Events);
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("80/tcp", "8080")));
        Assert.Equal(8080, container.Port("80/tcp"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task No_other_program_can_take_a_published_port(bool relays)
    {
        await using var machine = await TestMachine.StartAsync(o => o with { UserlandProxy = relays });
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("80/tcp", "8080")));

        var error = await Assert.ThrowsAsync<SocketException>(() => Talk.ListenAsync(machine.Host, 8080));

        Assert.Equal(SocketError.AddressAlreadyInUse, error.SocketErrorCode);
    }

    [Fact]
    public async Task Without_a_packet_filter_the_relay_carries_connections()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { Firewall = false });
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/tcp", "8080")));
        using var listener = await Talk.ListenAsync(container.Place, 7000);

        Assert.Equal(("hello", IPAddress.Parse("172.17.0.1")), await Talk.TcpAsync(machine.World, TestMachine.HostAddress, 8080, listener));
        Assert.Equal("", machine.Firewall.Run("list ruleset"));
    }

    [Fact]
    public async Task A_connection_to_a_port_that_nobody_serves_in_the_container_ends()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { Firewall = false });
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/tcp", "8080")));
        using var client = await machine.World.RunAsync(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));

        var error = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            await client.ConnectAsync(TestMachine.HostAddress, 8080);   // it may end before this does
            await client.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(20));
        });

        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    [Fact]
    public async Task A_table_that_another_program_flushes_is_written_again()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/tcp", "8080")));
        using var listener = await Talk.ListenAsync(container.Place, 7000);

        machine.Firewall.Run("flush ruleset");

        await Eventually.IsAsync(() => machine.Firewall.Run("list ruleset").Contains("8080", StringComparison.Ordinal));
        Assert.NotNull(await Talk.TcpAsync(machine.World, TestMachine.HostAddress, 8080, listener));
    }

    [Fact]
    public async Task A_UDP_sender_that_never_pauses_is_led_to_the_next_container()
    {
        await using var machine = await TestMachine.StartAsync();
        using var sender = await machine.World.RunAsync(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        await sender.ConnectAsync(TestMachine.HostAddress, 8080);
        var first = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/udp", "8080")));
        using (var server = await Talk.ListenAsync(first.Place, 7000, ProtocolType.Udp)) Assert.True(await HearsAsync(sender, server));
        await machine.Service.ReleaseSandboxAsync(first.Id);
        var engine = new Daemon.Engine.Engine(NullLogger<Daemon.Engine.Engine>.Instance);
        engine.RegisterNetworkCommands(machine.Service);
        await engine.RunAsync(NetworkCommands.InitNetworkDriver, default);
        await engine.RunAsync(NetworkCommands.AllocateInterface, new AllocateInterfaceRequest("holder", first.Endpoint.IPAddress));   // else it is the second one's once it has rested

        using var second = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/udp", "8080")));

        using var next = await Talk.ListenAsync(second.Place, 7000, ProtocolType.Udp);
        Assert.NotEqual(first.Address, second.Address);
        Assert.True(await HearsAsync(sender, next));
        first.Dispose();
    }

    private static async Task<bool> HearsAsync(Socket sender, Socket server)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            await sender.SendAsync("hello"u8.ToArray(), limit.Token);
            return await server.ReceiveAsync(new byte[16], limit.Token) == 5;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
