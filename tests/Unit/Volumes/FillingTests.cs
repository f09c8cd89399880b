namespace Gantry.Unit.Volumes;

/// <summary>A volume is filled once, by one container at a time, and wholly.</summary>
public sealed class FillingTests : IDisposable
{
    private readonly TemporaryDirectory root = new();

    public void Dispose() => root.Dispose();

    private static void Copy(string target) => File.WriteAllText(Path.Combine(target, "file"), "whole");

    private static void Unwanted(string target) => Assert.Fail("it is filled a second time");

    private static void CutOff(string target)
    {
        File.WriteAllText(Path.Combine(target, "part"), "");
        throw new OperationCanceledException();
    }

    private static string[] Files(VolumeEngine engine) => [.. Directory.GetFiles(engine.Data("cache")).Select(f => Path.GetFileName(f))];

    private string Mark => root["volumes/cache/filling"];

    [Fact]
    public async Task The_second_of_two_waits_for_the_first_and_finds_a_full_volume()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        var entered = new TaskCompletionSource();
        using var go = new ManualResetEventSlim();
        var first = engine.PrepareAsync("c1", "cache", target =>
        {
            entered.SetResult();
            go.Wait();
            Copy(target);
        });
        await entered.Task;
        var second = engine.PrepareAsync("c2", "cache", Unwanted);
        Assert.False(second.IsCompleted);
        go.Set();
        await Task.WhenAll(first, second);
        Assert.Equal(["file"], Files(engine));
        Assert.False(File.Exists(Mark));
    }

    [Fact]
    public async Task The_second_fills_anew_what_the_first_could_not_finish()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        var entered = new TaskCompletionSource();
        using var go = new ManualResetEventSlim();
        var first = engine.PrepareAsync("c1", "cache", target =>
        {
            entered.SetResult();
            go.Wait();
            CutOff(target);
        });
        await entered.Task;
        var second = engine.PrepareAsync("c2", "cache", Copy);
        go.Set();
        await Assert.ThrowsAsync<OperationCanceledException>(() => first);
        await second;
        Assert.Equal(["file"], Files(engine));
        Assert.False(File.Exists(Mark));
    }

    [Fact]
    public async Task What_was_cut_off_is_filled_anew_after_a_restart()
    {
        await using (var engine = await VolumeEngine.StartAsync(root.Path))
        {
            await Assert.ThrowsAsync<OperationCanceledException>(() => engine.PrepareAsync("c1", "cache", CutOff));
            Assert.True(File.Exists(Mark));
        }
        await using var next = await VolumeEngine.StartAsync(root.Path);
        await next.PrepareAsync("c2", "cache", Copy);
        Assert.Equal(["file"], Files(next));
        Assert.False(File.Exists(Mark));
    }

    [Fact]
    public async Task What_was_cut_off_is_nothing_to_a_container_that_wants_no_copy()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        await Assert.ThrowsAsync<OperationCanceledException>(() => engine.PrepareAsync("c1", "cache", CutOff));
        await engine.PrepareAsync("c2", "cache", copy: null);
        Assert.Empty(Files(engine));
        Assert.False(File.Exists(Mark));
    }

    [Fact]
    public async Task What_a_container_may_have_written_is_never_emptied()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        await engine.CreateAsync("cache");
        engine.Users["cache"] = ["c1"];
        await Assert.ThrowsAsync<OperationCanceledException>(() => engine.PrepareAsync("c2", "cache", CutOff));
        engine.Users.Clear();
        await engine.PrepareAsync("c3", "cache", Unwanted);
        Assert.Equal(["part"], Files(engine));
        Assert.False(File.Exists(Mark));
    }

    [Fact]
    public async Task A_container_that_has_the_volume_ready_counts_as_one_that_uses_it()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        using (var claims = engine.Service.ClaimFor("c1"))
        {
            await engine.Service.PrepareAsync(claims, await engine.EnsureAsync("cache", claims), null, CancellationToken.None);
            await Assert.ThrowsAsync<OperationCanceledException>(() => engine.PrepareAsync("c2", "cache", CutOff));
        }
        await engine.PrepareAsync("c3", "cache", Unwanted);
        Assert.Equal(["part"], Files(engine));
    }

    [Fact]
    public async Task What_is_in_a_volume_already_stays()
    {
        await using var engine = await VolumeEngine.StartAsync(root.Path);
        await engine.CreateAsync("cache");
        File.WriteAllText(engine.Data("cache") + "/own", "");
        await engine.PrepareAsync("c1", "cache", Unwanted);
        Assert.Equal(["own"], Files(engine));
    }
}
