using System.Net;
using Gantry.Linux.Kernel;
using Gantry.Linux.Networking;

namespace Gantry.Unit.Linux.Networking;

/// <summary>In network namespaces of their own: nothing is made in the machine's.</summary>
public sealed class RouteSocketTests : IAsyncLifetime
{
    private NetworkNamespace place = null!;
    private RouteSocket routes = null!;

    public async Task InitializeAsync() => (place, routes) = await NetworkNamespace.CreateAsync(() => new RouteSocket());

    public Task DisposeAsync()
    {
        routes.Dispose();
        place.Dispose();
        return Task.CompletedTask;
    }

    /// <summary>A device to try things on: a bridge without ports, which every kernel that this runs on can make.</summary>
    private int Device(string name = "d0")
    {
        routes.Execute(new RouteBatch().CreateBridge(name, HardwareAddress.Random(), 1500));
        return routes.FindLink(name)!.Index;
    }

    [Fact]
    public void A_new_namespace_has_a_loopback_that_is_down()
    {
        var link = routes.Links().Single(l => l.Name == "lo");

        Assert.Equal((1, false), (link.Index, link.Up));
    }

    [Fact]
    public void The_loopback_can_be_set_up_and_then_has_its_addresses()
    {
        routes.Execute(new RouteBatch().ChangeLink(1, new LinkChange { Up = true }));

        Assert.True(routes.FindLink("lo")!.Up);
        Assert.Contains(routes.Addresses(1), a => a.Address.Equals(IPAddress.Loopback) && a.PrefixLength == 8);
    }

    [Fact]
    public void A_bridge_has_the_name_address_and_size_that_were_asked_for()
    {
        var address = HardwareAddress.Random();

        routes.Execute(new RouteBatch().CreateBridge("b0", address, 1400));

        var link = routes.FindLink("b0")!;
        Assert.Equal(("bridge", address, 1400, true), (link.Kind, link.Address, link.Mtu, link.Up));
    }

    [Fact]
    public async Task A_veth_is_a_port_of_the_bridge_and_its_peer_is_in_the_other_namespace()
    {
        using var other = await NetworkNamespace.CreateAsync();
        routes.Execute(new RouteBatch().CreateBridge("b0", HardwareAddress.Random(), 1500));
        int bridge = routes.FindLink("b0")!.Index;
        var address = HardwareAddress.Random();

        routes.Execute(new RouteBatch().CreateVeth(new VethPair { Name = "v0", Master = bridge, PeerName = "eth0", PeerAddress = address, PeerNamespace = other.Handle, Mtu = 1300 }));

        using var inside = await other.OpenRoutesAsync();
        var (near, far) = (routes.FindLink("v0")!, inside.FindLink("eth0")!);
        Assert.Equal(("veth", bridge, far.Index, true, 1300), (near.Kind, near.Master, near.Peer, near.Up, near.Mtu));
        Assert.Equal(("veth", address, near.Index, false, 1300), (far.Kind, far.Address, far.Peer, far.Up, far.Mtu));
    }

    [Fact]
    public async Task A_veth_goes_away_with_the_namespace_of_its_peer()
    {
        var other = await NetworkNamespace.CreateAsync();
        routes.Execute(new RouteBatch().CreateVeth(new VethPair { Name = "v0", PeerName = "eth0", PeerAddress = HardwareAddress.Random(), PeerNamespace = other.Handle }));

        other.Dispose();

        await Eventually.IsAsync(() => routes.FindLink("v0") is null);
    }

    [Fact]
    public void A_link_can_be_renamed_resized_and_readdressed()
    {
        int index = Device();
        var address = HardwareAddress.Random();

        routes.Execute(new RouteBatch().ChangeLink(index, new LinkChange { Up = false }).ChangeLink(index, new LinkChange { Name = "d1", Mtu = 1234, Address = address, Up = true }));

        Assert.Equal(new Link(index, "d1", "bridge", true, 1234, address, 0, 0), routes.FindLink("d1"));
    }

    [Fact]
    public void A_link_joins_and_leaves_a_bridge()
    {
        int bridge = Device();
        routes.Execute(new RouteBatch().CreateVeth(new VethPair { Name = "v0", PeerName = "v1", PeerAddress = HardwareAddress.Random(), PeerNamespace = place.Handle }));
        int index = routes.FindLink("v0")!.Index;

        routes.Execute(new RouteBatch().ChangeLink(index, new LinkChange { Master = bridge }));
        Assert.Equal(bridge, routes.FindLink("v0")!.Master);

        routes.Execute(new RouteBatch().ChangeLink(index, new LinkChange { Master = 0 }));
        Assert.Equal(0, routes.FindLink("v0")!.Master);
    }

