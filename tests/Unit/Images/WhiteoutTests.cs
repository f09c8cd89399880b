using Gantry.Daemon.Images.Layers;
using Gantry.Linux.Files;

namespace Gantry.Unit.Images;

/// <summary>OCI's whiteouts become overlay's.</summary>
public sealed class WhiteoutTests
{
    private static async Task WithLayerAsync(Action<TarBuilder> build, Action<DirectoryFd> check)
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(TarBuilder.Of(build), "x");
        using var root = DirectoryFd.Open(engine.Images.LayerDirectories(engine.Images.Resolve("x")).Single());
        check(root);
    }

    private static bool IsOpaque(DirectoryFd root, string path)
    {
        using var directory = root.OpenDirectory(path);
        return Overlay.IsOpaque(directory);
    }

    [Fact]
    public Task A_deleted_name_becomes_a_device_zero() => WithLayerAsync(t => t.File("d/.wh.gone"), root => Assert.True(root.Status("d/gone").IsWhiteout));

    [Fact]
    public Task The_marker_itself_is_not_unpacked() => WithLayerAsync(t => t.File("d/.wh.gone").File("d/.wh..wh..opq"), root => Assert.False(root.Exists("d/.wh.gone") || root.Exists("d/.wh..wh..opq")));

    [Fact]
    public Task An_opaque_directory_has_overlay_s_mark() => WithLayerAsync(t => t.File("d/.wh..wh..opq").File("d/f"), root => Assert.True(IsOpaque(root, "d")));

    [Fact]
    public Task A_file_after_its_whiteout_replaces_it() => WithLayerAsync(t => t.File("d/.wh.x").File("d/x", "1"), root => Assert.Equal(FileType.Regular, root.Status("d/x").Type));

    [Fact]
    public Task A_file_before_its_whiteout_stays() => WithLayerAsync(t => t.File("d/x", "1").File("d/.wh.x"), root => Assert.Equal(FileType.Regular, root.Status("d/x").Type));

    [Fact]
    public Task A_directory_after_its_whiteout_hides_what_was_below() => WithLayerAsync(t => t.File(".wh.x").Directory("x").File("x/f"), root => Assert.True(IsOpaque(root, "x")));

    [Fact]
    public Task A_directory_that_only_its_content_implies_hides_what_was_below_its_whiteout() => WithLayerAsync(t => t.File(".wh.x").File("x/f"), root => Assert.True(IsOpaque(root, "x")));

    [Fact]
    public Task A_directory_before_its_whiteout_hides_what_was_below() => WithLayerAsync(t => t.Directory("x").File("x/f").File(".wh.x"), root => Assert.True(IsOpaque(root, "x")));

    [Theory]
    [InlineData(".wh..wh.aufs")]
    [InlineData(".wh..wh.plnk/12.34")]
    [InlineData("d/.wh..wh.orph/x")]
    public Task Metadata_of_aufs_is_left_out(string name) => WithLayerAsync(t => t.File(name, "x").File("kept"), root => Assert.False(root.Exists(".wh..wh.aufs") || root.Exists(".wh..wh.plnk") || root.Exists("d")));

    [Theory]
    [InlineData(".wh.")]
    [InlineData(".wh..")]
    [InlineData("d/.wh...")]
    public async Task A_whiteout_of_nothing_is_refused(string name)
    {
        await using var engine = await ImageEngine.StartAsync();
        var error = await engine.FailAsync("import", TarBuilder.Of(t => t.File(name)), ("fromSrc", "-"));
        Assert.Equal($"invalid whiteout entry \"{name}\"", error.Message);
    }

    [Fact]
    public async Task Layers_below_an_opaque_root_are_not_stacked()
    {
        await using var engine = await ImageEngine.StartAsync();
        var archive = new SavedArchive().Image("x:1", TarBuilder.Of(t => t.File("below")), TarBuilder.Of(t => t.File(".wh..wh..opq").File("above")));
        await engine.RunAsync("load", archive.Build());
        Assert.Single(engine.Images.LayerDirectories(engine.Images.Resolve("x:1")));
    }
}
