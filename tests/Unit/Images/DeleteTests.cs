using Gantry.Daemon.Engine;
using Gantry.Daemon.Images;
using Gantry.Protocol.Images;

namespace Gantry.Unit.Images;

/// <summary>Each case was tried on dockerd 28.5.2.</summary>
public sealed class DeleteTests
{
    private static readonly byte[] One = TarBuilder.Of(t => t.File("one", "1")), Two = TarBuilder.Of(t => t.File("two", "22"));

    private static string Container(char digit) => new(digit, 64);

    private static async Task<List<string>> DeleteAsync(ImageEngine engine, string name, bool force = false, bool noPrune = false) =>
        [.. (await engine.RunAsync("image_delete", ("name", name), ("force", force ? "1" : "0"), ("noprune", noPrune ? "1" : "0"))).Body<List<ImageDeleteItem>>()
            .Select(i => i.Untagged is { } name ? "-" + name : "x" + i.Deleted)];

    private static async Task ConflictAsync(ImageEngine engine, string name, string message, bool force = false)
    {
        var error = await engine.FailAsync("image_delete", ("name", name), ("force", force ? "1" : "0"));
        Assert.Equal((ErrorKind.Conflict, message), (error.Kind, error.Message));
    }

    private static string Short(string id) => id["sha256:".Length..][..12];

    [Fact]
    public async Task A_name_goes_alone_while_others_are_left()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "golden:1");
        await engine.RunAsync("tag", ("name", "golden:1"), ("repo", "golden"), ("tag", "2"));
        Assert.Equal(["-golden:2"], await DeleteAsync(engine, "golden:2"));
        Assert.NotNull(engine.Images.Resolve("golden:1"));
    }

    [Fact]
    public async Task With_its_last_name_an_image_and_its_layer_go()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "golden:1");
        Assert.Equal(["-golden:1", "x" + id, "xsha256:" + SavedArchive.Hash(One)], await DeleteAsync(engine, "golden:1"));
        Assert.Empty(engine.LayerNames.Concat(engine.BlobNames));
    }

    [Fact]
    public async Task The_upper_layer_is_reported_before_the_lower()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("load", new SavedArchive().Image("x:1", One, Two).Build());
        var image = engine.Images.Resolve("x:1");
        Assert.Equal(["-x:1", "x" + image.Id, "x" + image.Layers[1], "x" + image.Layers[0]], await DeleteAsync(engine, "x:1"));
    }

    [Fact]
    public async Task A_layer_that_another_image_has_stays()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "a");
        await engine.ImportAsync(One, "b", "LABEL x=y");
        Assert.Equal(["-a:latest", "x" + id], await DeleteAsync(engine, "a"));
        Assert.Single(engine.LayerNames);
    }

    [Fact]
    public async Task By_its_id_an_image_with_one_name_goes()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "a");
        Assert.Equal(["-a:latest", "x" + id, "xsha256:" + SavedArchive.Hash(One)], await DeleteAsync(engine, Short(id)));
    }

    [Fact]
    public async Task By_its_id_an_image_with_two_names_stays()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "gt/one:1");
        await engine.RunAsync("tag", ("name", id), ("repo", "gt/one:2"));
        await ConflictAsync(engine, Short(id), $"conflict: unable to delete {Short(id)} (must be forced) - image is referenced in multiple repositories");
    }

    [Fact]
    public async Task By_its_id_and_force_all_names_go()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "gt/lab:1");
        await engine.RunAsync("tag", ("name", id), ("repo", "gt/lab:2"));
        await engine.RunAsync("tag", ("name", id), ("repo", "other/lab:1"));
        Assert.Equal(["-gt/lab:1", "-gt/lab:2", "-other/lab:1", "x" + id], (await DeleteAsync(engine, id, force: true)).Take(4));
    }

    [Fact]
    public async Task The_last_name_of_an_image_that_a_container_uses_stays()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "golden:c");
        engine.Images.Usage = new FixedUsage((id, new ImageUser(Container('a'), "c", "golden:c", false)));
        await ConflictAsync(engine, "golden:c",
            $"conflict: unable to remove repository reference \"golden:c\" (must force) - container aaaaaaaaaaaa is using its referenced image {Short(id)}");
    }

    [Fact]
    public async Task Another_name_of_an_image_that_a_container_uses_goes()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "a");
        await engine.RunAsync("tag", ("name", id), ("repo", "b"));
        engine.Images.Usage = new FixedUsage((id, new ImageUser(Container('a'), "c", "b", true)));
        Assert.Equal(["-b:latest"], await DeleteAsync(engine, "b"));
    }

    [Fact]
    public async Task An_image_of_a_stopped_container_stays_without_force()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "a");
        engine.Images.Usage = new FixedUsage((id, new ImageUser(Container('b'), "c", "a", false)));
        await ConflictAsync(engine, Short(id), $"conflict: unable to delete {Short(id)} (must be forced) - image is being used by stopped container bbbbbbbbbbbb");
    }

    [Fact]
    public async Task An_image_of_a_stopped_container_goes_with_force_and_its_pinned_layers_stay()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "a");
        engine.Images.Usage = new FixedUsage((id, new ImageUser(Container('b'), "c", "a", false)));
        await engine.Images.Store.PinAsync(Container('b'), engine.Images.Resolve("a"));
        Assert.Equal(["-a:latest", "x" + id], await DeleteAsync(engine, id, force: true));
        Assert.Single(engine.LayerNames);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_image_of_a_running_container_stays_even_with_force(bool force)
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "a");
        engine.Images.Usage = new FixedUsage((id, new ImageUser(Container('d'), "c", "a", true)));
        await ConflictAsync(engine, Short(id), $"conflict: unable to delete {Short(id)} (cannot be forced) - image is being used by running container dddddddddddd", force);
    }

    [Fact]
    public async Task Force_takes_the_last_name_of_a_running_container_s_image_and_leaves_the_image()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "a");
        engine.Images.Usage = new FixedUsage((id, new ImageUser(Container('d'), "c", "a", true)));
        Assert.Equal(["-a:latest"], await DeleteAsync(engine, "a", force: true));
        Assert.NotNull(engine.Images.Resolve(id));
    }

    [Fact]
    public async Task An_image_with_children_stays()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "parent");
        await engine.RunAsync("image_set", Two, ("name", "child"), ("json", "{}"), ("parent", "parent"));
        await ConflictAsync(engine, Short(id), $"conflict: unable to delete {Short(id)} (cannot be forced) - image has dependent child images");
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public async Task A_parent_without_a_name_follows_its_last_child(bool noPrune, int left)
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "parent");
        await engine.RunAsync("image_set", Two, ("name", "child"), ("json", "{}"), ("parent", "parent"));
        await engine.RunAsync("image_delete", ("name", "parent"));
        await DeleteAsync(engine, "child", noPrune: noPrune);
        Assert.Equal(left, engine.Images.Current.Count);
    }

    [Fact]
    public async Task Events_come_in_the_recorded_order()
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "golden:1");
        await DeleteAsync(engine, "golden:1");
        Assert.Equal([$"image untag {id} name={id}", $"image delete {id} name={id}"], engine.Events.All.Skip(2));
    }

    [Fact]
    public async Task What_was_deleted_is_gone_after_a_restart()
    {
        using var root = new TemporaryDirectory();
        await using (var engine = await ImageEngine.StartAsync(root.Path))
        {
            await engine.ImportAsync(One, "a");
            await DeleteAsync(engine, "a");
        }
        await using var next = await ImageEngine.StartAsync(root.Path);
        Assert.Equal(0, next.Images.Current.Count);
    }
}
