using System.Net;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks;
using Gantry.Linux.Networking;

namespace Gantry.Unit.Networks;

public class NetworkServiceTests
{
    [Fact]
    public async Task The_predefined_networks_are_there_with_their_drivers()
    {
        await using var machine = await TestMachine.StartAsync();

        Assert.Equal(["bridge bridge", "host host", "none null"], machine.Service.List(Filters.None).Select(n => $"{n.Name} {n.Driver}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Ids_and_times_of_predefined_networks_survive_a_restart()
    {
        await using var machine = await TestMachine.StartAsync();
        var before = machine.Service.List(Filters.None).Select(n => (n.Name, n.Id, n.Created)).Order().ToList();

        await machine.RestartAsync();

        Assert.Equal(before, machine.Service.List(Filters.None).Select(n => (n.Name, n.Id, n.Created)).Order());
        Assert.All(before, n => Assert.Matches("^[0-9a-f]{64}$", n.Id));
    }

    [Fact]
    public async Task The_default_bridge_is_made_with_the_first_free_subnet_and_described_as_docker_does()
    {
        await using var machine = await TestMachine.StartAsync();

        var network = machine.Service.Inspect("bridge");

        Assert.Equal(("172.17.0.0/16", "172.17.0.1"), (network.IPAM.Config![0].Subnet, network.IPAM.Config[0].Gateway));
        Assert.Equal(
        [
            "com.docker.network.bridge.default_bridge=true", "com.docker.network.bridge.enable_icc=true", "com.docker.network.bridge.enable_ip_masquerade=true",
            "com.docker.network.bridge.host_binding_ipv4=0.0.0.0", $"com.docker.network.bridge.name={machine.Options.Bridge}", "com.docker.network.driver.mtu=1500",
        ], network.Options.Select(o => $"{o.Key}={o.Value}"));
        var link = machine.Routes.FindLink(machine.Options.Bridge)!;
        Assert.Equal(("bridge", true, 1500), (link.Kind, link.Up, link.Mtu));
        Assert.Contains(machine.Routes.Addresses(link.Index), a => a.Address.ToString() == "172.17.0.1" && a.PrefixLength == 16);
    }

    [Fact]
    public async Task A_subnet_that_the_host_routes_is_passed_over()
    {
        await using var machine = await TestMachine.StartAsync(before: m =>
        {
            int device = m.Routes.FindLink("out0")!.Index;
            m.Routes.Execute(new RouteBatch().AddRoute(new Route(IPNetwork.Parse("172.17.3.0/24"), TestMachine.Outside, device)).AddAddress(device, IPAddress.Parse("172.18.9.9"), 24));
            return Task.CompletedTask;
        });

        Assert.Equal("172.19.0.0/16", machine.Service.Inspect("bridge").IPAM.Config![0].Subnet);
    }

    [Fact]
    public async Task The_bridge_keeps_its_subnet_over_a_restart_although_its_own_route_is_there()
    {
        await using var machine = await TestMachine.StartAsync();

        await machine.RestartAsync();

        Assert.Equal("172.17.0.0/16", machine.Service.Inspect("bridge").IPAM.Config![0].Subnet);
    }

    [Fact]
    public async Task After_the_bridge_was_deleted_it_is_made_again_with_the_same_subnet()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { AddressPools = [new AddressPoolOption(IPNetwork.Parse("10.80.0.0/16"), 24)] });
        await machine.Service.DisposeAsync();
        machine.Routes.Execute(new RouteBatch().DeleteLink(machine.Routes.FindLink(machine.Options.Bridge)!.Index));

        await machine.RestartAsync();

        Assert.Equal("10.80.0.0/24", machine.Service.Inspect("bridge").IPAM.Config![0].Subnet);
    }

    [Fact]
    public async Task A_bridge_that_exists_keeps_its_address()
    {
        await using var machine = await TestMachine.StartAsync(before: m =>
        {
            m.Routes.Execute(new RouteBatch().CreateBridge(m.Options.Bridge, HardwareAddress.Random(), 1500));
            m.Routes.Execute(new RouteBatch().AddAddress(m.Routes.FindLink(m.Options.Bridge)!.Index, IPAddress.Parse("10.55.0.9"), 24));
            return Task.CompletedTask;
        });

        var pool = machine.Service.Inspect("bridge").IPAM.Config![0];

        Assert.Equal(("10.55.0.0/24", "10.55.0.9"), (pool.Subnet, pool.Gateway));
    }

    [Fact]
    public async Task The_operators_address_takes_the_place_of_the_bridges_own()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { BridgeAddress = (IPAddress.Parse("10.66.0.5"), 20) }, m =>
        {
            m.Routes.Execute(new RouteBatch().CreateBridge(m.Options.Bridge, HardwareAddress.Random(), 1500));
            m.Routes.Execute(new RouteBatch().AddAddress(m.Routes.FindLink(m.Options.Bridge)!.Index, IPAddress.Parse("10.55.0.9"), 24));
            return Task.CompletedTask;
        });

