using System.IO.Compression;
using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Streams;

namespace Gantry.Unit.Images;

/// <summary>Archives that mean harm: each gets a clear error or stays inside, and nothing outside the layer changes.</summary>
public sealed class HostileLayerTests
{
    /// <summary>Imports from inside a directory whose every other file must stay as it is.</summary>
    private static async Task<EngineException?> AttackAsync(byte[] archive, UnpackLimits? limits = null)
    {
        using var around = new TemporaryDirectory();
        string root = around["a/b/c/d/root"];
        Directory.CreateDirectory(root);
        await File.WriteAllTextAsync(around["victim"], "untouched");
        EngineException? error = null;
        await using (var engine = await ImageEngine.StartAsync(root, limits))
        {
            try
            {
                await engine.ImportAsync(archive, "x");
            }
            catch (EngineException e)
            {
                error = e;
                Assert.Empty(engine.LayerNames);
            }
            Assert.True(engine.Engine.Find("images") is not null && (await engine.RunAsync("images")).Result.Body is not null);
        }
        Assert.Equal("untouched", await File.ReadAllTextAsync(around["victim"]));
        Assert.Equal(["a", "victim"], Directory.GetFileSystemEntries(around.Path).Select(e => Path.GetFileName(e)!).Order(StringComparer.Ordinal));
        Assert.Equal(["root"], Directory.GetFileSystemEntries(around["a/b/c/d"]).Select(e => Path.GetFileName(e)!));
        Assert.False(File.Exists("/tmp/gantry-escaped") || File.Exists("/gantry-escaped"));
        return error;
    }

    private static async Task RefusedAsync(string text, Action<TarBuilder> build)
    {
        var error = await AttackAsync(TarBuilder.Of(build));
        Assert.Equal((ErrorKind.System, text), (error?.Kind ?? 0, error?.Message));
    }

    [Theory]
    [InlineData("../evil")]
    [InlineData("a/../../evil")]
    [InlineData("/../evil")]
    [InlineData("..")]
    public Task A_name_that_leads_out_is_refused(string name) => RefusedAsync($"invalid entry name \"{name}\"", t => t.File(name, "x"));

    [Fact]
    public async Task An_absolute_name_is_taken_from_the_layer_s_root() => Assert.Null(await AttackAsync(TarBuilder.Of(t => t.File("/gantry-escaped", "x"))));

    [Fact]
    public async Task A_write_through_an_absolute_link_stays_inside() => Assert.Null(await AttackAsync(TarBuilder.Of(t => t.SymbolicLink("x", "/tmp").File("x/gantry-escaped", "x"))));

    [Fact]
    public Task A_write_through_a_relative_link_that_leads_out_is_refused() => RefusedAsync(
        "the symbolic link \"x\" leads out of the directory that is written: path escapes from parent", t => t.SymbolicLink("x", "../../../../../../../tmp").File("x/gantry-escaped", "x"));

    [Fact]
    public Task A_write_through_a_chain_of_links_that_leads_out_is_refused() => RefusedAsync(
        "the symbolic link \"d/y\" leads out of the directory that is written: path escapes from parent",
        t => t.Directory("d").SymbolicLink("d/y", "../..").SymbolicLink("z", "d/y").File("z/gantry-escaped", "x"));

    [Fact]
    public Task A_circle_of_links_is_refused() => RefusedAsync(
        "open directory a: too many levels of symbolic links", t => t.SymbolicLink("a", "b").SymbolicLink("b", "a").File("a/f", "x"));

    [Fact]
    public Task A_file_over_a_link_does_not_follow_it() => RefusedAsync("duplicates of file paths not supported: x", t => t.SymbolicLink("x", "/tmp/gantry-escaped").File("x", "x"));

    [Fact]
    public Task A_hard_link_to_a_name_outside_is_refused() => RefusedAsync(
        "invalid hardlink target \"../../../../../../victim\"", t => t.HardLink("h", "../../../../../../victim"));

    [Fact]
    public Task A_hard_link_to_an_absolute_name_is_looked_for_in_the_layer() => RefusedAsync("linkat etc/passwd h: no such file or directory", t => t.HardLink("h", "/etc/passwd"));

    [Fact]
    public async Task A_hard_link_through_an_absolute_link_does_not_lead_out()
    {
        var error = await AttackAsync(TarBuilder.Of(t => t.SymbolicLink("x", "/etc").HardLink("h", "x/passwd")));
        Assert.Equal("linkat x/passwd h: no such file or directory", error?.Message);
    }

    [Fact]
    public Task A_hard_link_to_a_directory_is_refused() => RefusedAsync("linkat d h: operation not permitted", t => t.Directory("d").HardLink("h", "d"));

    [Fact]
    public Task A_hard_link_to_itself_is_refused() => RefusedAsync("linkat h h: no such file or directory", t => t.HardLink("h", "h"));

    [Fact]
    public Task Two_files_of_one_name_are_refused() => RefusedAsync("duplicates of file paths not supported: ./a", t => t.File("a", "1").File("./a", "2"));

    [Fact]
    public Task A_directory_under_a_file_is_refused() => RefusedAsync("open directory a: not a directory", t => t.File("a", "1").File("a/b", "2"));

    [Fact]
    public Task A_link_in_the_place_of_a_directory_is_refused() => RefusedAsync("duplicates of file paths not supported: a", t => t.Directory("a").File("a/f").SymbolicLink("a", "/etc"));

    [Fact]
    public Task A_file_that_is_the_root_is_refused() => RefusedAsync("invalid entry name \".\"", t => t.File(".", "x"));

