using System.Text;
using Gantry.Linux.Files;

namespace Gantry.Unit.Images;

/// <summary>The layer with the empty mount points, as dockerd's init layer.</summary>
public sealed class InitLayerTests
{
    private static async Task WithInitAsync(byte[][] layers, Action<DirectoryFd> check)
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("load", new SavedArchive().Image("x:1", layers).Build());
        using var init = DirectoryFd.Open(engine.Images.InitLayer(engine.Images.Resolve("x:1")));
        check(init);
    }

    private static async Task<string> TreeAsync(params byte[][] layers)
    {
        var names = new List<string>();
        await WithInitAsync(layers, init =>
        {
            using var walk = new TreeWalk(init, sorted: true);
            while (walk.MoveNext()) names.Add(Encoding.UTF8.GetString(walk.Path) + (walk.Status.Type == FileType.Directory ? "/" : walk.Status.Type == FileType.SymbolicLink ? "@" : ""));
        });
        return string.Join(' ', names);
    }

    [Fact]
    public async Task Over_an_empty_image_it_has_every_name() => Assert.Equal(
        ".dockerenv dev/ dev/console dev/pts/ dev/shm/ etc/ etc/hostname etc/hosts etc/mtab@ etc/resolv.conf proc/ sys/", await TreeAsync(TarBuilder.Of(_ => { })));

    [Fact]
    public async Task Directories_of_the_image_are_not_made_again() => Assert.Equal(
        ".dockerenv dev/ dev/console dev/shm/ etc/ etc/hostname etc/hosts etc/mtab@ etc/resolv.conf sys/", await TreeAsync(TarBuilder.Of(t => t.Directory("proc").Directory("dev").Directory("dev/pts"))));

    [Fact]
    public async Task A_directory_in_the_place_of_a_file_stays() => Assert.DoesNotContain("etc/hosts", await TreeAsync(TarBuilder.Of(t => t.Directory("etc").Directory("etc/hosts"))), StringComparison.Ordinal);

    [Fact]
    public Task Files_and_links_of_the_image_are_hidden_by_empty_files() => WithInitAsync(
        [TarBuilder.Of(t => t.Directory("etc").File("etc/hosts", "of the image").SymbolicLink("etc/resolv.conf", "../run/resolv.conf"))],
        init => Assert.Equal((0L, FileType.Regular), (init.Status("etc/hosts").Size, init.Status("etc/resolv.conf").Type)));

    [Fact]
    public Task The_list_of_mounts_is_a_link() => WithInitAsync([TarBuilder.Of(_ => { })], init => Assert.Equal("/proc/mounts", Encoding.UTF8.GetString(init.ReadLink("etc/mtab"))));

    [Fact]
    public Task A_directory_on_the_way_keeps_what_the_image_says_of_it() => WithInitAsync(
        [TarBuilder.Of(t => t.Pax(("SCHILY.xattr.user.a", "b")).Directory("etc", 0x1c9, 12, 34, 1_600_000_000))],
        init => Assert.Equal((0x1c9u, 12u, 34u, 1_600_000_000L, "b"),
            (init.Status("etc").Permissions, init.Status("etc").Owner, init.Status("etc").Group, init.Status("etc").Modified.Seconds, Encoding.UTF8.GetString(ExtendedAttributes.Get(init, "etc", "user.a")!))));

    [Fact]
    public Task The_topmost_layer_s_word_counts() => WithInitAsync(
        [TarBuilder.Of(t => t.Directory("etc", 0x1c0)), TarBuilder.Of(t => t.Directory("etc", 0x1ff))], init => Assert.Equal(0x1ffu, init.Status("etc").Permissions));

    [Fact]
    public async Task A_directory_that_an_upper_layer_has_deleted_is_made_again() =>
        Assert.Contains("proc/", await TreeAsync(TarBuilder.Of(t => t.Directory("proc")), TarBuilder.Of(t => t.File(".wh.proc"))), StringComparison.Ordinal);

    [Fact]
    public async Task A_directory_below_an_opaque_one_is_made_again() => Assert.Contains(
        "dev/pts/", await TreeAsync(TarBuilder.Of(t => t.Directory("dev").Directory("dev/pts")), TarBuilder.Of(t => t.Directory("dev").File("dev/.wh..wh..opq"))), StringComparison.Ordinal);

    [Fact]
    public Task The_root_has_the_image_s_attributes() => WithInitAsync(
        [TarBuilder.Of(t => t.Entry('5', "./", [], mode: 0x1c0, uid: 5, modified: 1_600_000_000))],
        init => Assert.Equal((0x1c0u, 5u, 1_600_000_000L), (init.Status().Permissions, init.Status().Owner, init.Status().Modified.Seconds)));

    [Fact]
    public async Task It_is_made_once()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(TarBuilder.Of(t => t.File("a")), "x");
        var image = engine.Images.Resolve("x");
        var paths = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => engine.Images.InitLayer(image))));
        Assert.Single(paths.Distinct(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_image_without_layers_has_one_too()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("image_set", ("name", "scratch-like"), ("json", """{"os":"linux"}"""));
        Assert.True(Directory.Exists(Path.Combine(engine.Images.InitLayer(engine.Images.Resolve("scratch-like")), "proc")));
    }
}
