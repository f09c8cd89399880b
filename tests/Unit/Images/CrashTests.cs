using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Streams;

namespace Gantry.Unit.Images;

/// <summary>Whatever step a crash comes after, the next start serves what was reported done and keeps nothing else.</summary>
public sealed class CrashTests
{
    private static readonly byte[] One = TarBuilder.Of(t => t.File("one", "1")), Two = TarBuilder.Of(t => t.File("two", "22"));

    private static async Task<(string[] Layers, string[] Blobs, int Images)> RestartAsync(string root)
    {
        await using var engine = await ImageEngine.StartAsync(root);
        return ([.. engine.LayerNames.Order(StringComparer.Ordinal)], [.. engine.BlobNames], engine.Images.Current.Count);
    }

    [Fact]
    public async Task Images_and_names_are_there_after_a_restart()
    {
        using var root = new TemporaryDirectory();
        string id;
        await using (var engine = await ImageEngine.StartAsync(root.Path))
        {
            id = await engine.ImportAsync(One, "x:1");
            await engine.RunAsync("tag", ("name", "x:1"), ("repo", "y"));
        }
        await using var next = await ImageEngine.StartAsync(root.Path);
        Assert.Equal((id, "x:1 y:latest"), (next.Images.Resolve("y").Id, string.Join(' ', next.Images.Resolve(id).Tags.Select(t => t.Familiar))));
    }

    [Fact]
    public async Task An_unpack_that_was_cut_off_leaves_nothing()
    {
        using var root = new TemporaryDirectory();
        await using (await ImageEngine.StartAsync(root.Path))
        {
            var layers = new LayerStore(root.Path, UnpackLimits.Default);
            var pending = layers.Begin();   // never disposed: the process is gone
            await pending.UnpackAsync(new StreamSource(new MemoryStream(One)), CancellationToken.None);
        }
        Assert.Empty((await RestartAsync(root.Path)).Layers);
    }

    [Fact]
    public async Task A_layer_that_got_its_place_and_no_row_leaves_nothing()
    {
        using var root = new TemporaryDirectory();
        await using (await ImageEngine.StartAsync(root.Path))
        {
            var layers = new LayerStore(root.Path, UnpackLimits.Default);
            var pending = layers.Begin();
            await pending.UnpackAsync(new StreamSource(new MemoryStream(One)), CancellationToken.None);
            layers.Install(pending, null);
            Assert.True(Directory.Exists(layers.PathOf(pending.Diff)));
        }
        Assert.Empty((await RestartAsync(root.Path)).Layers);
    }

    [Fact]
    public async Task A_configuration_without_a_row_leaves_nothing()
    {
        using var root = new TemporaryDirectory();
        await using (var engine = await ImageEngine.StartAsync(root.Path)) await engine.Images.Store.Content.AddAsync("{}"u8.ToArray(), CancellationToken.None);
        Assert.Empty((await RestartAsync(root.Path)).Blobs);
    }

    [Fact]
    public async Task A_document_that_was_being_put_aside_leaves_nothing()
    {
        using var root = new TemporaryDirectory();
        await using (var engine = await ImageEngine.StartAsync(root.Path))
        {
            var spool = engine.Images.Store.Content.BeginSpool(1000);   // never disposed
            spool.Add(new StreamSource(new MemoryStream("{}"u8.ToArray())));
        }
        await RestartAsync(root.Path);
        Assert.Empty(Directory.GetFileSystemEntries(root["content/ingest"]));
    }

    [Fact]
    public async Task A_layer_whose_row_went_and_whose_files_did_not_is_cleared_away()
    {
        using var root = new TemporaryDirectory();
        await using (var engine = await ImageEngine.StartAsync(root.Path))
        {
            await engine.ImportAsync(One, "x");
            await engine.Database.WriteAsync(w =>
            {
                w.Execute("DELETE FROM images");
                w.Execute("DELETE FROM layers");
            });
        }
        var after = await RestartAsync(root.Path);
        Assert.Empty(after.Layers.Concat(after.Blobs));
    }

    [Fact]
    public async Task A_layer_without_an_image_or_a_pin_is_cleared_away()
    {
        using var root = new TemporaryDirectory();
        await using (var engine = await ImageEngine.StartAsync(root.Path))
        {
            await engine.ImportAsync(One, "x");
            await engine.Database.WriteAsync(w => w.Execute("DELETE FROM images"));
        }
        Assert.Empty((await RestartAsync(root.Path)).Layers);
    }

    [Fact]
    public async Task An_image_whose_layer_is_gone_is_not_served_and_the_others_are()
    {
        using var root = new TemporaryDirectory();
        await using (var engine = await ImageEngine.StartAsync(root.Path))
        {
            await engine.ImportAsync(One, "x");
            await engine.ImportAsync(Two, "y");
            Directory.Delete(engine.Images.Store.Layers.PathOf(engine.Images.Resolve("x").TopLayer!.Value), recursive: true);
        }
        await using var next = await ImageEngine.StartAsync(root.Path);
        Assert.Equal(["y:latest"], next.Images.Current.Images.SelectMany(i => i.Tags).Select(t => t.Familiar));
    }