    [Fact]
    public Task An_empty_name_is_refused() => RefusedAsync("invalid entry name \"\"", t => t.File("", "x"));

    [Fact]
    public Task A_zero_in_a_pax_name_is_refused() => RefusedAsync("archive/tar: invalid tar header", t => t.Pax(("path", "a\0b")).File("x"));

    [Fact]
    public async Task A_newline_in_a_name_is_just_a_character() => Assert.Null(await AttackAsync(TarBuilder.Of(t => t.File("a\nb", "x"))));

    [Fact]
    public async Task A_name_longer_than_the_kernel_takes_is_refused()
    {
        var error = await AttackAsync(TarBuilder.Of(t => t.Pax(("path", new string('a', 300))).File("x")));
        Assert.EndsWith(": file name too long", error?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_path_longer_than_the_kernel_takes_is_refused()
    {
        var error = await AttackAsync(TarBuilder.Of(t => t.Pax(("path", string.Join('/', Enumerable.Repeat("d", 3000)) + "/f")).File("x")));
        Assert.EndsWith(": file name too long", error?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public Task An_unknown_type_is_refused() => RefusedAsync("unhandled tar header type 90", t => t.Entry('Z', "a", []));

    [Fact]
    public Task A_wrong_checksum_is_refused() => RefusedAsync("archive/tar: invalid tar header", t => t.File("a", "x").Raw([.. Enumerable.Repeat((byte)'A', 512)]));

    [Fact]
    public Task A_negative_size_is_refused() => RefusedAsync("archive/tar: invalid tar header", t => t.Entry('0', "a", [], size: -1));

    [Fact]
    public Task A_size_beyond_the_archive_is_an_unexpected_end() => RefusedAsync("unexpected EOF", t => t.Entry('0', "a", [], size: 1L << 40));

    [Fact]
    public Task An_owner_beyond_32_bits_is_refused() => RefusedAsync("archive/tar: invalid tar header", t => t.Pax(("uid", "99999999999")).File("a"));

    [Fact]
    public Task A_huge_extended_header_is_refused() => RefusedAsync("archive/tar: header field too long", t => t.Entry('x', "x", [], size: 100 << 20));

    [Theory]
    [InlineData("8 path=a\n")]
    [InlineData("x path=a\n")]
    [InlineData("99 path=a\n")]
    [InlineData("10 path=ab")]
    [InlineData("7 path\n")]
    public Task A_malformed_extended_header_is_refused(string record) => RefusedAsync("archive/tar: invalid tar header", t => t.Entry('x', "x", Encoding.ASCII.GetBytes(record)).File("a"));

    [Fact]
    public Task Sparse_segments_that_overlap_are_refused() => RefusedAsync(
        "archive/tar: invalid tar header",
        t => t.Pax(("GNU.sparse.map", "0,4,2,4"), ("GNU.sparse.size", "8")).File("s", "12345678"));

    [Fact]
    public async Task A_layer_that_is_too_large_is_refused_at_the_limit()
    {
        var error = await AttackAsync(TarBuilder.Of(t => t.File("zeros", new byte[3 << 20])), new UnpackLimits { LayerBytes = 1 << 20 });
        Assert.Equal("the layer is larger than 1048576 bytes, the limit", error?.Message);
    }

    [Fact]
    public async Task A_layer_of_too_many_entries_is_refused_at_the_limit()
    {
        var error = await AttackAsync(TarBuilder.Of(t => Enumerable.Range(0, 11).ToList().ForEach(i => t.File("f" + i))), new UnpackLimits { LayerEntries = 10 });
        Assert.Equal("the layer has more than 10 entries, the limit", error?.Message);
    }

    [Fact]
    public async Task A_compressed_bomb_is_refused_by_its_ratio()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(TarBuilder.Of(t => t.File("zeros", new byte[8 << 20])));
        var error = await AttackAsync(packed.ToArray(), new UnpackLimits { RatioFloor = 1 << 20, Ratio = 50 });
        Assert.Equal("the layer expands to more than 50 times its compressed size, the limit for layers over 1048576 bytes", error?.Message);
    }

    [Fact]
    public async Task A_hundred_thousand_entries_are_unpacked()
    {
        var error = await AttackAsync(TarBuilder.Of(t =>
        {
            for (int i = 0; i < 100_000; i++) t.File($"d{i % 100}/f{i}");
        }));
        Assert.Null(error);
    }

    [Fact]
    public async Task Random_bytes_in_an_archive_only_ever_give_a_refusal()
    {
        var random = new Random(20240203);
        using var root = new TemporaryDirectory();
        using var layers = new LayerStore(root.Path, UnpackLimits.Default);
        byte[] good = TarBuilder.Of(t => t.Directory("d").File("d/a", "content").SymbolicLink("l", "d/a").HardLink("h", "d/a").Pax(("mtime", "1.5")).File("p", new byte[600]));
        for (int round = 0; round < 1000; round++)
        {
            byte[] bad = (byte[])good.Clone();
            for (int i = 0; i < 4; i++) bad[random.Next(bad.Length)] = (byte)random.Next(256);
            using var pending = layers.Begin();
            try
            {
                await pending.UnpackAsync(new StreamSource(new MemoryStream(bad)), CancellationToken.None);
            }
            catch (IOException)
            {
                // Refused, as it should be where the damage is in a header.
            }
        }
        Assert.Equal(["layers"], Directory.GetFileSystemEntries(root.Path).Select(e => Path.GetFileName(e)!));
    }
}