        Assert.Equal("10.66.0.0/20", machine.Service.Inspect("bridge").IPAM.Config![0].Subnet);
        Assert.Equal(["10.66.0.5/20"], machine.Routes.Addresses(machine.Routes.FindLink(machine.Options.Bridge)!.Index)
            .Where(a => a.Address.GetAddressBytes().Length == 4).Select(a => $"{a.Address}/{a.PrefixLength}"));
    }

    [Fact]
    public async Task A_device_of_the_bridges_name_that_is_no_bridge_is_refused()
    {
        var error = await Assert.ThrowsAsync<EngineException>(() => TestMachine.StartAsync(o => o with { Bridge = "out0" }));

        Assert.Equal("the network device out0 is a veth, not a bridge", error.Message);
    }

    [Fact]
    public async Task Pools_that_are_all_in_use_are_said_to_be()
    {
        var error = await Assert.ThrowsAsync<EngineException>(() =>
            TestMachine.StartAsync(o => o with { AddressPools = [new AddressPoolOption(IPNetwork.Parse("203.0.113.0/24"), 28)] }));

        Assert.Equal("all predefined address pools have been fully subnetted", error.Message);
    }

    [Fact]
    public async Task An_mtu_is_that_of_the_bridge_and_of_containers()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { Mtu = 1300 });
        using var container = await machine.RunAsync(TestMachine.Request());
        using var inside = await container.Place.OpenRoutesAsync();

        Assert.Equal((1300, 1300), (machine.Routes.FindLink(machine.Options.Bridge)!.Mtu, inside.FindLink("eth0")!.Mtu));
    }

    [Fact]
    public async Task Without_networking_there_is_no_bridge_and_no_default_network()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { Bridge = NetworkOptions.NoBridge });

        Assert.Equal(["host", "none"], machine.Service.List(Filters.None).Select(n => n.Name).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(machine.Routes.Links(), l => l.Kind == "bridge");
        Assert.False(machine.Service.HasDefaultBridge);
    }

    [Fact]
    public async Task Forwarding_is_switched_on_unless_it_shall_not_be()
    {
        static Task Off(TestMachine machine) => machine.Host.RunAsync(() => SystemControl.TryWrite("net/ipv4/ip_forward", "0"));
        await using var with = await TestMachine.StartAsync(before: Off);
        await using var without = await TestMachine.StartAsync(o => o with { IpForward = false }, Off);

        Assert.Equal("1", await with.Host.RunAsync(() => SystemControl.TryRead("net/ipv4/ip_forward")));
        Assert.Equal("0", await without.Host.RunAsync(() => SystemControl.TryRead("net/ipv4/ip_forward")));
    }

    [Fact]
    public async Task A_network_is_found_by_name_id_and_the_beginning_of_its_id()
    {
        await using var machine = await TestMachine.StartAsync();
        string id = machine.Service.Inspect("host").Id;

        Assert.Equal("host", machine.Service.Inspect(id).Name);
        Assert.Equal("host", machine.Service.Inspect(id[..12]).Name);
    }

    [Fact]
    public async Task An_unknown_network_is_not_found()
    {
        await using var machine = await TestMachine.StartAsync();

        var error = Assert.Throws<EngineException>(() => machine.Service.Inspect("nosuch"));

        Assert.Equal((ErrorKind.NotFound, "network nosuch not found"), (error.Kind, error.Message));
    }

    [Theory]
    [InlineData("""{"driver":["bridge"]}""", "bridge")]
    [InlineData("""{"name":["ost"]}""", "host")]
    [InlineData("""{"type":["builtin"]}""", "bridge host none")]
    [InlineData("""{"type":["custom"]}""", "")]
    [InlineData("""{"scope":["swarm"]}""", "")]
    [InlineData("""{"dangling":["true"]}""", "")]
    [InlineData("""{"label":["x"]}""", "")]
    [InlineData("""{"driver":{"null":true,"host":true}}""", "host none")]
    public async Task A_list_is_filtered(string filter, string names)
    {
        await using var machine = await TestMachine.StartAsync();

        Assert.Equal(names, string.Join(' ', machine.Service.List(Filters.Parse(filter, NetworkFilter.Keys)).Select(n => n.Name).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public async Task A_type_that_is_none_is_an_invalid_filter()
    {
        await using var machine = await TestMachine.StartAsync();

        Assert.Equal("invalid filter 'type=x'", Assert.Throws<EngineException>(() => machine.Service.List(Filters.Parse("""{"type":["x"]}"""))).Message);
    }

    [Fact]
    public async Task Two_engines_with_bridges_of_their_own_live_side_by_side()
    {
        await using var one = await TestMachine.StartAsync();
        await using var two = await TestMachine.StartAsync();
        await using var second = await two.ServiceOnAsync(one.Host);

        Assert.Equal(("172.17.0.0/16", "172.18.0.0/16"), (one.Service.Inspect("bridge").IPAM.Config![0].Subnet, second.Inspect("bridge").IPAM.Config![0].Subnet));
        string tables = one.Firewall.Run("list tables");
        Assert.Contains($"table inet gantry-{one.Options.Bridge}", tables, StringComparison.Ordinal);
        Assert.Contains($"table inet gantry-{two.Options.Bridge}", tables, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Removing_the_traces_leaves_no_bridge_and_no_table()
    {
        await using var machine = await TestMachine.StartAsync();

        machine.Service.RemoveTraces();

        Assert.Null(machine.Routes.FindLink(machine.Options.Bridge));
        Assert.DoesNotContain("gantry", machine.Firewall.Run("list tables"), StringComparison.Ordinal);
    }
}
