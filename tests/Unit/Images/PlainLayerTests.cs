using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Storage;
using Gantry.Linux.Files;

namespace Gantry.Unit.Images;

/// <summary>Layers where overlay is not to be had: what they hide is marked plainly, and a container's root is a copy.</summary>
public sealed class PlainLayerTests
{
    private static readonly byte[] Lower = TarBuilder.Of(t => t.Directory("d").File("d/old", "old").File("d/both", "below").File("gone", "x").Directory("replaced").File("replaced/inner", "x"));

    private static readonly byte[] Upper = TarBuilder.Of(t => t.File(".wh.gone").Directory("d").File("d/.wh..wh..opq").File("d/both", "above").File(".wh.replaced").File("replaced/new", "y"));

    private static async Task<(ImageEngine Engine, IReadOnlyList<string> Layers)> StackAsync()
    {
        var engine = await ImageEngine.StartAsync(driver: StorageDriver.Vfs);
        await engine.ImportAsync(Lower, "lower");
        await engine.RunAsync("image_set", Upper, ("name", "both"), ("json", """{"architecture":"amd64","os":"linux"}"""), ("parent", "lower"));
        return (engine, engine.Images.LayerDirectories(engine.Images.Resolve("both")));
    }

    [Fact]
    public async Task A_copy_shows_what_overlay_would_show()
    {
        var (engine, layers) = await StackAsync();
        await using var _ = engine;
        using var folder = new TemporaryDirectory();
        using (var target = folder.Open()) MergedCopy.Copy(layers, target, CancellationToken.None);
        Assert.Equal(["d", "d/both", "replaced", "replaced/new"], Directory.GetFileSystemEntries(folder.Path, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder.Path, f)).Order(StringComparer.Ordinal));
        Assert.Equal("above", File.ReadAllText(folder["d/both"]));
        using var root = folder.Open();
        Assert.Empty(ExtendedAttributes.List(root, "d"));
    }

    [Fact]
    public async Task A_layer_s_archive_comes_out_as_it_went_in()
    {
        var (engine, _) = await StackAsync();
        await using var __ = engine;
        Assert.Equal(Upper, (await engine.RunAsync("image_tarlayer", ("name", "both"))).Output.Bytes);
    }

    [Fact]
    public async Task Nothing_of_overlay_s_is_needed_of_the_file_system()
    {
        var (engine, layers) = await StackAsync();
        await using var _ = engine;
        foreach (string layer in layers)
        {
            using var root = DirectoryFd.Open(layer);
            using var walk = new TreeWalk(root);
            while (walk.MoveNext())
            {
                Assert.NotEqual(FileType.CharacterDevice, walk.Status.Type);
                Assert.DoesNotContain(ExtendedAttributes.List(walk.Directory, walk.Name), a => a.StartsWith("trusted.", StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public async Task What_a_copy_changes_becomes_a_layer_and_gives_the_same_tree_again()
    {
        var (engine, layers) = await StackAsync();
        await using var _ = engine;
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["tree"]);
        Directory.CreateDirectory(folder["diff"]);
        Directory.CreateDirectory(folder["again"]);
        using var tree = DirectoryFd.Open(folder["tree"]);
        MergedCopy.Copy(layers, tree, CancellationToken.None);
        Directory.Delete(folder["tree/replaced"], recursive: true);
        File.WriteAllText(folder["tree/d/both"], "changed");
        Directory.CreateDirectory(folder["tree/added"]);
        TreeTarTests.Fill(folder["tree/added"]);
        using (var diff = DirectoryFd.Open(folder["diff"])) MergedCopy.CopyChanges(tree, layers, diff, CancellationToken.None);
        using (var again = DirectoryFd.Open(folder["again"])) MergedCopy.Copy([folder["diff"], .. layers], again, CancellationToken.None);
        Assert.Equal(TreeTarTests.Describe(folder["tree"]), TreeTarTests.Describe(folder["again"]));
        Assert.False(Path.Exists(folder["diff/d/old"]));
    }

    [Fact]
    public async Task An_unchanged_copy_has_no_changes()
    {
        var (engine, layers) = await StackAsync();
        await using var _ = engine;
        using var folder = new TemporaryDirectory();
        using var tree = folder.Open();
        MergedCopy.Copy(layers, tree, CancellationToken.None);
        using var below = MergedDirectory.Root(layers.Select(DirectoryFd.Open));
        Assert.Empty(LayerChanges.Of(tree, below, CancellationToken.None, whole: true));
    }

    [Fact]
    public async Task A_data_root_stays_with_the_driver_that_it_was_made_for()
    {
        using var folder = new TemporaryDirectory();
        await using var database = Database.Open(folder["gantry.db"]);
        Assert.Equal(StorageDriver.Vfs, await StorageDrivers.ChooseAsync(database, folder.Path, "vfs"));
        Assert.Equal(StorageDriver.Vfs, await StorageDrivers.ChooseAsync(database, folder.Path, ""));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => StorageDrivers.ChooseAsync(database, folder.Path, "overlay2"));
        Assert.Contains("was made for the storage driver vfs", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Overlay_is_the_default_where_the_file_system_allows_it()
    {
        using var folder = new TemporaryDirectory();
        await using var database = Database.Open(folder["gantry.db"]);
        var expected = StorageDrivers.ReasonAgainstOverlay(folder.Path) is null ? StorageDriver.Overlay2 : StorageDriver.Vfs;
        Assert.Equal(expected, await StorageDrivers.ChooseAsync(database, folder.Path, ""));
        Assert.Empty(Directory.GetDirectories(folder.Path));
        await Assert.ThrowsAsync<InvalidOperationException>(() => StorageDrivers.ChooseAsync(database, folder.Path, "btrfs"));
    }
}
