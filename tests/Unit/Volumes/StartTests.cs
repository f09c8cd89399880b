using Gantry.Daemon.Volumes;
using Gantry.Linux.Mounts;

namespace Gantry.Unit.Volumes;

/// <summary>Whatever a crash has left, the engine starts, and keeps the volumes that are there.</summary>
public sealed class StartTests : IDisposable
{
    private readonly TemporaryDirectory root = new();

    public void Dispose() => root.Dispose();

    private async Task MakeAsync(params string[] names)
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        foreach (string name in names) await engine.CreateAsync(name);
    }

    [Fact]
    public async Task A_volume_whose_removal_was_cut_off_is_gone()
    {
        await MakeAsync("cache", "kept");
        Directory.Move(root["volumes/cache"], root["volumes/" + VolumeService.RemovedNameOf("cache")]);
        for (int start = 0; start < 2; start++)
        {
            await using var engine = await VolumeEngine.StartAsync(root.Path);
            await engine.Service.Cleaned;
            Assert.Equal(["kept"], engine.Listed);
            Assert.Equal(["kept"], engine.Directories);
        }
    }

    [Fact]
    public async Task A_volume_whose_directory_is_away_for_another_reason_is_still_listed()
    {
        await MakeAsync("cache");
        Directory.Move(root["volumes"], root["elsewhere"]);
        await MakeAsync();
        Directory.Delete(root["volumes"]);
        Directory.Move(root["elsewhere"], root["volumes"]);
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        await engine.Service.Cleaned;
        Assert.Equal(["cache"], engine.Listed);
        Assert.Equal(["cache"], engine.Directories);
    }

    [Fact]
    public async Task A_directory_that_is_not_listed_goes()
    {
        await MakeAsync("kept");
        Directory.CreateDirectory(root["volumes/unlisted/_data/deep"]);
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        Assert.DoesNotContain("unlisted", engine.Directories);
        await engine.Service.Cleaned;
        Assert.Equal(["kept"], engine.Directories);
    }

    [Fact]
    public async Task What_cannot_be_deleted_is_left_and_nothing_else()
    {
        await MakeAsync("kept");
        Directory.CreateDirectory(root["volumes/mounted/_data/place"]);
        Directory.CreateDirectory(root["volumes/place"]);
        Directory.CreateDirectory(root["volumes/plain"]);
        using var below = DetachedMount.Create("tmpfs", []);
        using var at = DetachedMount.Create("tmpfs", []);
        below.AttachAt(root["volumes/mounted/_data/place"]);
        at.AttachAt(root["volumes/place"]);
        string? moved = null;
        try
        {
            await using var engine = await VolumeEngine.StartAsync(root.Path);
            await engine.Service.Cleaned;
            moved = Assert.Single(engine.Directories, n => n.StartsWith('.'));
            Assert.Equal(["kept", "place"], engine.Directories.Where(n => n != moved).Order(StringComparer.Ordinal));
        }
        finally
        {
            Programs.Run("umount", ["--lazy", root[$"volumes/{moved ?? "mounted"}/_data/place"]]);
            Programs.Run("umount", ["--lazy", root["volumes/place"]]);
        }
        await using var next = await VolumeEngine.StartAsync(root.Path);
        await next.Service.Cleaned;
        Assert.Equal(["kept"], next.Directories);
    }
}
