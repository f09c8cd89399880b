using Gantry.Daemon.Images.Layers;
using Gantry.Linux.Files;

namespace Gantry.Unit.Images;

/// <summary>A layer's archive comes out byte for byte as it went in.</summary>
public sealed class RoundTripTests
{
    private static async Task RoundTripAsync(byte[] archive)
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(archive, "x");
        var answer = await engine.RunAsync("image_tarlayer", ("name", "x"));
        Assert.Equal(archive, answer.Output.Bytes);
    }

    [Fact]
    public Task Files_directories_and_links() => RoundTripAsync(TarBuilder.Of(t => t
        .Directory("d").File("d/a", new byte[513]).File("d/empty").File("d/exact", new byte[1024]).SymbolicLink("l", "d/a").HardLink("h", "d/a").Device('3', "null", 1, 3).Fifo("p")));

    [Fact]
    public Task Extended_and_gnu_headers() => RoundTripAsync(TarBuilder.Of(t => t
        .Entry('g', "global", "16 comment=abcd\n"u8.ToArray()).Pax(("path", new string('p', 200) + "/f"), ("mtime", "1.123456789"), ("SCHILY.xattr.user.a", "b")).File("x", "content")
        .GnuLongName(new string('g', 200)).File("y", "content")));

    [Fact]
    public Task Whiteouts() => RoundTripAsync(TarBuilder.Of(t => t.File("d/.wh.x").File("d/.wh..wh..opq").File(".wh..wh.plnk/1", "kept in the record").File("d/.wh.odd", "a whiteout with content")));

    [Fact]
    public Task Names_through_links_and_odd_spellings() => RoundTripAsync(TarBuilder.Of(t => t
        .Directory("usr/lib").SymbolicLink("lib", "usr/lib").File("lib/f", "through a link").File("./a//b/../c", "odd").File("/absolute", "x")));

    [Fact]
    public Task An_archive_without_an_end_mark() => RoundTripAsync(new TarBuilder().File("a", "x").Build(end: false));

    [Fact]
    public Task An_archive_with_something_behind_its_end() => RoundTripAsync([.. TarBuilder.Of(t => t.File("a", "x")), .. new byte[9000], .. "behind"u8]);

    [Fact]
    public Task An_archive_with_rubbish_in_its_padding() => RoundTripAsync(TarBuilder.Of(t => t.Entry('0', "a", [.. "x"u8, .. Enumerable.Repeat((byte)7, 511)], size: 1)));

    [Fact]
    public Task An_archive_with_nothing_in_it() => RoundTripAsync(new byte[1024]);

    [Fact]
    public Task A_file_of_several_blocks() => RoundTripAsync(TarBuilder.Of(t => t.File("big", [.. Enumerable.Range(0, 1_000_003).Select(i => (byte)(i * 7))])));

    [Theory]
    [InlineData("--format=gnu")]
    [InlineData("--format=pax")]
    [InlineData("--format=ustar")]
    [InlineData("--format=v7")]
    [InlineData("--format=oldgnu")]
    [InlineData("--format=pax", "--sparse", "--sparse-version=0.0")]
    [InlineData("--format=pax", "--sparse", "--sparse-version=0.1")]
    [InlineData("--format=pax", "--sparse", "--sparse-version=1.0")]
    [InlineData("--format=gnu", "--sparse")]
    public Task An_archive_of_gnu_tar(params string[] options) => RoundTripAsync(GnuTar(options));

    [Theory]
    [InlineData("--format=pax", "--sparse-version=0.0")]
    [InlineData("--format=pax", "--sparse-version=0.1")]
    [InlineData("--format=pax", "--sparse-version=1.0")]
    [InlineData("--format=gnu", "--sparse")]
    public async Task A_sparse_file_has_its_holes_and_its_data(params string[] options)
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(GnuTar(["--sparse", .. options]), "x");
        string file = Path.Combine(engine.Images.LayerDirectories(engine.Images.Resolve("x")).Single(), "sparse");
        byte[] content = await File.ReadAllBytesAsync(file);
        using var directory = DirectoryFd.Open(Path.GetDirectoryName(file)!);
        Assert.Equal((SparseContent.Length, true, true), (content.Length, content.AsSpan().SequenceEqual(SparseContent), directory.Status("sparse").DiskSize < content.Length / 2));
    }

    /// <summary>Data in seven places, so that an old GNU header needs a second table.</summary>
    private static readonly byte[] SparseContent = [.. Enumerable.Range(0, 7).SelectMany(i => new byte[256 * 1024].Concat(Enumerable.Repeat((byte)('a' + i), 4096))), .. new byte[100_000]];

    private static byte[] GnuTar(string[] options)
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(directory["in/sub"]);
        File.WriteAllText(directory["in/sub/file"], "content");
        File.CreateSymbolicLink(directory["in/link"], "sub/file");
        using (var open = DirectoryFd.Open(directory["in"]))
        {
            using var sub = open.OpenDirectory("sub");
            open.MakeHardLink("hard", sub, "file");
            using var sparse = open.OpenFile("sparse", Gantry.Linux.Kernel.OpenFlags.WriteOnly | Gantry.Linux.Kernel.OpenFlags.Create, 0x1a4);
            for (int i = 0; i < 7; i++) FileData.Write(sparse, SparseContent.AsSpan(i * (256 * 1024 + 4096) + 256 * 1024, 4096), i * (256 * 1024 + 4096) + 256 * 1024);
            FileData.SetLength(sparse, SparseContent.Length);
        }
        Programs.Run("tar", ["-C", directory["in"], "-cf", directory["out.tar"], .. options, "."]);
        return File.ReadAllBytes(directory["out.tar"]);
    }

    [Fact]
    public async Task A_layer_that_was_changed_on_disk_is_not_passed_off_as_the_original()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(TarBuilder.Of(t => t.File("a", "original")), "x");
        await File.WriteAllTextAsync(Path.Combine(engine.Images.LayerDirectories(engine.Images.Resolve("x")).Single(), "a"), "tampered");
        var error = await engine.FailAsync("image_tarlayer", ("name", "x"));
        Assert.EndsWith("was changed on disk: its archive has another digest than when it came", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_layer_that_has_lost_a_file_says_which()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(TarBuilder.Of(t => t.File("d/a", "original")), "x");
        File.Delete(Path.Combine(engine.Images.LayerDirectories(engine.Images.Resolve("x")).Single(), "d/a"));
        var error = await engine.FailAsync("image_tarlayer", ("name", "x"));
        Assert.EndsWith("was changed on disk: the file d/a cannot be opened: no such file or directory", error.Message, StringComparison.Ordinal);
    }
}
