using Gantry.Daemon.Engine;
using Gantry.Linux.Mounts;
using Microsoft.Data.Sqlite;

namespace Gantry.Unit.Volumes;

/// <summary>A volume is removed when nobody uses it or is going to, and its name is free at once.</summary>
public sealed class RemovalTests : IDisposable
{
    private readonly TemporaryDirectory root = new();

    public void Dispose() => root.Dispose();

    [Fact]
    public async Task A_volume_that_a_create_counts_on_is_in_use()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        await engine.CreateAsync("cache");
        using (var claims = engine.Service.ClaimFor("c1"))
        {
            await engine.EnsureAsync("cache", claims);
            var error = await Assert.ThrowsAsync<EngineException>(() => engine.Service.RemoveAsync("cache", force: true));
            Assert.Equal((ErrorKind.Conflict, "remove cache: volume is in use - [c1]"), (error.Kind, error.Message));
        }
        await engine.Service.RemoveAsync("cache", force: false);
        Assert.Empty(engine.Listed);
        Assert.Empty(engine.Directories);
    }

    [Fact]
    public async Task Prune_leaves_a_volume_that_a_create_counts_on()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        await engine.CreateAsync("free");
        using var claims = engine.Service.ClaimFor("c1");
        await engine.EnsureAsync("cache", claims);
        var pruned = await engine.Service.PruneAsync("""{"all":["true"]}""", new Version(1, 44), CancellationToken.None);
        Assert.Equal(["free"], pruned.VolumesDeleted);
        Assert.Equal(["cache"], engine.Listed);
    }

    [Fact]
    public async Task Each_mount_of_a_container_claims_for_itself()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        using var one = engine.Service.ClaimFor("c1");
        using var other = engine.Service.ClaimFor("c2");
        await engine.EnsureAsync("cache", one);
        await engine.EnsureAsync("cache", one);
        await engine.EnsureAsync("cache", other);
        one.Dispose();
        Assert.False(await engine.Service.TryRemoveAsync("cache"));
        other.Dispose();
        Assert.True(await engine.Service.TryRemoveAsync("cache"));
    }

    [Fact]
    public async Task Of_many_who_make_a_volume_one_has_made_it()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        using var claims = engine.Service.ClaimFor("c1");
        var all = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => engine.EnsureAsync("cache", claims))));
        Assert.Single(all, v => v.Created);
        Assert.Single(engine.Events.All, "volume create cache driver=local");
    }

    [Fact]
    public async Task A_used_volume_is_not_removed()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        await engine.CreateAsync("cache");
        engine.Users["cache"] = ["c1"];
        Assert.False(await engine.Service.TryRemoveAsync("cache"));
        Assert.Equal(["cache"], engine.Directories);
    }

    [Fact]
    public async Task A_volume_whose_files_cannot_be_deleted_gives_its_name_free()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        await engine.CreateAsync("cache");
        Directory.CreateDirectory(engine.Data("cache") + "/mounted");
        using var mount = DetachedMount.Create("tmpfs", []);
        mount.AttachAt(engine.Data("cache") + "/mounted");
        try
        {
            await engine.Service.RemoveAsync("cache", force: false);
            Assert.Empty(engine.Listed);
            await engine.CreateAsync("cache");
            Assert.Empty(Directory.GetFileSystemEntries(engine.Data("cache")));
        }
        finally
        {
            foreach (string name in engine.Directories.Where(n => n.StartsWith('.'))) Programs.Run("umount", ["--lazy", engine.Data(name) + "/mounted"]);
        }
    }

    [Fact]
    public async Task A_volume_whose_directory_cannot_be_renamed_stays()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        await engine.CreateAsync("cache");
        using var mount = DetachedMount.Clone(root["volumes/cache"], recursive: false);
        mount.AttachAt(root["volumes/cache"]);
        try
        {
            var error = await Assert.ThrowsAsync<EngineException>(() => engine.Service.RemoveAsync("cache", force: false));
            Assert.StartsWith("remove cache: its directory cannot be renamed", error.Message, StringComparison.Ordinal);
            Assert.Equal(["cache"], engine.Listed);
        }
        finally
        {
            Programs.Run("umount", ["--lazy", root["volumes/cache"]]);
        }
        Assert.True(await engine.Service.TryRemoveAsync("cache"));
    }

    [Fact]
    public async Task A_volume_that_the_database_does_not_forget_is_still_whole()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        await engine.CreateAsync("cache");
        File.WriteAllText(engine.Data("cache") + "/file", "");
        await engine.RefuseAsync("DELETE");
        await Assert.ThrowsAsync<SqliteException>(() => engine.Service.RemoveAsync("cache", force: false));
        Assert.Equal(["cache"], engine.Listed);
        Assert.True(File.Exists(engine.Data("cache") + "/file"));
        await engine.AllowAsync();
        Assert.True(await engine.Service.TryRemoveAsync("cache"));
    }

    [Fact]
    public async Task A_volume_that_the_database_does_not_take_is_not_there()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        await engine.RefuseAsync("INSERT");
        await Assert.ThrowsAsync<SqliteException>(() => engine.CreateAsync("cache"));
        Assert.Empty(engine.Listed);
        await engine.AllowAsync();
        await engine.CreateAsync("cache");
        Assert.Equal(["cache"], engine.Listed);
    }
}
