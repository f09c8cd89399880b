using System.Net;
using Gantry.Daemon.Networks.Addresses;

namespace Gantry.Unit.Networks;

public class SubnetTests
{
    private sealed class Clock : TimeProvider
    {
        private long now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => now;

        public void Pass(TimeSpan time) => now += time.Ticks;
    }

    private static Subnet Of(string network, string gateway, Clock? clock = null, string? range = null) =>
        new(IPNetwork.Parse(network), IPAddress.Parse(gateway), range is null ? null : IPNetwork.Parse(range), null, clock ?? new Clock());

    private static string Lease(Subnet subnet) => subnet.Lease("a")?.ToString() ?? "none";

    [Fact]
    public void The_lowest_address_after_the_gateway_comes_first()
    {
        var subnet = Of("10.0.0.0/16", "10.0.0.1");

        Assert.Equal(["10.0.0.2", "10.0.0.3"], [Lease(subnet), Lease(subnet)]);
    }

    [Fact]
    public void Network_broadcast_and_gateway_addresses_are_never_given_out()
    {
        var subnet = Of("10.0.0.0/29", "10.0.0.3");

        Assert.Equal(["10.0.0.1", "10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.6", "none"], Enumerable.Range(0, 6).Select(_ => Lease(subnet)));
    }

    [Fact]
    public void An_address_of_another_machine_is_not_given_out()
    {
        var subnet = new Subnet(IPNetwork.Parse("10.0.0.0/24"), IPAddress.Parse("10.0.0.1"), null, [IPAddress.Parse("10.0.0.2")]);

        Assert.Equal("10.0.0.3", Lease(subnet));
    }

    [Fact]
    public void Addresses_come_from_the_range_only()
    {
        var subnet = Of("10.0.0.0/24", "10.0.0.1", range: "10.0.0.128/31");

        Assert.Equal(["10.0.0.128", "10.0.0.129", "none"], [Lease(subnet), Lease(subnet), Lease(subnet)]);
    }

    [Fact]
    public void A_released_address_rests_before_it_is_given_out_again()
    {
        var clock = new Clock();
        var subnet = Of("10.0.0.0/24", "10.0.0.1", clock);
        var address = subnet.Lease("a")!;

        subnet.Release(address);

        Assert.Equal("10.0.0.3", Lease(subnet));
        clock.Pass(Subnet.Rest);
        Assert.Equal("10.0.0.2", Lease(subnet));
    }

    [Fact]
    public void An_address_that_was_never_used_need_not_rest()
    {
        var subnet = Of("10.0.0.0/24", "10.0.0.1");

        subnet.Release(subnet.Lease("a")!, rest: false);

        Assert.Equal("10.0.0.2", Lease(subnet));
    }

    [Fact]
    public void When_nothing_else_is_free_the_longest_rested_address_is_given_out()
    {
        var clock = new Clock();
        var subnet = Of("10.0.0.0/29", "10.0.0.1", clock);
        IPAddress[] all = [.. Enumerable.Range(0, 5).Select(_ => subnet.Lease("a")!)];
        subnet.Release(all[3]);
        clock.Pass(TimeSpan.FromSeconds(1));
        subnet.Release(all[1]);

        Assert.Equal(all[3].ToString(), Lease(subnet));
    }

    [Fact]
    public void A_certain_address_can_be_had_once()
    {
        var subnet = Of("10.0.0.0/24", "10.0.0.1");

        Assert.True(subnet.TryLease(IPAddress.Parse("10.0.0.9"), "a"));
        Assert.True(subnet.TryLease(IPAddress.Parse("10.0.0.9"), "a"));
        Assert.False(subnet.TryLease(IPAddress.Parse("10.0.0.9"), "b"));
    }

    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("10.0.0.0")]
    [InlineData("10.0.0.255")]
    [InlineData("10.0.1.2")]
    public void An_address_that_is_reserved_or_outside_cannot_be_had(string address) =>
        Assert.False(Of("10.0.0.0/24", "10.0.0.1").TryLease(IPAddress.Parse(address), "a"));

    [Fact]
    public void A_subnet_of_IPv6_works_the_same()
    {
        var subnet = Of("fd00::/64", "fd00::1");

        Assert.Equal(["fd00::2", "fd00::3"], [Lease(subnet), Lease(subnet)]);
    }
}
