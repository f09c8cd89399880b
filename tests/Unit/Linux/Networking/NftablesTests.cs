using Gantry.Linux.Networking;

namespace Gantry.Unit.Linux.Networking;

/// <summary>In a network namespace of its own, whose packet filter is empty.</summary>
public sealed class NftablesTests : IAsyncLifetime
{
    private NetworkNamespace place = null!;
    private Nftables nft = null!;

    public async Task InitializeAsync() => (place, nft) = await NetworkNamespace.CreateAsync(() => new Nftables());

    public Task DisposeAsync()
    {
        nft.Dispose();
        place.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public void A_table_that_was_made_is_listed()
    {
        nft.Run("add table inet t");

        Assert.Contains("table inet t", nft.Run("list tables"), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_a_text_with_an_error_nothing_is_done()
    {
        Assert.Throws<NftablesException>(() => nft.Run("add table inet t\nadd rule inet t nosuchchain accept"));

        Assert.Equal("", nft.Run("list tables"));
    }

    [Fact]
    public void An_error_carries_nfts_own_words()
    {
        var error = Assert.Throws<NftablesException>(() => nft.Run("add table inet t { nonsense }"));

        Assert.StartsWith("nftables: syntax error", error.Message, StringComparison.Ordinal);
        Assert.Contains("nonsense", error.Details, StringComparison.Ordinal);
    }

    [Fact]
    public void It_works_on_after_an_error()
    {
        Assert.Throws<NftablesException>(() => nft.Run("bad"));

        nft.Run("add table inet t");

        Assert.Contains("table inet t", nft.Run("list ruleset"), StringComparison.Ordinal);
    }
}
