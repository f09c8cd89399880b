using System.Net;
using Gantry.Daemon.Networks.Ports;

namespace Gantry.Unit.Networks;

public class PortTableTests
{
    private static readonly IPAddress One = IPAddress.Parse("10.0.0.1"), Two = IPAddress.Parse("10.0.0.2");

    [Fact]
    public void A_port_can_be_had_once_and_again_after_its_release()
    {
        var table = new PortTable();
        Assert.Null(table.Take("tcp", [One], 80));
        Assert.Equal(One, table.Take("tcp", [One], 80));

        table.Release("tcp", One, 80);

        Assert.Null(table.Take("tcp", [One], 80));
    }

    [Fact]
    public void Another_address_or_protocol_has_ports_of_its_own()
    {
        var table = new PortTable();
        table.Take("tcp", [One], 80);

        Assert.Null(table.Take("tcp", [Two], 80));
        Assert.Null(table.Take("udp", [One], 80));
    }

    [Fact]
    public void A_port_on_every_address_conflicts_with_each_and_the_holder_is_named()
    {
        var table = new PortTable();
        table.Take("tcp", [One], 80);
        table.Take("tcp", [IPAddress.Any], 81);

        Assert.Equal(One, table.Take("tcp", [IPAddress.Any], 80));
        Assert.Equal(IPAddress.Any, table.Take("tcp", [Two], 81));
    }

    [Fact]
    public void The_families_do_not_conflict()
    {
        var table = new PortTable();
        table.Take("tcp", [IPAddress.Any], 80);

        Assert.Null(table.Take("tcp", [IPAddress.IPv6Any], 80));
    }

    [Fact]
    public void Of_several_addresses_none_is_taken_when_one_is_not_free()
    {
        var table = new PortTable();
        table.Take("tcp", [IPAddress.IPv6Any], 80);
        table.Take("tcp", [IPAddress.Any, IPAddress.IPv6Any], 80);

        Assert.Null(table.Take("tcp", [IPAddress.Any], 80));
    }

    [Fact]
    public void A_range_is_tried_in_order() => Assert.Equal([8, 9, 10], new PortTable().Candidates("tcp", One, new HostPorts(8, 10), (1, 2)));

    [Fact]
    public void Ephemeral_ports_go_round_from_the_one_after_the_last()
    {
        var table = new PortTable();
        table.Gave("tcp", One, 101);

        Assert.Equal([102, 103, 100, 101], table.Candidates("tcp", One, default, (100, 103)));
        Assert.Equal([100, 101, 102, 103], table.Candidates("tcp", Two, default, (100, 103)));
    }

    [Fact]
    public void After_the_last_ephemeral_port_the_first_one_follows()
    {
        var table = new PortTable();
        table.Gave("tcp", One, 103);

        Assert.Equal(100, table.Candidates("tcp", One, default, (100, 103)).First());
    }
}