    [Fact]
    public void A_dummy_device_is_made_where_the_kernel_has_such_and_else_refused_by_kind()
    {
        try
        {
            routes.Execute(new RouteBatch().CreateDummy("dummy0"));
        }
        catch (KernelException e)
        {
            Assert.Equal(("create dummy dummy0 (Unknown device type)", Errno.EOPNOTSUPP), (e.Step, e.Errno));
            return;
        }
        Assert.Equal("dummy", routes.FindLink("dummy0")!.Kind);
    }

    [Fact]
    public void A_deleted_link_is_gone()
    {
        routes.Execute(new RouteBatch().DeleteLink(Device()));

        Assert.Null(routes.FindLink("d0"));
    }

    [Theory]
    [InlineData("10.1.2.3", 24)]
    [InlineData("10.1.2.3", 32)]
    [InlineData("fd00::5", 64)]
    public void An_address_is_added_and_deleted(string text, int prefix)
    {
        int index = Device();
        var address = IPAddress.Parse(text);

        routes.Execute(new RouteBatch().AddAddress(index, address, prefix));
        Assert.Contains(new LinkAddress(index, address, prefix, 0), routes.Addresses(index));

        routes.Execute(new RouteBatch().DeleteAddress(index, address, prefix));
        Assert.DoesNotContain(new LinkAddress(index, address, prefix, 0), routes.Addresses(index));
    }

    [Fact]
    public void A_default_route_and_one_to_a_network_are_added_and_deleted()
    {
        int index = Device();
        var gateway = IPAddress.Parse("10.1.2.1");
        Route all = new(null, gateway, index), one = new(IPNetwork.Parse("10.9.0.0/16"), gateway, index);
        routes.Execute(new RouteBatch().AddAddress(index, IPAddress.Parse("10.1.2.3"), 24).AddRoute(all).AddRoute(one));
        Assert.Equal([all, one], routes.Routes().Where(r => r.Gateway is not null).OrderBy(r => r.Destination is not null));

        routes.Execute(new RouteBatch().DeleteRoute(one).DeleteRoute(all));

        Assert.DoesNotContain(routes.Routes(), r => r.Gateway is not null);
    }

    [Fact]
    public void A_network_on_a_link_is_among_the_routes()
    {
        int index = Device();

        routes.Execute(new RouteBatch().AddAddress(index, IPAddress.Parse("10.1.2.3"), 24));

        Assert.Contains(new Route(IPNetwork.Parse("10.1.2.0/24"), null, index), routes.Routes());
    }

    [Fact]
    public void Of_a_batch_the_refused_request_is_named_and_the_others_are_made()
    {
        int index = Device();

        var error = Assert.Throws<KernelException>(() => routes.Execute(new RouteBatch().CreateBridge("d0", HardwareAddress.Random(), 1500).AddAddress(index, IPAddress.Parse("10.1.2.3"), 24)));

        Assert.Equal(("create bridge d0", Errno.EEXIST), (error.Step, error.Errno));
        Assert.Contains(routes.Addresses(index), a => a.PrefixLength == 24);
    }

    [Fact]
    public void The_kernels_own_explanation_is_in_the_message()
    {
        int index = Device();

        var error = Assert.Throws<KernelException>(() => routes.Execute(new RouteBatch().AddRoute(new Route(null, IPAddress.Parse("10.99.0.1"), index))));

        Assert.Equal("add route default (Nexthop has invalid gateway)", error.Step);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a-name-of-16-char")]
    [InlineData("a/b")]
    [InlineData("..")]
    public void A_name_that_no_device_can_have_is_refused(string name) => Assert.Throws<KernelException>(() => new RouteBatch().CreateDummy(name));

    [Fact]
    public void A_missing_link_is_null() => Assert.Null(routes.FindLink("nope"));

    [Fact]
    public void Many_links_are_all_listed()
    {
        var batch = new RouteBatch();
        for (int i = 0; i < 200; i++) batch.CreateBridge($"d{i}", HardwareAddress.Random(), 1500);

        routes.Execute(batch);

        Assert.Equal(200, routes.Links().Count(l => l.Kind == "bridge"));
    }

    [Fact]
    public void A_hardware_address_is_written_and_read_back()
    {
        var address = HardwareAddress.Random();

        Assert.True(HardwareAddress.TryParse(address.ToString(), out var read));
        Assert.Equal(address, read);
        Assert.Equal(2UL, address.Value >> 40 & 3);
    }

    [Theory]
    [InlineData("")]
    [InlineData("02:42:ac:11:00")]
    [InlineData("02:42:ac:11:00:0x")]
    [InlineData("2:42:ac:11:00:02")]
    public void A_text_that_is_no_hardware_address_is_refused(string text) => Assert.False(HardwareAddress.TryParse(text, out _));
}