    [Fact]
    public async Task An_image_whose_configuration_was_changed_is_not_served()
    {
        using var root = new TemporaryDirectory();
        await using (var engine = await ImageEngine.StartAsync(root.Path))
        {
            string id = await engine.ImportAsync(One, "x");
            await File.AppendAllTextAsync(Path.Combine(root["content/blobs/sha256"], Digest.Parse(id).Hex), " ");
        }
        Assert.Equal(0, (await RestartAsync(root.Path)).Images);
    }

    [Theory]
    [InlineData("lower")]
    [InlineData("upper")]
    [InlineData("changed configuration")]
    [InlineData("lost configuration")]
    public async Task An_image_that_is_not_served_can_be_loaded_again_and_removed(string damage)
    {
        using var root = new TemporaryDirectory();
        byte[] archive = new SavedArchive().Image("x:1", One, Two).Build();
        await using (var engine = await ImageEngine.StartAsync(root.Path))
        {
            await engine.RunAsync("load", archive);
            var image = engine.Images.Resolve("x:1");
            string configuration = Path.Combine(root["content/blobs/sha256"], image.Digest.Hex);
            if (damage == "lower") Directory.Delete(engine.Images.Store.Layers.PathOf(image.Layers[0]), recursive: true);
            if (damage == "upper") Directory.Delete(engine.Images.Store.Layers.PathOf(image.Layers[1]), recursive: true);
            if (damage == "changed configuration") await File.AppendAllTextAsync(configuration, " ");
            if (damage == "lost configuration") File.Delete(configuration);
        }
        await using (var engine = await ImageEngine.StartAsync(root.Path))
        {
            Assert.Equal(0, engine.Images.Current.Count);
            await engine.RunAsync("load", archive);
            Assert.Equal(2, engine.Images.Resolve("x:1").Layers.Count);
        }
        await using (var engine = await ImageEngine.StartAsync(root.Path))
        {
            Assert.Equal("x:1", engine.Images.Resolve("x:1").Tags.Single().Familiar);
            await engine.RunAsync("image_delete", ("name", "x:1"));
            Assert.Empty(engine.LayerNames.Concat(engine.BlobNames));
        }
    }

    [Fact]
    public async Task An_image_that_was_loaded_again_goes_with_its_layers_before_the_next_start_too()
    {
        using var root = new TemporaryDirectory();
        byte[] archive = new SavedArchive().Image("x:1", One, Two).Build();
        await using (var engine = await ImageEngine.StartAsync(root.Path))
        {
            await engine.RunAsync("load", archive);
            Directory.Delete(engine.Images.Store.Layers.PathOf(engine.Images.Resolve("x:1").Layers[1]), recursive: true);
        }
        await using var next = await ImageEngine.StartAsync(root.Path);
        await next.RunAsync("load", archive);
        await next.RunAsync("image_delete", ("name", "x:1"));
        Assert.Empty(next.LayerNames.Concat(next.BlobNames));
    }

    [Fact]
    public async Task Two_loads_of_one_archive_at_the_same_time_both_succeed()
    {
        await using var engine = await ImageEngine.StartAsync();
        byte[] archive = new SavedArchive().Image("x:1", One, Two).Build();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => engine.RunAsync("load", archive)));
        Assert.Equal((1, 2), (engine.Images.Current.Count, engine.LayerNames.Count()));
    }

    [Fact]
    public async Task Loads_and_deletes_at_the_same_time_leave_a_store_that_agrees_with_itself()
    {
        using var root = new TemporaryDirectory();
        await using (var engine = await ImageEngine.StartAsync(root.Path))
        {
            byte[] archive = new SavedArchive().Image("x:1", One, Two).Build();
            await Task.WhenAll(Enumerable.Range(0, 40).Select(i => i % 2 == 0 ? engine.RunAsync("load", archive) : TryDeleteAsync(engine)));
            await engine.RunAsync("load", archive);
            foreach (string directory in engine.Images.LayerDirectories(engine.Images.Resolve("x:1"))) Assert.NotEmpty(Directory.GetFiles(directory));
        }
        var after = await RestartAsync(root.Path);
        Assert.Equal((2, 1, 1), (after.Layers.Length, after.Blobs.Length, after.Images));
    }

    private static async Task<ImageEngine.Answer> TryDeleteAsync(ImageEngine engine)
    {
        try
        {
            return await engine.RunAsync("image_delete", ("name", "x:1"));
        }
        catch (Gantry.Daemon.Engine.EngineException e) when (e.Kind == Gantry.Daemon.Engine.ErrorKind.NotFound)
        {
            return null!;   // not there at this moment
        }
    }
}
