using System.Net;
using System.Text;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks;
using Gantry.Protocol.Networks;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gantry.Unit.Networks;

public class NetworkCommandsTests
{
    private static async Task<(TestMachine Machine, Daemon.Engine.Engine Engine)> StartAsync(Func<NetworkOptions, NetworkOptions>? change = null)
    {
        var machine = await TestMachine.StartAsync(change);
        var engine = new Daemon.Engine.Engine(NullLogger<Daemon.Engine.Engine>.Instance);
        engine.RegisterNetworkCommands(machine.Service);
        await engine.RunAsync(NetworkCommands.InitNetworkDriver, default);
        return (machine, engine);
    }

    private static async Task<string> JsonAsync(Daemon.Engine.Engine engine, string command, Dictionary<string, string> arguments)
    {
        var result = await engine.RunAsync(engine.CreateJob(engine.Find(command)!), new GivenArguments(arguments), CancellationToken.None);
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) result.Body!.Write(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private sealed class GivenArguments(Dictionary<string, string> values) : CommandArguments
    {
        public override string? Find(string name) => values.GetValueOrDefault(name);

        public override IReadOnlyList<string> FindAll(string name) => Find(name)?.Split(' ') ?? [];

        protected override ReadOnlyMemory<byte> BodyBytes => default;
    }

    [Fact]
    public async Task The_four_commands_about_addresses_come_with_the_network_driver()
    {
        var (machine, engine) = await StartAsync();
        await using var _ = machine;

        Assert.Equal(["allocate_interface", "allocate_port", "init_networkdriver", "link", "network_delete", "network_inspect", "networks", "networks_prune", "release_interface"], engine.Commands.Select(c => c.Name));
    }

    [Fact]
    public async Task Without_a_default_bridge_they_do_not_come()
    {
        var (machine, engine) = await StartAsync(o => o with { Bridge = NetworkOptions.NoBridge });
        await using var _ = machine;

        Assert.Null(engine.Find("allocate_interface"));
    }

    [Fact]
    public async Task Starting_the_network_driver_twice_does_no_harm()
    {
        var (machine, engine) = await StartAsync();
        await using var _ = machine;

        await engine.RunAsync(NetworkCommands.InitNetworkDriver, default);

        Assert.Equal(3, machine.Service.List(Filters.None).Count);
    }

    [Fact]
    public async Task A_listed_network_has_dockers_fields_in_dockers_order()
    {
        var (machine, engine) = await StartAsync();
        await using var _ = machine;

        string json = await JsonAsync(engine, "networks", new() { ["filters"] = """{"name":["none"]}""" });

        var record = machine.Service.Inspect("none");
        Assert.Equal($$$"""
            [{"Name":"none","Id":"{{{record.Id}}}","Created":"{{{record.Created}}}","Scope":"local","Driver":"null","EnableIPv4":true,"EnableIPv6":false,"IPAM":{"Driver":"default","Options":null,"Config":null},"Internal":false,"Attachable":false,"Ingress":false,"ConfigFrom":{"Network":""},"ConfigOnly":false,"Containers":{},"Options":{},"Labels":{}}]
            """, json);
    }

    [Fact]
    public async Task Predefined_networks_are_not_removed_and_not_pruned()
    {
        var (machine, engine) = await StartAsync();
        await using var _ = machine;

        var refused = await Assert.ThrowsAsync<EngineException>(() => JsonAsync(engine, "network_delete", new() { ["id"] = "bridge" }));
        Assert.Equal((ErrorKind.Forbidden, "bridge is a pre-defined network and cannot be removed"), (refused.Kind, refused.Message));
        Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<EngineException>(() => JsonAsync(engine, "network_delete", new() { ["id"] = "nosuch" }))).Kind);
        Assert.Equal("""{"NetworksDeleted":null}""", (await JsonAsync(engine, "networks_prune", new() { ["filters"] = """{"until":["24h"]}""" })).Trim());
    }

    [Fact]
    public async Task An_unknown_filter_is_refused()
    {
        var (machine, engine) = await StartAsync();
        await using var _ = machine;

        Assert.Equal("invalid filter 'nope'", (await Assert.ThrowsAsync<EngineException>(() => JsonAsync(engine, "networks", new() { ["filters"] = """{"nope":["x"]}""" }))).Message);
    }

    [Fact]
    public async Task A_network_is_inspected_by_name()
    {
        var (machine, engine) = await StartAsync();
        await using var _ = machine;

        Assert.Contains("\"Driver\":\"bridge\"", await JsonAsync(engine, "network_inspect", new() { ["id"] = "bridge" }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interface_is_allocated_and_released()
    {
        var (machine, engine) = await StartAsync();
        await using var _ = machine;

        var allocated = await engine.RunAsync(NetworkCommands.AllocateInterface, new AllocateInterfaceRequest("me", ""));

        Assert.Equal(new AllocatedInterface { IP = "172.17.0.2", Mask = "255.255.0.0", Gateway = "172.17.0.1", Bridge = machine.Options.Bridge, IPPrefixLen = 16 }, allocated);
        Assert.Equal(["172.17.0.2 me"], await machine.RowsAsync("SELECT address, container FROM addresses"));
        await engine.RunAsync(NetworkCommands.ReleaseInterface, new ReleaseInterfaceRequest("me"));
        Assert.Empty(await machine.RowsAsync("SELECT address FROM addresses"));
    }

    [Fact]
    public async Task A_certain_address_can_be_allocated_once()
    {
        var (machine, engine) = await StartAsync();
        await using var _ = machine;
        await engine.RunAsync(NetworkCommands.AllocateInterface, new AllocateInterfaceRequest("me", "172.17.4.4"));

        await Assert.ThrowsAsync<EngineException>(() => engine.RunAsync(NetworkCommands.AllocateInterface, new AllocateInterfaceRequest("me", "172.17.4.4")));   // which leaves the first one its address
        var error = await Assert.ThrowsAsync<EngineException>(() => engine.RunAsync(NetworkCommands.AllocateInterface, new AllocateInterfaceRequest("you", "172.17.4.4")));

        Assert.Equal(ErrorKind.Conflict, error.Kind);
    }

    [Fact]
    public async Task Releasing_an_interface_that_was_not_allocated_is_not_found()
    {
        var (machine, engine) = await StartAsync();
        await using var _ = machine;

        var error = await Assert.ThrowsAsync<EngineException>(() => engine.RunAsync(NetworkCommands.ReleaseInterface, new ReleaseInterfaceRequest("nobody")));

        Assert.Equal("No network information to release for nobody", error.Message);
    }

    [Fact]
    public async Task An_allocated_port_leads_to_the_interface_until_that_is_released()
    {
        var (machine, engine) = await StartAsync();
        await using var _ = machine;
        using var container = await machine.RunAsync(TestMachine.Request());
        var own = await engine.RunAsync(NetworkCommands.AllocateInterface, new AllocateInterfaceRequest("me", ""));
        using (var inside = await container.Place.OpenRoutesAsync())
            inside.Execute(new Gantry.Linux.Networking.RouteBatch().AddAddress(inside.FindLink("eth0")!.Index, IPAddress.Parse(own.IP), 16));
        using var listener = await Talk.ListenAsync(container.Place, 7000);

        var port = await engine.RunAsync(NetworkCommands.AllocatePort, new AllocatePortRequest("me", "", 0, 7000, "tcp"));

        Assert.Equal("0.0.0.0", port.HostIP);
        Assert.NotNull(await Talk.TcpAsync(machine.World, TestMachine.HostAddress, port.HostPort, listener));
        await engine.RunAsync(NetworkCommands.ReleaseInterface, new ReleaseInterfaceRequest("me"));
        Assert.Null(await Talk.TcpAsync(machine.World, TestMachine.HostAddress, port.HostPort, listener, patience: 500));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_refused()
    {
        var (machine, engine) = await StartAsync();
        await using var _ = machine;
        await engine.RunAsync(NetworkCommands.AllocateInterface, new AllocateInterfaceRequest("me", ""));
        await engine.RunAsync(NetworkCommands.AllocatePort, new AllocatePortRequest("me", "", 8080, 80, "tcp"));

        var error = await Assert.ThrowsAsync<EngineException>(() => engine.RunAsync(NetworkCommands.AllocatePort, new AllocatePortRequest("me", "", 8080, 81, "tcp")));

        Assert.Equal("Bind for 0.0.0.0:8080 failed: port is already allocated", error.Message);
    }

    [Fact]
    public async Task A_link_opens_and_closes_the_way_to_a_port()
    {
        var (machine, engine) = await StartAsync(o => o with { InterContainerCommunication = false });
        await using var _ = machine;
        using var parent = await machine.RunAsync(TestMachine.Request());
        using var child = await machine.RunAsync(TestMachine.Request());
        using var listener = await Talk.ListenAsync(child.Place, 7000);
        var link = new LinkRequest(true, parent.Endpoint.IPAddress, child.Endpoint.IPAddress, ["7000/tcp"], false);

        await engine.RunAsync(NetworkCommands.Link, link);
        Assert.NotNull(await Talk.TcpAsync(parent.Place, child.Address, 7000, listener));

        await engine.RunAsync(NetworkCommands.Link, link with { Add = false });
        Assert.Null(await Talk.TcpAsync(parent.Place, child.Address, 7000, listener, patience: 500));
    }

    [Fact]
    public async Task Closing_a_link_that_is_not_open_is_not_found_unless_errors_are_ignored()
    {
        var (machine, engine) = await StartAsync();
        await using var _ = machine;
        var link = new LinkRequest(false, "172.17.0.2", "172.17.0.3", ["80/tcp"], false);

        Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<EngineException>(() => engine.RunAsync(NetworkCommands.Link, link))).Kind);
        await engine.RunAsync(NetworkCommands.Link, link with { IgnoreErrors = true });
    }

    [Fact]
    public void A_link_is_asked_for_by_the_flags_of_the_original()
    {
        var request = NetworkCommands.Link.Bind(new GivenArguments(new() { ["action"] = "-I", ["ParentIP"] = "172.17.0.2", ["ChildIP"] = "172.17.0.3", ["Ports"] = "80/tcp 81/udp" }));

        Assert.Equal((true, "172.17.0.2", 2, false), (request.Add, request.ParentIP, request.Ports.Count, request.IgnoreErrors));
    }
}
