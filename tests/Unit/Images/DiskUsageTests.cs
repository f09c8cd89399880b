using Gantry.Daemon.Engine;
using Gantry.Daemon.Images;
using Gantry.Daemon.Images.References;
using Gantry.Linux.Files;
using Gantry.Protocol.Containers;

namespace Gantry.Unit.Images;

/// <summary>What <c>system df</c> says is what is on the disk, and nothing is on the disk that nobody needs.</summary>
public sealed class DiskUsageTests
{
    /// <summary>Sizes of all files of all layers, as somebody who knows nothing of the books would count them.</summary>
    private static long CountOnDisk(ImageEngine engine)
    {
        long bytes = 0;
        foreach (string layer in Directory.GetDirectories(Path.Combine(engine.Root, "layers")).Select(l => Path.Combine(l, "diff")).Where(Directory.Exists))
        {
            using var root = DirectoryFd.Open(layer);
            var seen = new HashSet<ulong>();
            using var walk = new TreeWalk(root);
            while (walk.MoveNext())
            {
                if (walk.Status.Type is FileType.Regular or FileType.SymbolicLink && seen.Add(walk.Status.Inode)) bytes += walk.Status.Size;
            }
        }
        return bytes;
    }

    private static void AssertExact(ImageEngine engine, IReadOnlyCollection<string> pinned)
    {
        var snapshot = engine.Images.Current;
        var needed = snapshot.Images.SelectMany(i => i.Layers).Concat(pinned.SelectMany(p => engine.Images.Store.PinnedLayers(p) ?? [])).Select(c => c.Hex).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(needed.Order(StringComparer.Ordinal), engine.LayerNames.Where(n => n != "empty").Order(StringComparer.Ordinal));
        Assert.Equal(snapshot.Images.Select(i => i.Digest.Hex).Order(StringComparer.Ordinal), engine.BlobNames.Order(StringComparer.Ordinal));
        Assert.Equal(CountOnDisk(engine), engine.Images.LayersSize);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task After_whatever_has_happened_the_books_and_the_disk_agree(int seed)
    {
        var random = new Random(seed);
        await using var engine = await ImageEngine.StartAsync();
        var pinned = new List<string>();
        for (int step = 0; step < 60; step++)
        {
            var images = engine.Images.Current.Images.ToList();
            var some = images.Count > 0 ? images[random.Next(images.Count)] : null;
            try
            {
                switch (random.Next(6))
                {
                    case 0:
                        await engine.ImportAsync(TarBuilder.Of(t => t.File("f" + random.Next(4), new byte[random.Next(5000)]).File("g", new byte[700]).HardLink("h", "g").SymbolicLink("l", "g")), "i" + random.Next(3));
                        break;
                    case 1 when some is not null:
                        await CommitAsync(engine, some, random.Next(4));
                        break;
                    case 2 when some is not null:
                        string owner = Convert.ToHexStringLower(BitConverter.GetBytes(step)).PadLeft(64, 'c');
                        await engine.Images.Store.PinAsync(owner, some);
                        pinned.Add(owner);
                        break;
                    case 3 when pinned.Count > 0:
                        await engine.Images.Store.UnpinAsync(pinned[0]);
                        pinned.RemoveAt(0);
                        break;
                    case 4 when some is not null:
                        await engine.RunAsync("image_delete", ("name", some.Id), ("force", "1"));
                        break;
                    default:
                        await engine.RunAsync("images_prune");
                        break;
                }
            }
            catch (EngineException e) when (e.Kind == ErrorKind.Conflict)
            {
                // It is another's parent, or has several names: it stays.
            }
            AssertExact(engine, pinned);
        }
    }

    private static async Task CommitAsync(ImageEngine engine, Image image, int content)
    {
        string upper = Path.Combine(engine.Root, "upper");
        Directory.CreateDirectory(upper);
        File.WriteAllBytes(Path.Combine(upper, "changed" + content), new byte[1000 + content]);
        await engine.Images.CommitAsync(new ImageCommitRequest
        {
            ContainerId = new string('d', 64),
            ParentId = image.Id,
            Upper = upper,
            Below = engine.Images.InitLayer(image),
            Take = true,
            Config = new ContainerConfig(),
            ContainerConfig = new ContainerConfig(),
            Names = [ImageReference.Parse("committed" + content).WithDefaultTag()],
        }, CancellationToken.None);
    }

    [Fact]
    public async Task What_images_share_counts_once()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(TarBuilder.Of(t => t.File("base", new byte[10_000])), "base");
        await CommitAsync(engine, engine.Images.Resolve("base"), 1);
        await CommitAsync(engine, engine.Images.Resolve("base"), 2);
        var rows = engine.Images.Usages();
        Assert.Equal(12_003, engine.Images.LayersSize);
        Assert.All(rows, r => Assert.Equal(10_000, r.SharedSize));
        Assert.Equal([0, 1001, 1002], rows.Select(r => r.Size - r.SharedSize).Order());
        Assert.All(rows, r => Assert.Null(r.RepoDigests));
    }
}
