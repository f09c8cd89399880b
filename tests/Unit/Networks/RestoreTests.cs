using System.Net;
using System.Net.Sockets;
using Gantry.Linux.Networking;

namespace Gantry.Unit.Networks;

/// <summary>A daemon that starts anew beside containers that run.</summary>
public class RestoreTests
{
    [Fact]
    public async Task A_running_containers_address_is_not_given_to_another()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());

        await machine.RestartAsync(container.Running);

        using var next = await machine.RunAsync(TestMachine.Request());
        Assert.Equal(("172.17.0.2", "172.17.0.3"), (container.Endpoint.IPAddress, next.Endpoint.IPAddress));
    }

    [Fact]
    public async Task Leases_and_ports_of_containers_that_have_ended_are_free()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("80/tcp", "8080")));

        await machine.RestartAsync();

        Assert.Empty(await machine.RowsAsync("SELECT address FROM addresses UNION ALL SELECT address FROM ports"));
        using var next = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("80/tcp", "8080")));
        Assert.Equal("172.17.0.2", next.Endpoint.IPAddress);
    }

    [Fact]
    public async Task A_published_port_works_on_is_held_again_and_is_taken_back_at_the_end()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/tcp", "8080")));
        using var listener = await Talk.ListenAsync(container.Place, 7000);

        await machine.RestartAsync(container.Running);

        Assert.NotNull(await Talk.TcpAsync(machine.World, TestMachine.HostAddress, 8080, listener));
        await Assert.ThrowsAsync<SocketException>(() => Talk.ListenAsync(machine.Host, 8080));
        await machine.Service.ReleaseSandboxAsync(container.Id);
        Assert.Null(await Talk.TcpAsync(machine.World, TestMachine.HostAddress, 8080, listener, patience: 500));
    }

    [Fact]
    public async Task While_no_daemon_runs_a_published_port_works_on()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/tcp", "8080")));
        using var listener = await Talk.ListenAsync(container.Place, 7000);

        await machine.Service.DisposeAsync();

        Assert.NotNull(await Talk.TcpAsync(machine.World, TestMachine.HostAddress, 8080, listener));
    }

    [Fact]
    public async Task Rules_of_containers_that_have_ended_are_gone()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(host: TestMachine.Publish("7000/tcp", "8080")));
        using var listener = await Talk.ListenAsync(container.Place, 7000);

        await machine.RestartAsync();

        Assert.Null(await Talk.TcpAsync(machine.World, TestMachine.HostAddress, 8080, listener, patience: 500));
    }

    [Fact]
    public async Task A_running_container_is_still_shown_on_its_network()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request("web"));
        string before = machine.Service.Inspect("bridge").Containers[container.Id].ToString();

        await machine.RestartAsync(container.Running);

        Assert.Equal(before, machine.Service.Inspect("bridge").Containers[container.Id].ToString());
    }

    [Fact]
    public async Task A_wire_that_belongs_to_nobody_is_removed_and_one_in_use_stays()
    {
        await using var machine = await TestMachine.StartAsync();
        using var gone = await machine.RunAsync(TestMachine.Request());
        using var running = await machine.RunAsync(TestMachine.Request());

        await machine.RestartAsync(running.Running);

        Assert.Null(machine.Routes.FindLink("veth" + gone.Endpoint.EndpointID[..11]));
        Assert.NotNull(machine.Routes.FindLink("veth" + running.Endpoint.EndpointID[..11]));
    }

    [Fact]
    public async Task Devices_of_others_on_the_bridge_are_left_alone()
    {
        await using var machine = await TestMachine.StartAsync();
        machine.Routes.Execute(new RouteBatch().CreateVeth(new VethPair
        {
            Name = "vm-tap", Master = machine.Routes.FindLink(machine.Options.Bridge)!.Index, PeerName = "other", PeerAddress = HardwareAddress.Random(), PeerNamespace = machine.World.Handle,
        }));

        await machine.RestartAsync();

        Assert.NotNull(machine.Routes.FindLink("vm-tap"));
    }

    [Fact]
    public async Task A_link_that_was_open_is_open_again()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { InterContainerCommunication = false });
        using var child = await machine.RunAsync(TestMachine.Request("db", config: TestMachine.Expose("7000/tcp")));
        using var parent = await machine.RunAsync(TestMachine.Request("web", host: h => h.Links = ["db"]));
        using var listener = await Talk.ListenAsync(child.Place, 7000);

        await machine.RestartAsync(parent.Running, child.Running);

        Assert.NotNull(await Talk.TcpAsync(parent.Place, child.Address, 7000, listener));
    }

    [Fact]
    public async Task What_was_made_ahead_does_not_outlive_the_daemon()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());

        await machine.Service.DisposeAsync();

        await Eventually.IsAsync(() => machine.Routes.Links().Count(l => l.Kind == "veth") == 2);   // the container's, and the one to the world
    }
}
