using Gantry.Daemon.Engine;
using Gantry.Daemon.Images;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Streams;

namespace Gantry.Unit.Images;

/// <summary>Layers are unpacked once and kept as long as somebody needs them.</summary>
public sealed class LayerSharingTests
{
    private static readonly byte[] One = TarBuilder.Of(t => t.File("one", "1"));

    private static readonly Digest Diff = Digest.Of(One);

    [Fact]
    public async Task Those_who_want_one_layer_at_the_same_time_share_one_unpack()
    {
        using var root = new TemporaryDirectory();
        using var layers = new LayerStore(root.Path, UnpackLimits.Default);
        using var gate = new ManualResetEventSlim();
        int opened = 0;
        ByteSource Open(CancellationToken cancellation)
        {
            Interlocked.Increment(ref opened);
            gate.Wait(cancellation);
            return new StreamSource(new MemoryStream(One));
        }
        var wanted = Enumerable.Range(0, 5).Select(_ => layers.Unpacks.GetAsync(null, Diff, Open, CancellationToken.None)).ToList();
        gate.Set();
        foreach (var lease in await Task.WhenAll(wanted)) lease.Dispose();
        Assert.Equal(1, opened);
    }

    [Fact]
    public async Task One_who_leaves_does_not_stop_the_others()
    {
        using var root = new TemporaryDirectory();
        using var layers = new LayerStore(root.Path, UnpackLimits.Default);
        using var gate = new ManualResetEventSlim();
        using var leave = new CancellationTokenSource();
        ByteSource Open(CancellationToken cancellation)
        {
            gate.Wait(cancellation);
            return new StreamSource(new MemoryStream(One));
        }
        var leaving = layers.Unpacks.GetAsync(null, Diff, Open, leave.Token);
        var staying = layers.Unpacks.GetAsync(null, Diff, Open, CancellationToken.None);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        gate.Set();
        using var lease = await staying;
        Assert.Equal(Diff, lease.Layer.Diff);
    }

    [Fact]
    public async Task The_last_who_leaves_stops_the_work_and_nothing_is_left()
    {
        using var root = new TemporaryDirectory();
        using var layers = new LayerStore(root.Path, UnpackLimits.Default);
        using var leave = new CancellationTokenSource();
        var opened = new TaskCompletionSource();
        ByteSource Open(CancellationToken cancellation)
        {
            opened.SetResult();
            cancellation.WaitHandle.WaitOne();
            return new StreamSource(new MemoryStream(One));
        }
        var leaving = layers.Unpacks.GetAsync(null, Diff, Open, leave.Token);
        await opened.Task;
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        Assert.Empty(Directory.GetDirectories(root["layers"]));
    }

    [Fact]
    public async Task A_blob_that_hashes_to_something_else_is_refused()
    {
        using var root = new TemporaryDirectory();
        using var layers = new LayerStore(root.Path, UnpackLimits.Default);
        var other = Digest.Of("other"u8);
        var error = await Assert.ThrowsAsync<InvalidArchiveException>(() => layers.Unpacks.GetAsync(null, other, _ => new StreamSource(new MemoryStream(One)), CancellationToken.None));
        Assert.Equal($"layer verification failed for digest {other}: the archive's is {Diff}", error.Message);
    }

    [Fact]
    public async Task Pinned_layers_outlive_their_image_and_a_restart()
    {
        using var root = new TemporaryDirectory();
        await using (var engine = await ImageEngine.StartAsync(root.Path))
        {
            await engine.ImportAsync(One, "x");
            await engine.Images.Store.PinAsync("container", engine.Images.Resolve("x"));
            await engine.RunAsync("image_delete", ("name", "x"));
        }
        await using var next = await ImageEngine.StartAsync(root.Path);
        Assert.Equal("1", await File.ReadAllTextAsync(Path.Combine(next.Images.LayerDirectories(next.Images.Store.PinnedLayers("container")!).Single(), "one")));
    }

    [Fact]
    public async Task The_last_pin_takes_the_layers_along()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "x");
        await engine.Images.Store.PinAsync("a", engine.Images.Resolve("x"));
        await engine.Images.Store.PinAsync("b", engine.Images.Resolve("x"));
        await engine.RunAsync("image_delete", ("name", "x"));
        await engine.Images.Store.UnpinAsync("a");
        Assert.Single(engine.LayerNames);
        await engine.Images.Store.UnpinAsync("b");
        Assert.Empty(engine.LayerNames);
    }

    [Fact]
    public async Task Pins_of_owners_that_are_gone_are_dropped_at_start()
    {
        using var root = new TemporaryDirectory();
        await using (var engine = await ImageEngine.StartAsync(root.Path))
        {
            await engine.ImportAsync(One, "x");
            await engine.Images.Store.PinAsync("gone", engine.Images.Resolve("x"));
            await engine.RunAsync("image_delete", ("name", "x"));
        }
        await using var next = await ImageEngine.StartAsync(root.Path);
        await next.Images.Store.ReconcilePinsAsync(new HashSet<string>(), CancellationToken.None);
        Assert.Empty(next.LayerNames);
    }

    [Fact]
    public async Task A_pin_and_its_owner_s_row_are_one_transaction()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "x");
        await Assert.ThrowsAsync<InvalidOperationException>(() => engine.Images.Store.PinAsync("a", engine.Images.Resolve("x"), _ => throw new InvalidOperationException()));
        await engine.RunAsync("image_delete", ("name", "x"));
        Assert.Empty(engine.LayerNames);
    }

    [Fact]
    public async Task An_image_that_was_deleted_meanwhile_cannot_be_pinned()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(One, "x");
        var image = engine.Images.Resolve("x");
        await engine.RunAsync("image_delete", ("name", "x"));
        Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<EngineException>(() => engine.Images.Store.PinAsync("a", image))).Kind);
    }
}
