using System.Net;
using System.Net.Sockets;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks;
using Gantry.Linux.Networking;

namespace Gantry.Unit.Networks;

/// <summary>Who reaches whom, over real connections.</summary>
public class ConnectivityTests
{
    private const string DroppingForwards = "add table ip filter\nadd chain ip filter FORWARD { type filter hook forward priority filter; policy drop; }";

    /// <summary>The chain that dockerd leaves to people.</summary>
    private const string DockersChain = "\nadd chain ip filter DOCKER-USER\nadd rule ip filter FORWARD jump DOCKER-USER";

    private static readonly IPAddress Gateway = IPAddress.Parse("172.17.0.1");

    private static async Task AssertReachesOutsideAsync(TestMachine machine, TestContainer container)
    {
        using var listener = await Talk.ListenAsync(machine.World, 7000);
        Assert.NotNull(await Talk.TcpAsync(container.Place, TestMachine.Outside, 7000, listener));
    }

    [Fact]
    public async Task A_container_reaches_the_host()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());
        using var listener = await Talk.ListenAsync(machine.Host, 7000);

        Assert.Equal(("hello", container.Address), await Talk.TcpAsync(container.Place, Gateway, 7000, listener));
    }

    [Fact]
    public async Task The_host_reaches_a_container()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());
        using var listener = await Talk.ListenAsync(container.Place, 7000);

        Assert.Equal(("hello", Gateway), await Talk.TcpAsync(machine.Host, container.Address, 7000, listener));
    }

    [Fact]
    public async Task Containers_reach_each_other()
    {
        await using var machine = await TestMachine.StartAsync();
        using var one = await machine.RunAsync(TestMachine.Request());
        using var two = await machine.RunAsync(TestMachine.Request());
        using var listener = await Talk.ListenAsync(two.Place, 7000);

        Assert.Equal(("hello", one.Address), await Talk.TcpAsync(one.Place, two.Address, 7000, listener));
    }

    [Fact]
    public async Task What_leaves_the_host_has_the_hosts_address()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());
        using var listener = await Talk.ListenAsync(machine.World, 7000);

        Assert.Equal(("hello", TestMachine.HostAddress), await Talk.TcpAsync(container.Place, TestMachine.Outside, 7000, listener));
    }

    [Fact]
    public async Task Without_masquerading_what_leaves_has_the_containers_address()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { IpMasquerade = false });
        using var container = await machine.RunAsync(TestMachine.Request());
        await RouteToContainersAsync(machine);
        using var listener = await Talk.ListenAsync(machine.World, 7000);

        Assert.Equal(("hello", container.Address), await Talk.TcpAsync(container.Place, TestMachine.Outside, 7000, listener));
    }

    private static async Task RouteToContainersAsync(TestMachine machine)
    {
        using var world = await machine.World.OpenRoutesAsync();
        world.Execute(new RouteBatch().AddRoute(new Route(IPNetwork.Parse("172.17.0.0/16"), TestMachine.HostAddress, world.FindLink("eth0")!.Index)));
    }

    [Fact]
    public async Task The_world_outside_does_not_reach_a_container_by_its_own_address()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());
        await RouteToContainersAsync(machine);
        using var listener = await Talk.ListenAsync(container.Place, 7000);

        Assert.Null(await Talk.TcpAsync(machine.World, container.Address, 7000, listener, patience: 500));
    }

    [Fact]
    public async Task A_container_does_not_reach_the_hosts_loopback()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());
        using var listener = await machine.Host.RunAsync(() =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 7000));
            socket.Listen();
            return socket;
        });
        // A container that sends 127.0.0.1 out to its gateway: it needs another loopback and no filter of its own.
        using (var inside = await container.Place.OpenRoutesAsync())
        {
            inside.Execute(new RouteBatch().ChangeLink(1, new LinkChange { Up = false }));
            inside.Execute(new RouteBatch().AddRoute(new Route(IPNetwork.Parse("127.0.0.1/32"), Gateway, inside.FindLink("eth0")!.Index)));
        }
        await container.Place.RunAsync(() => SystemControl.TryWrite("net/ipv4/conf/eth0/route_localnet", "1"));

        Assert.Null(await Talk.TcpAsync(container.Place, IPAddress.Loopback, 7000, listener, patience: 500));
    }

    [Fact]
    public async Task An_address_that_changes_its_owner_is_found_at_the_new_one_at_once()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { AddressPools = [new AddressPoolOption(IPNetwork.Parse("10.80.0.0/29"), 29)], FixedCidr = IPNetwork.Parse("10.80.0.2/31") });
        using var client = await machine.RunAsync(TestMachine.Request("client"));
        var first = await machine.RunAsync(TestMachine.Request("first"));
        using (var listener = await Talk.ListenAsync(first.Place, 7000)) Assert.NotNull(await Talk.TcpAsync(client.Place, first.Address, 7000, listener));
        await machine.Service.ReleaseSandboxAsync(first.Id);
        first.Dispose();

        using var second = await machine.RunAsync(TestMachine.Request("second"));

        Assert.Equal(first.Address, second.Address);
        using var next = await Talk.ListenAsync(second.Place, 7000);
        Assert.NotNull(await Talk.TcpAsync(client.Place, second.Address, 7000, next, patience: 4500));
    }

    [Fact]
    public async Task Without_communication_between_containers_they_reach_the_host_and_not_each_other()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { InterContainerCommunication = false });
        using var one = await machine.RunAsync(TestMachine.Request());
        using var two = await machine.RunAsync(TestMachine.Request());
        using var there = await Talk.ListenAsync(two.Place, 7000);
        using var host = await Talk.ListenAsync(machine.Host, 7000);

        Assert.Null(await Talk.TcpAsync(one.Place, two.Address, 7000, there, patience: 500));
        Assert.NotNull(await Talk.TcpAsync(one.Place, Gateway, 7000, host));
    }

    [Fact]
    public async Task Keeping_containers_apart_without_a_packet_filter_is_refused_in_dockers_words()
    {
        var error = await Assert.ThrowsAsync<EngineException>(() => TestMachine.StartAsync(o => o with { InterContainerCommunication = false, Firewall = false }));

        Assert.StartsWith("You specified --iptables=false with --icc=false.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_names_the_child_and_opens_the_way_to_its_exposed_ports_only()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { InterContainerCommunication = false });
        using var child = await machine.RunAsync(TestMachine.Request("db", config: c =>
        {
            TestMachine.Expose("7000/tcp")(c);
            c.Hostname = "dbhost";
        }));
        using var parent = await machine.RunAsync(TestMachine.Request("web", host: h => h.Links = ["/db:/web/data"]));
        using var open = await Talk.ListenAsync(child.Place, 7000);
        using var closed = await Talk.ListenAsync(child.Place, 7001);

        Assert.Contains("172.17.0.2\tdata dbhost db\n", parent.Sandbox.HostsFile, StringComparison.Ordinal);
        Assert.NotNull(await Talk.TcpAsync(parent.Place, child.Address, 7000, open));
        Assert.Null(await Talk.TcpAsync(parent.Place, child.Address, 7001, closed, patience: 500));
    }

    [Fact]
    public async Task A_link_ends_with_the_parent()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { InterContainerCommunication = false });
        using var child = await machine.RunAsync(TestMachine.Request("db", config: TestMachine.Expose("7000/tcp")));
        using var parent = await machine.RunAsync(TestMachine.Request("web", host: h => h.Links = ["db"]));
        using var listener = await Talk.ListenAsync(child.Place, 7000);

        await machine.Service.ReleaseSandboxAsync(parent.Id);

        Assert.Null(await Talk.TcpAsync(parent.Place, child.Address, 7000, listener, patience: 500));
    }

    [Fact]
    public async Task A_link_to_a_container_that_does_not_run_is_refused_in_dockers_words()
    {
        await using var machine = await TestMachine.StartAsync();

        var error = await Assert.ThrowsAsync<EngineException>(() => machine.CreateAsync(TestMachine.Request("web", host: h => h.Links = ["/db:/web/data"])));

        Assert.Equal("Cannot link to a non running container: /db AS /web/data", error.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData(DockersChain)]
    public async Task Another_engines_forward_policy_does_not_keep_our_containers_in(string itsOwn)
    {
        await using var machine = await TestMachine.StartAsync(before: m =>
        {
            m.Firewall.Run(DroppingForwards + itsOwn);
            return Task.CompletedTask;
        });
        using var container = await machine.RunAsync(TestMachine.Request());
        await AssertReachesOutsideAsync(machine, container);
    }

    [Fact]
    public async Task An_engine_that_comes_up_later_and_drops_does_not_either()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());

        machine.Firewall.Run(DroppingForwards);

        await Eventually.IsAsync(() => machine.Firewall.Run("list chain ip filter FORWARD").Contains(machine.Options.Bridge, StringComparison.Ordinal));
        await AssertReachesOutsideAsync(machine, container);
    }

    [Fact]
    public async Task The_admission_is_made_once_and_withdrawn_with_the_rest()
    {
        await using var machine = await TestMachine.StartAsync(before: m =>
        {
            m.Firewall.Run(DroppingForwards + DockersChain);
            return Task.CompletedTask;
        });
        await machine.RestartAsync();
        Assert.Equal(2, machine.Firewall.Run("list chain ip filter DOCKER-USER").Split(machine.Options.Bridge).Length - 1);

        machine.Service.RemoveTraces();

        Assert.DoesNotContain(machine.Options.Bridge, machine.Firewall.Run("list ruleset"), StringComparison.Ordinal);
    }
}
