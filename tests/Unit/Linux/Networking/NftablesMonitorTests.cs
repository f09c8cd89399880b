using Gantry.Linux.Networking;

namespace Gantry.Unit.Linux.Networking;

public class NftablesMonitorTests
{
    [Fact]
    public async Task A_change_of_the_packet_filter_is_told()
    {
        var (place, (monitor, nft)) = await NetworkNamespace.CreateAsync(() => (new NftablesMonitor(), new Nftables()));
        using var _ = place;
        using var __ = monitor;
        using var ___ = nft;

        nft.Run("add table inet t");

        bool told = false;
        while (!told && await Polling.IsReadableAsync(monitor.Signal)) told = monitor.Read();
        Assert.True(told);
    }

    [Fact]
    public async Task Without_a_change_nothing_is_told()
    {
        var (place, (monitor, nft)) = await NetworkNamespace.CreateAsync(() => (new NftablesMonitor(), new Nftables()));
        using var _ = place;
        using var __ = monitor;
        using var ___ = nft;

        nft.Run("list ruleset");

        Assert.False(await Polling.IsReadableAsync(monitor.Signal, milliseconds: 50));
    }
}
