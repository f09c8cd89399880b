using Gantry.Daemon.Images;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.References;
using Gantry.Linux.Files;
using Gantry.Protocol.Containers;

namespace Gantry.Unit.Images;

/// <summary>A container's upper directory becomes a layer and an image.</summary>
public sealed class CommitTests
{
    private const string ContainerId = "c000000000000000000000000000000000000000000000000000000000000000";

    private sealed class Container : IAsyncDisposable
    {
        public required ImageEngine Engine { get; init; }

        public required Image Base { get; init; }

        public TemporaryDirectory Folder { get; } = new();

        public string Upper => Path.Combine(Engine.Root, "upper");

        public static async Task<Container> StartAsync()
        {
            var engine = await ImageEngine.StartAsync();
            await engine.ImportAsync(TarBuilder.Of(t => t.Directory("etc").File("etc/passwd", "root").File("gone", "x")), "base");
            var container = new Container { Engine = engine, Base = engine.Images.Resolve("base") };
            Directory.CreateDirectory(container.Upper);
            using var upper = DirectoryFd.Open(container.Upper);
            OpenFileAttributes.ChangeMode(upper, DirectoryFd.Open(engine.Images.InitLayer(container.Base)).Status().Permissions);
            return container;
        }

        public Task<Image> CommitAsync(bool take = false, string? name = null) => Engine.Images.CommitAsync(new ImageCommitRequest
        {
            ContainerId = ContainerId,
            ParentId = Base.Id,
            Upper = Upper,
            Below = Engine.Images.InitLayer(Base),
            Take = take,
            Config = new ContainerConfig { Cmd = ["new"] },
            ContainerConfig = new ContainerConfig { Cmd = ["sh", "-c", "work"] },
            Author = "me",
            Comment = "why",
            Names = name is null ? [] : [ImageReference.Parse(name).WithDefaultTag()],
        }, CancellationToken.None);

        public async ValueTask DisposeAsync()
        {
            await Engine.DisposeAsync();
            Folder.Dispose();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Its_layer_holds_what_the_container_has_changed(bool take)
    {
        await using var container = await Container.StartAsync();
        TreeTarTests.Fill(container.Upper);
        using (var upper = DirectoryFd.Open(container.Upper)) Overlay.TryMakeWhiteout(upper, "gone").Check("mknod");
        var before = TreeTarTests.Describe(container.Upper);
        var image = await container.CommitAsync(take, "new");
        string layer = container.Engine.Images.LayerDirectories(image)[0];
        Assert.Equal(before, TreeTarTests.Describe(layer));
        Assert.Equal(!take, Directory.Exists(container.Upper));

        // What is kept of its archive gives the same layer anywhere else.
        byte[] archive = (await container.Engine.RunAsync("image_tarlayer", ("name", "new"))).Output.Bytes;
        await using var other = await ImageEngine.StartAsync();
        await other.ImportAsync(archive, "copy");
        Assert.Equal(image.Document.RootFs!.DiffIds![1], other.Images.Resolve("copy").Document.RootFs!.DiffIds![0]);
        Assert.Equal(before, TreeTarTests.Describe(other.Images.LayerDirectories(other.Images.Resolve("copy"))[0]));
    }

    [Fact]
    public async Task Its_history_says_who_and_why()
    {
        await using var container = await Container.StartAsync();
        File.WriteAllText(container.Upper + "/f", "");
        var image = await container.CommitAsync(name: "new");
        var step = image.Document.History![^1];
        Assert.Equal(("sh -c work", "me", "why", false), (step.CreatedBy, step.Author, step.Comment, step.EmptyLayer));
        Assert.Equal((container.Base.Id, "me", "why", 2), (image.Parent, image.Document.Author, image.Document.Comment, image.Layers.Count));
        Assert.Equal(["new"], image.Config.Cmd);
        Assert.Equal([$"image create {image.Id} name={image.Id}", $"image tag {image.Id} name=new:latest"], container.Engine.Events.All.TakeLast(2));
    }

    [Fact]
    public async Task Without_changes_there_is_no_new_layer()
    {
        await using var container = await Container.StartAsync();
        var image = await container.CommitAsync();
        Assert.Single(image.Layers);
        Assert.True(image.Document.History![^1].EmptyLayer);
        Assert.Single(container.Engine.LayerNames);
    }

    [Fact]
    public async Task A_changed_root_is_a_change()
    {
        await using var container = await Container.StartAsync();
        using (var upper = DirectoryFd.Open(container.Upper)) OpenFileAttributes.ChangeMode(upper, 0x1c7);
        var image = await container.CommitAsync();
        Assert.Equal(2, image.Layers.Count);
        using var layer = DirectoryFd.Open(container.Engine.Images.LayerDirectories(image)[0]);
        Assert.Equal(0x1c7u, layer.Status().Permissions);
    }

    [Fact]
    public async Task What_changes_is_judged_as_dockerd_does()
    {
        await using var container = await Container.StartAsync();
        var (images, upperPath) = (container.Engine.Images, container.Upper);
        Directory.CreateDirectory(upperPath + "/etc");
        File.WriteAllText(upperPath + "/etc/passwd", "root and more");
        Directory.CreateDirectory(upperPath + "/new/inner");
        using var upper = DirectoryFd.Open(upperPath);
        Overlay.TryMakeWhiteout(upper, "gone").Check("mknod");
        Overlay.TryMakeWhiteout(upper, "never-was").Check("mknod");
        using var below = MergedDirectory.Root(images.LayerDirectories(container.Base).Select(DirectoryFd.Open));
        Assert.Equal(
            [new("/etc", ChangeKind.Modified), new("/etc/passwd", ChangeKind.Modified), new("/gone", ChangeKind.Deleted), new("/new", ChangeKind.Added), new("/new/inner", ChangeKind.Added)],
            LayerChanges.Of(upper, below, CancellationToken.None));
    }
}
