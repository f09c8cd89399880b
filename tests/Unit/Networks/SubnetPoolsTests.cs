using System.Net;
using Gantry.Daemon.Networks;
using Gantry.Daemon.Networks.Addresses;

namespace Gantry.Unit.Networks;

public class SubnetPoolsTests
{
    [Fact]
    public void The_default_pools_are_fifteen_of_16_and_sixteen_of_20()
    {
        var all = SubnetPools.Subnets(SubnetPools.Default).ToList();

        Assert.Equal(31, all.Count);
        Assert.Equal("172.17.0.0/16", all[0].ToString());
        Assert.Equal("172.18.0.0/16", all[1].ToString());
        Assert.Equal("172.31.0.0/16", all[14].ToString());
        Assert.Equal("192.168.0.0/20", all[15].ToString());
        Assert.Equal("192.168.240.0/20", all[30].ToString());
    }

    [Fact]
    public void The_first_subnet_that_nothing_overlaps_is_chosen()
    {
        IPNetwork[] inUse = [IPNetwork.Parse("172.17.5.0/24"), IPNetwork.Parse("172.18.0.0/15")];

        Assert.Equal("172.20.0.0/16", SubnetPools.Choose(SubnetPools.Default, inUse).ToString());
    }

    [Fact]
    public void When_all_are_in_use_there_is_none() =>
        Assert.Null(SubnetPools.Choose(SubnetPools.Default, [IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16")]));

    [Fact]
    public void A_pool_of_ones_own_is_cut_into_its_size() =>
        Assert.Equal(["10.1.0.0/25", "10.1.0.128/25"], SubnetPools.Subnets([new AddressPoolOption(IPNetwork.Parse("10.1.0.0/24"), 25)]).Select(n => n.ToString()));

    [Fact]
    public void The_last_subnet_of_the_address_space_ends_the_list() =>
        Assert.Equal(2, SubnetPools.Subnets([new AddressPoolOption(IPNetwork.Parse("255.255.0.0/16"), 17)]).Count());

    [Fact]
    public void The_gateway_is_the_first_address() => Assert.Equal("172.17.0.1", SubnetPools.FirstAddress(IPNetwork.Parse("172.17.0.0/16")).ToString());

    [Theory]
    [InlineData("10.0.0.0/8", "10.5.0.0/16", true)]
    [InlineData("10.5.0.0/16", "10.0.0.0/8", true)]
    [InlineData("10.5.0.0/16", "10.6.0.0/16", false)]
    [InlineData("10.0.0.0/8", "fd00::/8", false)]
    public void Networks_overlap_when_one_holds_the_other(string one, string other, bool overlap) =>
        Assert.Equal(overlap, IPNetwork.Parse(one).Overlaps(IPNetwork.Parse(other)));

    [Theory]
    [InlineData("172.30.0.1/16", "172.30.0.0/16")]
    [InlineData("10.1.2.3/32", "10.1.2.3/32")]
    [InlineData("fd00::5/64", "fd00::/64")]
    public void An_address_lies_in_its_network(string cidr, string network)
    {
        Assert.True(IpNumber.TryParseCidr(cidr, out var address, out int prefix));
        Assert.Equal(network, IpNumber.NetworkOf(address, prefix).ToString());
    }

    [Theory]
    [InlineData("172.30.0.1")]
    [InlineData("172.30.0.1/33")]
    [InlineData("x/8")]
    [InlineData("1.2.3.4/-1")]
    [InlineData("")]
    public void What_is_no_CIDR_is_refused(string text) => Assert.False(IpNumber.TryParseCidr(text, out _, out _));
}
