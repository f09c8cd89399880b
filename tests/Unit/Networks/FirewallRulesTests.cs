using System.Net;
using Gantry.Daemon.Networks.Firewall;
using Gantry.Daemon.Networks.Ports;

namespace Gantry.Unit.Networks;

public class FirewallRulesTests
{
    private static readonly FirewallBridge Open = new("gt0", IPNetwork.Parse("172.17.0.0/16"), Masquerade: true, InterContainer: true);

    private static PublishedPort Port(string address, string protocol = "tcp") => new(protocol, IPAddress.Parse(address), 8080, IPAddress.Parse("172.17.0.2"), 80);

    [Theory]
    [InlineData("gantry0", "gantry")]
    [InlineData("none", "gantry")]
    [InlineData("br-1", "gantry-br-1")]
    [InlineData("a+b", "gantry-a_b")]
    public void Each_bridge_has_a_table_of_its_own(string bridge, string table) => Assert.Equal(table, FirewallRules.TableName(bridge));

    [Fact]
    public void A_port_on_one_address_and_one_on_all_are_in_different_maps()
    {
        string text = FirewallRules.AddPorts("t", [Port("127.0.0.1"), Port("0.0.0.0", "udp")], relays: false);

        Assert.Equal("add element inet t published { 127.0.0.1 . tcp . 8080 : 172.17.0.2 . 80 }\nadd element inet t published_anywhere { udp . 8080 : 172.17.0.2 . 80 }\n", text);
    }

    [Fact]
    public void A_port_on_IPv6_needs_no_rule_since_the_relay_takes_it() => Assert.Equal("", FirewallRules.AddPorts("t", [Port("::")], relays: true));

    [Fact]
    public void With_relays_a_containers_own_port_is_left_to_them() =>
        Assert.StartsWith("add element inet t own { 172.17.0.2 . tcp . 8080 }\n", FirewallRules.AddPorts("t", [Port("0.0.0.0")], relays: true), StringComparison.Ordinal);

    [Fact]
    public void What_is_added_is_what_is_taken_away()
    {
        PublishedPort[] ports = [Port("127.0.0.1"), Port("0.0.0.0"), Port("::")];

        Assert.Equal(FirewallRules.AddPorts("t", ports, relays: true).Replace("add ", "delete ", StringComparison.Ordinal), FirewallRules.RemovePorts("t", ports, relays: true));
    }

    [Fact]
    public void The_whole_table_begins_by_taking_the_old_one_away()
    {
        string text = FirewallRules.Replace("t", [Open], [], [], switched: false, relays: true);

        Assert.StartsWith("add table inet t\ndelete table inet t\ntable inet t {", text, StringComparison.Ordinal);
        Assert.DoesNotContain("table bridge", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bridge_whose_containers_do_not_reach_each_other_has_no_rule_that_lets_them()
    {
        string text = FirewallRules.Replace("t", [Open with { InterContainer = false }], [], [], switched: true, relays: true);

        Assert.DoesNotContain("iifname \"gt0\" oifname \"gt0\" accept", text, StringComparison.Ordinal);
        Assert.Contains("meta ibrname \"gt0\" ether type { ip, ip6 } drop", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Links_are_in_both_tables_where_there_are_two()
    {
        FirewallLink link = new(IPAddress.Parse("172.17.0.3"), IPAddress.Parse("172.17.0.2"), new ContainerPort(80, "tcp"));

        Assert.Equal("add element inet t links { 172.17.0.3 . 172.17.0.2 . tcp . 80 }\nadd element bridge t links { 172.17.0.3 . 172.17.0.2 . tcp . 80 }\n",
            FirewallRules.AddLinks("t", [link], switched: true));
    }

    [Fact]
    public void Without_masquerading_packets_that_leave_keep_their_address() =>
        Assert.DoesNotContain("oifname != \"gt0\"", FirewallRules.Replace("t", [Open with { Masquerade = false }], [], [], false, true), StringComparison.Ordinal);
}
