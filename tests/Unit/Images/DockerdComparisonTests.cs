using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;
using Gantry.Protocol.Images;

namespace Gantry.Unit.Images;

/// <summary>
/// Images that dockerd 28.5.2 made and saved (Data/dockerd-28-three-layers.tar.gz): their files must be what dockerd's own <c>export</c>
/// showed (Data/*.tsv: path, type, mode, owner, time, size and links or target or device, capabilities).
/// </summary>
public sealed class DockerdComparisonTests
{
    private static readonly string Data = Path.Combine(Repository.Root, "tests/Unit/Images/Data");

    private static byte[] Archive
    {
        get
        {
            using var gzip = new GZipStream(File.OpenRead(Path.Combine(Data, "dockerd-28-three-layers.tar.gz")), CompressionMode.Decompress);
            using var plain = new MemoryStream();
            gzip.CopyTo(plain);
            return plain.ToArray();
        }
    }

    [Theory]
    [InlineData("base")]
    [InlineData("two")]
    [InlineData("three")]
    public async Task The_tree_is_the_one_that_dockerd_shows(string tag)
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("load", Archive);
        var image = engine.Images.Resolve("fixture:" + tag);
        using var scratch = new TemporaryDirectory();
        Directory.CreateDirectory(scratch["upper"]);
        Directory.CreateDirectory(scratch["work"]);
        using var mount = DetachedMount.Overlay([engine.Images.InitLayer(image), .. engine.Images.LayerDirectories(image)], scratch["upper"], scratch["work"], []);
        using var root = DirectoryFd.Open(mount);
        Assert.Equal(await File.ReadAllLinesAsync(Path.Combine(Data, $"dockerd-28-{tag}.tsv")), Describe(root));
    }

    private static readonly HashSet<string> OfTheInitLayer =
        [".dockerenv", "dev", "dev/console", "dev/pts", "dev/shm", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", "bb"];

    private static List<string> Describe(DirectoryFd root)
    {
        var lines = new List<string>();
        using var walk = new TreeWalk(root, crossFileSystems: true);
        while (walk.MoveNext())
        {
            string path = Escape(walk.Path);
            if (OfTheInitLayer.Contains(path)) continue;
            var status = walk.Status;
            var (type, detail) = status.Type switch
            {
                FileType.Directory => ("d", ""),
                FileType.SymbolicLink => ("l", Escape(walk.Directory.ReadLink(walk.Name))),
                FileType.CharacterDevice => ("c", $"{status.Device.Major}:{status.Device.Minor}"),
                FileType.BlockDevice => ("b", $"{status.Device.Major}:{status.Device.Minor}"),
                FileType.Fifo => ("p", ""),
                _ => ("f", string.Create(CultureInfo.InvariantCulture, $"{status.Size} x{status.Links}")),
            };
            string mode = type == "l" ? "-" : Convert.ToString(status.Permissions, 8);
            string time = path == "etc" ? "-" : status.Modified.Seconds.ToString(CultureInfo.InvariantCulture);
            byte[]? capability = type == "f" ? ExtendedAttributes.Get(walk.Directory, walk.Name, "security.capability") : null;
            string attributes = capability is null ? "" : "security.capability=" + Convert.ToHexStringLower(capability);
            lines.Add(string.Join('\t', path, type, mode, $"{status.Owner}:{status.Group}", time, detail, attributes));
        }
        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    /// <summary>One character a byte, so that names of any encoding compare.</summary>
    private static string Escape(ReadOnlySpan<byte> name) => Encoding.Latin1.GetString(name).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    [Fact]
    public async Task What_is_saved_again_has_the_same_digests()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("load", Archive);
        var saved = await engine.RunAsync("image_export", ("names", "fixture:base"), ("names", "fixture:two"), ("names", "fixture:three"));
        var before = Entries(Archive);
        var after = Entries(saved.Output.Bytes);
        // dockerd also writes configurations of the form before 1.10, one a layer, which nothing in the archive names.
        Assert.Equal(before["index.json"], after["index.json"]);
        Assert.Equal(before["manifest.json"], after["manifest.json"]);
        Assert.Equal(before["repositories"], after["repositories"]);
        foreach (var (name, content) in after.Where(e => e.Key.StartsWith("blobs/", StringComparison.Ordinal))) Assert.Equal(before[name], content);
    }

    private static Dictionary<string, byte[]> Entries(byte[] archive)
    {
        var entries = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        using var reader = new System.Formats.Tar.TarReader(new MemoryStream(archive));
        while (reader.GetNextEntry() is { } entry)
        {
            if (entry.DataStream is null) continue;
            using var content = new MemoryStream();
            entry.DataStream.CopyTo(content);
            entries[entry.Name] = content.ToArray();
        }
        return entries;
    }

    [Theory]
    [InlineData("base", 80)]
    [InlineData("two", 109)]
    [InlineData("three", 115)]
    public async Task Sizes_are_those_that_dockerd_reports(string tag, long size)
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("load", Archive);
        Assert.Equal(size, engine.Images.Resolve("fixture:" + tag).Size);
    }

    [Fact]
    public async Task Parents_within_the_archive_are_known()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("load", Archive);
        Assert.Equal(engine.Images.Resolve("fixture:two").Id, engine.Images.Resolve("fixture:three").Parent);
    }

    [Fact]
    public async Task History_is_the_one_that_dockerd_tells()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("load", Archive);
        var history = (await engine.RunAsync("history", ("name", "fixture:three"))).Body<List<ImageHistoryItem>>();
        Assert.Equal([("", 6L), ("second", 29L), ("Imported from -", 80L)], history.Select(h => (h.Comment, h.Size)));
    }

    [Fact]
    public async Task The_id_is_the_one_that_dockerd_gave()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.RunAsync("load", Archive);
        Assert.Equal("sha256:446ff94b7085ffa9d9ac8a91106db7d6431de58d41d6b1739aa065382b2e53eb", engine.Images.Resolve("fixture:three").Id);
    }
}
