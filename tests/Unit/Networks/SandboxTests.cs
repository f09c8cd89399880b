using System.Diagnostics;
using System.Net;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks.Addresses;
using Gantry.Linux.Networking;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Networks;

namespace Gantry.Unit.Networks;

public class SandboxTests
{
    [Fact]
    public async Task On_the_bridge_a_container_has_an_address_a_route_and_a_loopback()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());
        using var inside = await container.Place.OpenRoutesAsync();

        var device = inside.FindLink("eth0")!;
        Assert.True(device.Up && inside.FindLink("lo")!.Up);
        Assert.Contains(inside.Addresses(device.Index), a => a.Address.ToString() == "172.17.0.2" && a.PrefixLength == 16);
        Assert.Contains(new Route(null, IPAddress.Parse("172.17.0.1"), device.Index), inside.Routes());
        Assert.Equal(container.Endpoint.MacAddress, device.Address.ToString());
    }

    [Fact]
    public async Task The_endpoint_is_described_in_full()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());

        var endpoint = container.Endpoint;

        Assert.Equal(("172.17.0.2", 16, "172.17.0.1", machine.Service.Inspect("bridge").Id), (endpoint.IPAddress, endpoint.IPPrefixLen, endpoint.Gateway, endpoint.NetworkID));
        Assert.Matches("^[0-9a-f]{64}$", endpoint.EndpointID);
        Assert.Matches("^[0-9a-f]{64}$", container.Sandbox.Id);
        Assert.Matches("^[0-9a-f][26ae](:[0-9a-f]{2}){5}$", endpoint.MacAddress);
    }

    [Fact]
    public async Task IPv6_is_off_on_the_devices_of_a_network_without_it_and_on_elsewhere()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());

        string disabled = await container.Place.RunAsync(() => string.Join(' ', new[] { "eth0", "lo", "default" }.Select(d => SystemControl.TryRead($"net/ipv6/conf/{d}/disable_ipv6"))));

        Assert.Equal("1 0 0", disabled);
    }

    [Fact]
    public async Task The_lease_is_in_the_database_until_the_container_ends()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());
        Assert.Equal([$"172.17.0.2 {container.Id}"], await machine.RowsAsync("SELECT address, container FROM addresses"));

        await machine.Service.ReleaseSandboxAsync(container.Id);

        Assert.Empty(await machine.RowsAsync("SELECT address FROM addresses"));
    }

    [Fact]
    public async Task Connect_and_disconnect_are_told_with_the_network_and_the_container()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());
        await machine.Service.ReleaseSandboxAsync(container.Id);

        string id = machine.Service.Inspect("bridge").Id;
        Assert.Equal([$"network connect {id} container={container.Id} name=bridge type=bridge", $"network disconnect {id} container={container.Id} name=bridge type=bridge"], machine.Events);
    }

    [Fact]
    public async Task The_wire_goes_away_with_the_last_holder_of_the_namespace()
    {
        await using var machine = await TestMachine.StartAsync();
        var container = await machine.RunAsync(TestMachine.Request());
        string device = "veth" + container.Endpoint.EndpointID[..11];
        Assert.NotNull(machine.Routes.FindLink(device));

        await machine.Service.ReleaseSandboxAsync(container.Id);
        container.Dispose();

        await Eventually.IsAsync(() => machine.Routes.FindLink(device) is null);
    }

    [Fact]
    public async Task A_container_that_starts_right_after_another_ended_gets_another_address()
    {
        await using var machine = await TestMachine.StartAsync();
        for (int i = 0; i < 20; i++)
        {
            using var first = await machine.RunAsync(TestMachine.Request());
            long released = Stopwatch.GetTimestamp();
            await machine.Service.ReleaseSandboxAsync(first.Id);

            using var second = await machine.RunAsync(TestMachine.Request());

            bool inTime = Stopwatch.GetElapsedTime(released) < Subnet.Rest;
            await machine.Service.ReleaseSandboxAsync(second.Id);
            if (!inTime) continue;   // the address has had its rest
            Assert.NotEqual(first.Endpoint.IPAddress, second.Endpoint.IPAddress);
            return;
        }
        Assert.Fail("no start was in time");
    }

    [Fact]
    public async Task A_sandbox_for_a_container_that_has_one_takes_its_place()
    {
        await using var machine = await TestMachine.StartAsync();
        var request = TestMachine.Request();
        using var first = await machine.RunAsync(request);

        using var second = await machine.RunAsync(request);

        Assert.Equal([$"{second.Endpoint.IPAddress} {request.ContainerId}"], await machine.RowsAsync("SELECT address, container FROM addresses"));
    }

    [Fact]
    public async Task When_all_addresses_are_taken_the_network_is_named()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { AddressPools = [new Daemon.Networks.AddressPoolOption(IPNetwork.Parse("10.80.0.0/30"), 30)] });
        using var container = await machine.RunAsync(TestMachine.Request());

        var error = await Assert.ThrowsAsync<EngineException>(() => machine.CreateAsync(TestMachine.Request()));

        Assert.Equal($"failed to set up container networking: no available IPv4 addresses on this network's address pools: bridge ({machine.Service.Inspect("bridge").Id})", error.Message);
    }

    [Fact]
    public async Task A_hardware_address_can_be_asked_for()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(endpoint: new EndpointSettings { MacAddress = "02:42:0a:0b:0c:0d" }));
        using var inside = await container.Place.OpenRoutesAsync();

        Assert.Equal("02:42:0a:0b:0c:0d", inside.FindLink("eth0")!.Address.ToString());
    }

    [Fact]
    public async Task What_was_asked_of_the_endpoint_stays_in_its_description()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(endpoint: new EndpointSettings { Aliases = ["a"], GwPriority = 3 }));

        Assert.Equal(("a", 3), (Assert.Single(container.Endpoint.Aliases!), container.Endpoint.GwPriority));
    }

    [Theory]
    [InlineData("not a mac", "invalid MAC address: not a mac")]
    public async Task What_is_no_hardware_address_is_refused(string text, string message)
    {
        await using var machine = await TestMachine.StartAsync();

        Assert.Equal(message, (await Assert.ThrowsAsync<EngineException>(() => machine.CreateAsync(TestMachine.Request(endpoint: new EndpointSettings { MacAddress = text })))).Message);
    }

    [Fact]
    public async Task An_address_of_ones_own_is_refused_on_the_default_network()
    {
        await using var machine = await TestMachine.StartAsync();

        var error = await Assert.ThrowsAsync<EngineException>(() =>
            machine.CreateAsync(TestMachine.Request(endpoint: new EndpointSettings { IPAMConfig = new EndpointIpamConfig { IPv4Address = "172.17.0.9" } })));

        Assert.Equal("user specified IP address is supported on user defined networks only", error.Message);
    }

    [Fact]
    public async Task A_network_that_is_not_there_is_not_found()
    {
        await using var machine = await TestMachine.StartAsync();

        var error = await Assert.ThrowsAsync<EngineException>(() => machine.CreateAsync(TestMachine.Request(mode: "nosuchnet")));

        Assert.Equal((ErrorKind.NotFound, "failed to set up container networking: network nosuchnet not found"), (error.Kind, error.Message));
    }

    [Fact]
    public async Task Mode_none_has_a_loopback_and_nothing_else()
    {
        await using var machine = await TestMachine.StartAsync();
        using var sandbox = await machine.CreateAsync(TestMachine.Request(mode: "none"));
        using var inside = await new NetworkNamespace(sandbox.Namespace!).OpenRoutesAsync();

        Assert.Equal(["lo"], inside.Links().Where(l => l.Up).Select(l => l.Name));
        Assert.Equal(("none", ""), (sandbox.Endpoints.Single().Key, sandbox.Endpoints["none"].IPAddress));
        Assert.Equal(machine.Service.Inspect("none").Id, sandbox.Endpoints["none"].NetworkID);
        Assert.Contains("type=null", Assert.Single(machine.Events), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mode_host_has_no_namespace_and_the_hosts_files()
    {
        await using var machine = await TestMachine.StartAsync();
        using var sandbox = await machine.CreateAsync(TestMachine.Request(mode: "host"));

        Assert.Null(sandbox.Namespace);
        Assert.Equal("host", sandbox.Endpoints.Single().Key);
        Assert.Contains("known-to-the-host", sandbox.HostsFile, StringComparison.Ordinal);
        Assert.StartsWith("nameserver 127.0.0.53", sandbox.ResolvConf, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mode_host_with_extra_hosts_has_a_file_of_its_own()
    {
        await using var machine = await TestMachine.StartAsync();
        using var sandbox = await machine.CreateAsync(TestMachine.Request(mode: "host", host: h => h.ExtraHosts = ["x:1.2.3.4"]));

        Assert.Contains("1.2.3.4\tx\n", sandbox.HostsFile, StringComparison.Ordinal);
        Assert.DoesNotContain("known-to-the-host", sandbox.HostsFile, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mode_container_has_the_other_ones_namespace_and_files()
    {
        await using var machine = await TestMachine.StartAsync();
        using var other = await machine.CreateAsync(TestMachine.Request());
        machine.Let("other", other);

        using var sandbox = await machine.CreateAsync(TestMachine.Request(mode: "container:other"));

        string Inode(Gantry.Linux.Kernel.Fd fd) => new FileInfo($"/proc/self/fd/{fd.Number}").LinkTarget!;
        Assert.Equal(Inode(other.Namespace!), Inode(sandbox.Namespace!));
        Assert.Equal(("its hosts", "its resolver", "", 0), (sandbox.HostsFile, sandbox.ResolvConf, sandbox.Id, sandbox.Endpoints.Count));
    }

    [Fact]
    public async Task Mode_container_passes_on_why_the_other_one_cannot_be_joined()
    {
        await using var machine = await TestMachine.StartAsync();

        Assert.Equal(ErrorKind.Conflict, (await Assert.ThrowsAsync<EngineException>(() => machine.CreateAsync(TestMachine.Request(mode: "container:gone")))).Kind);
    }

    [Fact]
    public async Task With_networking_disabled_the_default_mode_has_a_loopback_only()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { Bridge = "none" });
        using var sandbox = await machine.CreateAsync(TestMachine.Request());

        Assert.Empty(sandbox.Endpoints);
        Assert.NotNull(sandbox.Namespace);
    }

    [Fact]
    public async Task The_files_name_the_container_its_extra_hosts_and_its_servers()
    {
        await using var machine = await TestMachine.StartAsync(o => o with { DnsSearch = ["engine.test"] });
        using var sandbox = await machine.CreateAsync(TestMachine.Request(host: h =>
        {
            h.ExtraHosts = ["gw:host-gateway"];
            h.Dns = ["9.9.9.9"];
        }, config: c => (c.Hostname, c.Domainname) = ("web", "dom.test")));

        Assert.EndsWith("172.17.0.1\tgw\n172.17.0.2\tweb.dom.test web\n", sandbox.HostsFile, StringComparison.Ordinal);
        Assert.Equal("# Generated by Gantry.\nnameserver 9.9.9.9\nsearch engine.test\n", sandbox.ResolvConf);
    }

    [Fact]
    public async Task The_hosts_loopback_servers_are_left_out_of_a_containers_file()
    {
        await using var machine = await TestMachine.StartAsync();
        using var sandbox = await machine.CreateAsync(TestMachine.Request());

        Assert.Equal("# Generated by Gantry.\nnameserver 192.0.2.53\nsearch example.test\n", sandbox.ResolvConf);
    }

    [Fact]
    public async Task Inspect_shows_the_containers_that_run_on_a_network_by_their_present_names()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request(name: "old"));
        machine.Service.Rename(container.Id, "new");

        var (id, shown) = Assert.Single(machine.Service.Inspect("bridge").Containers);

        Assert.Equal((container.Id, "new", container.Endpoint.EndpointID, container.Endpoint.MacAddress, "172.17.0.2/16", ""),
            (id, shown.Name, shown.EndpointID, shown.MacAddress, shown.IPv4Address, shown.IPv6Address));
    }

    [Fact]
    public async Task A_released_container_is_on_no_network()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());

        await machine.Service.ReleaseSandboxAsync(container.Id);
        await machine.Service.ReleaseSandboxAsync(container.Id);

        Assert.Empty(machine.Service.Inspect("bridge").Containers);
    }

    [Fact]
    public async Task A_cancelled_start_gives_its_address_back()
    {
        await using var machine = await TestMachine.StartAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => machine.Service.CreateSandboxAsync(TestMachine.Request(), machine, new CancellationToken(canceled: true)));

        using var container = await machine.RunAsync(TestMachine.Request());
        Assert.Equal("172.17.0.2", container.Endpoint.IPAddress);
        Assert.Single(await machine.RowsAsync("SELECT address FROM addresses"));
    }

    [Fact]
    public async Task Many_containers_started_at_once_have_addresses_of_their_own()
    {
        await using var machine = await TestMachine.StartAsync();

        var containers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => machine.RunAsync(TestMachine.Request($"c{i}"))));

        Assert.Equal(30, containers.Select(c => c.Endpoint.IPAddress).Distinct().Count());
        Assert.Equal(30, (await machine.RowsAsync("SELECT address FROM addresses")).Count);
        foreach (var container in containers) container.Dispose();
    }

    [Fact]
    public async Task Traffic_is_counted_from_the_containers_point_of_view()
    {
        await using var machine = await TestMachine.StartAsync();
        using var container = await machine.RunAsync(TestMachine.Request());
        using var listener = await Talk.ListenAsync(machine.Host, 7000);
        await Talk.TcpAsync(container.Place, IPAddress.Parse("172.17.0.1"), 7000, listener);

        var traffic = machine.Service.ReadTraffic(container.Id)!["eth0"];

        using var inside = await container.Place.OpenRoutesAsync();
        var counters = inside.FindCounters("eth0")!;
        Assert.True(traffic.TxPackets >= 4 && traffic.RxPackets >= 3);
        Assert.InRange(counters.SentBytes, traffic.TxBytes, traffic.TxBytes + 500);
        Assert.Null(machine.Service.ReadTraffic("nobody"));
    }
}
