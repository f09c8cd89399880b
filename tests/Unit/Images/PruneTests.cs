using Gantry.Daemon.Engine;
using Gantry.Daemon.Images;
using Gantry.Protocol.Images;

namespace Gantry.Unit.Images;

public sealed class PruneTests
{
    private static readonly byte[] One = TarBuilder.Of(t => t.File("one", "1")), Big = TarBuilder.Of(t => t.File("big", new byte[5000]));

    private static async Task<ImagesPruneResponse> PruneAsync(ImageEngine engine, string filters = "") => (await engine.RunAsync("images_prune", ("filters", filters))).Body<ImagesPruneResponse>();

    [Fact]
    public async Task Nothing_to_prune_is_null_as_in_the_recording()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "named");
        Assert.Equal("""{"ImagesDeleted":null,"SpaceReclaimed":0}""", (await engine.RunAsync("images_prune")).Json);
    }

    [Fact]
    public async Task Images_without_names_go_and_their_layers_are_counted()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(Big);
        var response = await PruneAsync(engine);
        Assert.Equal((5000L, id), (response.SpaceReclaimed, response.ImagesDeleted![0].Deleted));
    }

    [Fact]
    public async Task Labels_select_and_deselect()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "", "LABEL t=1");
        string kept = await engine.ImportAsync(One, "", "LABEL t=1", "LABEL u=2");
        await PruneAsync(engine, """{"label":["t=1"],"label!":["u=2"]}""");
        Assert.Equal([kept], engine.Images.Current.Images.Select(i => i.Id));
    }

    [Fact]
    public async Task Named_images_go_when_dangling_is_false_and_nobody_uses_them()
    {
        await using var engine = await ImageEngine.StartAsync();
        string used = await engine.ImportAsync(One, "used");
        string named = await engine.ImportAsync(Big, "named");
        engine.Images.Usage = new FixedUsage((used, new ImageUser("c", "c", "used", false)));
        var response = await PruneAsync(engine, """{"dangling":["false"]}""");
        Assert.Equal(["named:latest", named], response.ImagesDeleted!.Take(2).Select(d => d.Untagged ?? d.Deleted));
        Assert.NotNull(engine.Images.Resolve("used"));
    }

    [Fact]
    public async Task What_is_younger_than_until_stays()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One);
        Assert.Null((await PruneAsync(engine, """{"until":["10m"]}""")).ImagesDeleted);
    }

    [Fact]
    public async Task The_event_says_how_much_was_reclaimed()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(Big);
        await PruneAsync(engine);
        Assert.Equal("image prune  reclaimed=5000", engine.Events.All[^1]);
    }

    /// <summary>Two images without names, the second made from the first.</summary>
    private static async Task<(string Parent, string Child)> ImportPairAsync(ImageEngine engine)
    {
        string parent = await engine.ImportAsync(One), child = await engine.ImportAsync(One, "", "LABEL a=b");
        Assert.True(await engine.Images.Store.SetParentAsync(child, parent, CancellationToken.None));
        return (parent, child);
    }

    [Theory]
    [InlineData("images_prune")]
    [InlineData("image_delete")]
    public async Task A_parent_that_is_held_does_not_follow_its_last_child(string command)
    {
        await using var engine = await ImageEngine.StartAsync();
        var (parent, child) = await ImportPairAsync(engine);
        Assert.True(engine.Images.Store.TryHold(parent));
        await engine.RunAsync(command, ("name", child));
        Assert.Equal([parent], engine.Images.Current.Images.Select(i => i.Id));
        engine.Images.Store.Release(parent);
        await PruneAsync(engine);
        Assert.Equal(0, engine.Images.Current.Count);
    }

    [Fact]
    public async Task An_image_that_is_held_stays_with_its_names()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "named");
        Assert.True(engine.Images.Store.TryHold(id));
        Assert.Null((await PruneAsync(engine, """{"dangling":["false"]}""")).ImagesDeleted);
        Assert.Equal(id, engine.Images.Resolve("named").Id);
    }

    [Fact]
    public async Task An_image_that_is_held_goes_when_somebody_names_it()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "named");
        Assert.True(engine.Images.Store.TryHold(id));
        await engine.RunAsync("image_delete", ("name", "named"));
        Assert.Equal(0, engine.Images.Current.Count);
    }

    [Fact]
    public async Task What_is_not_wanted_any_more_when_its_turn_comes_stays()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One);
        Assert.Empty(await engine.Images.PruneAsync(id, _ => false, CancellationToken.None));
        Assert.NotEmpty(await engine.Images.PruneAsync(id, i => i.Id == id, CancellationToken.None));
    }

    [Fact]
    public async Task Nobody_begins_to_hold_an_image_that_is_being_taken_away()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One);
        bool? held = null;
        await engine.Images.PruneAsync(id, _ => (held = engine.Images.Store.TryHold(id)) is not null, CancellationToken.None);
        Assert.Equal((false, 0), (held, engine.Images.Current.Count));
        Assert.True(engine.Images.Store.TryHold(id));   // nothing of it is left in the books
    }

    [Fact]
    public async Task Held_twice_it_is_free_when_both_have_let_go()
    {
        await using var engine = await ImageEngine.StartAsync();
        var store = engine.Images.Store;
        Assert.True(store.TryHold("x") && store.TryHold("x"));
        store.Release("x");
        Assert.Equal((true, false), (store.IsHeld("x"), store.TryDoom("x")));
        store.Release("x");
        Assert.Equal((false, true), (store.IsHeld("x"), store.TryDoom("x")));
        Assert.Equal((false, false), (store.IsHeld("x"), store.TryHold("x")));
        store.Undoom("x");
        Assert.True(store.TryHold("x"));
    }

    [Theory]
    [InlineData("""{"dangling":["x"]}""", 400, "invalid filter 'dangling=[x]'")]
    [InlineData("""{"reference":["x"]}""", 400, "invalid filter 'reference'")]
    [InlineData("""{"until":["bad"]}""", 500, "failed to parse value as time or duration: \"bad\"")]
    [InlineData("""{"until":["1h","2h"]}""", 500, "more than one until filter specified")]
    public async Task A_bad_filter_is_refused(string filters, int status, string message)
    {
        await using var engine = await ImageEngine.StartAsync();
        var error = await engine.FailAsync("images_prune", ("filters", filters));
        Assert.Equal((status, message), ((int)error.Kind, error.Message));
    }
}
