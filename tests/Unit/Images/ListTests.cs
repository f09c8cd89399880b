using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images;
using Gantry.Protocol.Images;

namespace Gantry.Unit.Images;

public sealed class ListTests
{
    private static readonly byte[] One = TarBuilder.Of(t => t.File("one", "1")), Two = TarBuilder.Of(t => t.File("two", "22"));

    private static async Task<List<ImageSummary>> ListAsync(ImageEngine engine, params (string Name, string Value)[] arguments) =>
        (await engine.RunAsync("images", arguments)).Body<List<ImageSummary>>();

    private static async Task<List<string>> TagsAsync(ImageEngine engine, string filters) =>
        [.. (await ListAsync(engine, ("filters", filters))).SelectMany(i => i.RepoTags).Order(StringComparer.Ordinal)];

    private static async Task<ImageEngine> WithImagesAsync()
    {
        var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "gt/x:1", "LABEL a=b");
        await engine.RunAsync("tag", ("name", id), ("repo", "gt/x"), ("tag", "2"));
        await engine.RunAsync("tag", ("name", id), ("repo", "gt/z:1"));
        await engine.ImportAsync(Two, "alpine:3.18", "LABEL a=c", "LABEL d=");
        await engine.RunAsync("load", new SavedArchive().Image(null, One, Two).Build());
        return engine;
    }

    [Fact]
    public async Task A_row_has_the_shape_of_the_recording()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "x");
        using var json = JsonDocument.Parse((await engine.RunAsync("images")).Json);
        Assert.Equal(["Containers", "Created", "Id", "Labels", "ParentId", "RepoDigests", "RepoTags", "SharedSize", "Size"], json.RootElement[0].EnumerateObject().Select(p => p.Name));
    }

    [Fact]
    public async Task The_newest_image_comes_first()
    {
        await using var engine = await WithImagesAsync();
        Assert.Equal(["alpine:3.18", "gt/x:1"], (await ListAsync(engine)).Take(2).Select(i => i.RepoTags[0]));
    }

    [Theory]
    [InlineData("""{"reference":["gt/*"]}""", "gt/x:1 gt/x:2 gt/z:1")]
    [InlineData("""{"reference":["gt/x:1"]}""", "gt/x:1")]
    [InlineData("""{"reference":["gt/x"]}""", "gt/x:1 gt/x:2")]
    [InlineData("""{"reference":["*:3.1*"]}""", "alpine:3.18")]
    [InlineData("""{"reference":["alp*"]}""", "alpine:3.18")]
    [InlineData("""{"reference":["library/alp*"]}""", "")]
    [InlineData("""{"reference":["gt"]}""", "")]
    [InlineData("""{"reference":["*/x"]}""", "gt/x:1 gt/x:2")]
    [InlineData("""{"reference":["nosuch","gt/z*"]}""", "gt/z:1")]
    [InlineData("""{"reference":["gt/[x-y]:?"]}""", "gt/x:1 gt/x:2")]
    [InlineData("""{"reference":{"gt/x:2":true}}""", "gt/x:2")]
    [InlineData("""{"label":["a"]}""", "alpine:3.18 gt/x:1 gt/x:2 gt/z:1")]
    [InlineData("""{"label":["a=b"]}""", "gt/x:1 gt/x:2 gt/z:1")]
    [InlineData("""{"label":["a","d"]}""", "alpine:3.18")]
    [InlineData("""{"label":["a","zz"]}""", "")]
    [InlineData("""{"before":["alpine:3.18"]}""", "gt/x:1 gt/x:2 gt/z:1")]
    [InlineData("""{"since":["gt/x:1"]}""", "alpine:3.18")]
    [InlineData("""{"until":["1h"]}""", "")]
    [InlineData("""{"until":["2124-01-01"]}""", "alpine:3.18 gt/x:1 gt/x:2 gt/z:1")]
    [InlineData("""{"dangling":["false"]}""", "alpine:3.18 gt/x:1 gt/x:2 gt/z:1")]
    [InlineData("""{"dangling":["true"]}""", "")]
    public async Task A_filter_selects_images_and_names(string filters, string tags)
    {
        await using var engine = await WithImagesAsync();
        Assert.Equal(tags, string.Join(' ', await TagsAsync(engine, filters)));
    }

    [Fact]
    public async Task An_image_without_names_is_dangling()
    {
        await using var engine = await WithImagesAsync();
        Assert.Empty(Assert.Single(await ListAsync(engine, ("filters", """{"dangling":["1"]}"""))).RepoTags);
    }

    [Theory]
    [InlineData("nojson", 400, "invalid filter")]
    [InlineData("""["x"]""", 400, "invalid filter")]
    [InlineData("""{"reference":"x"}""", 400, "invalid filter")]
    [InlineData("""{"nope":["x"]}""", 400, "invalid filter 'nope'")]
    [InlineData("""{"label!":["x"]}""", 400, "invalid filter 'label!'")]
    [InlineData("""{"dangling":["maybe"]}""", 400, "invalid filter 'dangling=[maybe]'")]
    [InlineData("""{"dangling":["true","false"]}""", 400, "invalid filter 'dangling=[true false]'")]
    [InlineData("""{"before":["nosuch"]}""", 404, "No such image: nosuch:latest")]
    [InlineData("""{"since":["NOSUCH"]}""", 400, "invalid reference format: repository name (library/NOSUCH) must be lowercase")]
    [InlineData("""{"until":["bad"]}""", 500, "failed to parse value as time or duration: \"bad\"")]
    [InlineData("""{"reference":["["]}""", 500, "syntax error in pattern")]
    public async Task A_bad_filter_is_refused(string filters, int status, string message)
    {
        await using var engine = await WithImagesAsync();
        var error = await engine.FailAsync("images", ("filters", filters));
        Assert.Equal((status, message), ((int)error.Kind, error.Message));
    }

    [Fact]
    public async Task Shared_sizes_are_computed_when_they_are_asked_for()
    {
        await using var engine = await WithImagesAsync();
        var shared = (await ListAsync(engine, ("shared-size", "1"))).ToDictionary(i => string.Join(' ', i.RepoTags), i => (i.Size, i.SharedSize));
        Assert.Equal([(1L, 1L), (2L, 0L), (3L, 1L)], new[] { shared["gt/x:1 gt/x:2 gt/z:1"], shared["alpine:3.18"], shared[""] });
    }

    [Theory]
    [InlineData("1.42", true, -1)]
    [InlineData("1.43", true, -1)]
    [InlineData("1.44", false, -1)]
    [InlineData("1.51", false, 1)]
    public async Task Old_clients_get_the_fields_of_their_time(string version, bool virtualSize, long containers)
    {
        await using var engine = await ImageEngine.StartAsync();
        string id = await engine.ImportAsync(One, "x");
        engine.Images.Usage = new FixedUsage((id, new ImageUser("c", "c", "x", false)));
        var row = (await engine.RunAsync("images", Stream.Null, [], version)).Body<List<ImageSummary>>().Single();
        Assert.Equal((virtualSize, containers), (row.VirtualSize is not null, row.Containers));
    }

    [Fact]
    public async Task Before_1_43_an_image_without_names_has_names_that_say_so()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One);
        var row = (await engine.RunAsync("images", Stream.Null, [], "1.42")).Body<List<ImageSummary>>().Single();
        Assert.Equal(("<none>:<none>", "<none>@<none>"), (row.RepoTags.Single(), row.RepoDigests!.Single()));
    }

    [Theory]
    [InlineData("1.40", 1)]
    [InlineData("1.41", 3)]
    public async Task Before_1_41_a_pattern_came_in_a_parameter_of_its_own(string version, int rows)
    {
        await using var engine = await WithImagesAsync();
        Assert.Equal(rows, (await engine.RunAsync("images", Stream.Null, [("filter", "gt/x")], version)).Body<List<ImageSummary>>().Count);
    }

    [Fact]
    public async Task Images_between_others_are_listed_only_with_all()
    {
        await using var engine = await ImageEngine.StartAsync();
        string parent = await engine.ImportAsync(One, "parent");
        await engine.RunAsync("image_set", Two, ("name", "child"), ("json", "{}"), ("parent", "parent"));
        await engine.RunAsync("image_delete", ("name", "parent"));
        Assert.Equal((1, 2), ((await ListAsync(engine)).Count, (await ListAsync(engine, ("all", "1"))).Count));
        Assert.Equal(parent, (await ListAsync(engine)).Single().ParentId);
    }
}
