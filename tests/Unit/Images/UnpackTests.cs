using System.Text;
using Gantry.Daemon.Images;
using Gantry.Linux.Files;

namespace Gantry.Unit.Images;

/// <summary>What an archive's entries become on disk.</summary>
public sealed class UnpackTests
{
    private static async Task WithLayerAsync(Action<TarBuilder> build, Action<DirectoryFd> check)
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(TarBuilder.Of(build), "x");
        using var root = DirectoryFd.Open(engine.Images.LayerDirectories(engine.Images.Resolve("x")).Single());
        check(root);
    }

    private static string Read(DirectoryFd root, string path)
    {
        using var file = root.Resolve(path, Gantry.Linux.Kernel.OpenFlags.ReadOnly);
        byte[] buffer = new byte[4096];
        return Encoding.UTF8.GetString(buffer, 0, FileData.Read(file, buffer));
    }

    [Fact]
    public Task A_file_has_its_content() => WithLayerAsync(t => t.File("a/b", "content"), root => Assert.Equal("content", Read(root, "a/b")));

    [Fact]
    public Task A_file_larger_than_a_block_has_its_content() => WithLayerAsync(
        t => t.File("big", [.. Enumerable.Range(0, 700_001).Select(i => (byte)(i % 251))]),
        root => Assert.Equal([.. Enumerable.Range(0, 700_001).Select(i => (byte)(i % 251))], File.ReadAllBytes($"/proc/self/fd/{root.Number}/big")));

    [Theory]
    [InlineData(0x9ed)]   // rwsr-xr-x
    [InlineData(0x5ed)]   // rwxr-sr-x
    [InlineData(0x000)]
    [InlineData(0x1b6)]   // rw-rw-rw-, which a umask would cut
    public Task A_file_has_its_mode_owner_and_group(uint mode) => WithLayerAsync(
        t => t.File("f", "x", mode, 1234, 4_000_000_000),
        root => Assert.Equal((mode, 1234u, 4_000_000_000u), (root.Status("f").Permissions, root.Status("f").Owner, root.Status("f").Group)));

    [Fact]
    public Task A_file_of_root_in_a_set_group_directory_keeps_group_zero() => WithLayerAsync(
        t => t.Directory("d", mode: 0x5ed, gid: 77).File("d/f", "x"),
        root => Assert.Equal(0u, root.Status("d/f").Group));

    [Fact]
    public Task A_directory_has_its_mode_owner_and_time_although_files_came_into_it() => WithLayerAsync(
        t => t.Directory("d", 0x3ff, 5, 6, 1_600_000_000).File("d/f"),
        root => Assert.Equal((0x3ffu, 5u, 6u, 1_600_000_000L), (root.Status("d").Permissions, root.Status("d").Owner, root.Status("d").Group, root.Status("d").Modified.Seconds)));

    [Fact]
    public Task The_root_has_the_attributes_that_the_archive_gives_it() => WithLayerAsync(
        t => t.Entry('5', "./", [], mode: 0x1c0, uid: 9, modified: 1_500_000_000).File("f"),
        root => Assert.Equal((0x1c0u, 9u, 1_500_000_000L), (root.Status().Permissions, root.Status().Owner, root.Status().Modified.Seconds)));

    [Fact]
    public Task A_directory_that_is_not_listed_is_root_s_with_mode_755() => WithLayerAsync(
        t => t.File("a/b/c"), root => Assert.Equal((0x1edu, 0u), (root.Status("a/b").Permissions, root.Status("a/b").Owner)));

    [Fact]
    public Task Times_have_nanoseconds() => WithLayerAsync(
        t => t.Pax(("mtime", "1500000000.123456789")).File("f", "x"), root => Assert.Equal(new FileTime(1_500_000_000, 123_456_789), root.Status("f").Modified));

    [Fact]
    public Task Times_before_1970_are_kept() => WithLayerAsync(
        t => t.Pax(("mtime", "-5.25")).File("f", "x"), root => Assert.Equal(new FileTime(-6, 750_000_000), root.Status("f").Modified));

    [Fact]
    public Task A_symbolic_link_keeps_its_target_owner_and_time() => WithLayerAsync(
        t => t.Entry('2', "l", [], link: "/any/where", uid: 3, modified: 1_400_000_000),
        root => Assert.Equal(("/any/where", 3u, 1_400_000_000L), (Encoding.UTF8.GetString(root.ReadLink("l")), root.Status("l").Owner, root.Status("l").Modified.Seconds)));

    [Fact]
    public Task A_hard_link_is_the_same_file() => WithLayerAsync(
        t => t.File("d/a", "x").HardLink("b", "d/a"), root => Assert.Equal(root.Status("d/a").Inode, root.Status("b").Inode));

    [Fact]
    public Task A_hard_link_to_a_symbolic_link_is_that_link() => WithLayerAsync(
        t => t.SymbolicLink("s", "/etc/passwd").HardLink("h", "s"), root => Assert.Equal(root.Status("s").Inode, root.Status("h").Inode));

    [Theory]
    [InlineData('3', FileType.CharacterDevice, 1, 3)]
    [InlineData('4', FileType.BlockDevice, 259, 70000)]
    public Task A_device_node_has_its_numbers(char flag, FileType type, uint major, uint minor) => WithLayerAsync(
        t => t.Device(flag, "dev", major, minor), root => Assert.Equal((type, new DeviceNumber(major, minor)), (root.Status("dev").Type, root.Status("dev").Device)));

    [Fact]
    public Task A_fifo_is_a_fifo() => WithLayerAsync(t => t.Fifo("p"), root => Assert.Equal(FileType.Fifo, root.Status("p").Type));

    [Fact]
    public Task Capabilities_survive_the_change_of_owner() => WithLayerAsync(
        t => t.Pax(("SCHILY.xattr.security.capability", Convert.FromHexString("0100000200200000000000000000000000000000"))).File("ping", "x", 0x1ed, uid: 7),
        root => Assert.Equal("0100000200200000000000000000000000000000", Convert.ToHexStringLower(ExtendedAttributes.Get(root, "ping", "security.capability")!)));

    [Fact]
    public Task Attributes_of_directories_and_links_are_set() => WithLayerAsync(
        t => t.Pax(("SCHILY.xattr.user.a", "1")).Directory("d").Pax(("SCHILY.xattr.trusted.b", "2")).SymbolicLink("l", "x"),
        root => Assert.Equal(("1", "2"), (Text(ExtendedAttributes.Get(root, "d", "user.a")), Text(ExtendedAttributes.Get(root, "l", "trusted.b")))));

    private static string? Text(byte[]? value) => value is null ? null : Encoding.UTF8.GetString(value);

    [Fact]
    public Task Overlay_s_own_attributes_are_not_taken_from_an_archive() => WithLayerAsync(
        t => t.Pax(("SCHILY.xattr.trusted.overlay.redirect", "/etc"), ("SCHILY.xattr.trusted.overlay.opaque", "y")).Directory("d"),
        root => Assert.Empty(ExtendedAttributes.List(root, "d")));

    [Fact]
    public Task A_long_pax_name_is_whole() => WithLayerAsync(
        t => t.Pax(("path", new string('p', 200) + "/f"), ("linkpath", new string('q', 300))).Entry('2', "short", []),
        root => Assert.Equal(new string('q', 300), Encoding.UTF8.GetString(root.ReadLink(new string('p', 200) + "/f"))));

    [Fact]
    public Task A_long_gnu_name_is_whole() => WithLayerAsync(
        t => t.GnuLongName(new string('g', 150) + "/f").GnuLongLink(new string('h', 150)).Entry('2', "short", []),
        root => Assert.Equal(new string('h', 150), Encoding.UTF8.GetString(root.ReadLink(new string('g', 150) + "/f"))));

    [Fact]
    public Task A_name_that_is_no_utf8_keeps_its_bytes() => WithLayerAsync(
        t => t.Pax(("path", [(byte)'x', 0xe9, 0xff])).File("y"), root => Assert.True(root.Exists((ReadOnlySpan<byte>)[(byte)'x', 0xe9, 0xff])));

    [Fact]
    public Task Binary_numbers_of_gnu_headers_are_understood() => WithLayerAsync(
        t => t.File("f", "x", uid: 3_000_000_000), root => Assert.Equal(3_000_000_000u, root.Status("f").Owner));

    [Fact]
    public Task A_write_through_the_layer_s_own_link_lands_in_the_layer() => WithLayerAsync(
        t => t.Directory("usr/lib").SymbolicLink("lib", "usr/lib").File("lib/f", "in"), root => Assert.Equal("in", Read(root, "usr/lib/f")));

    [Fact]
    public Task An_absolute_link_leads_to_the_layer_s_root() => WithLayerAsync(
        t => t.SymbolicLink("x", "/etc").File("x/made-by-gantry-test", "in"), root => Assert.Equal("in", Read(root, "etc/made-by-gantry-test")));

    [Fact]
    public Task Directories_behind_a_dangling_link_are_made() => WithLayerAsync(
        t => t.SymbolicLink("x", "/no/where").File("x/f", "in"), root => Assert.Equal("in", Read(root, "no/where/f")));

    [Fact]
    public Task A_directory_may_be_listed_twice() => WithLayerAsync(
        t => t.Directory("d", 0x1c0).File("d/f", "x").Directory("d", 0x1ed), root => Assert.Equal(0x1edu, root.Status("d").Permissions));

    [Fact]
    public Task Paths_deeper_than_the_cache_of_directories_are_reached() => WithLayerAsync(
        t => t.File(string.Join('/', Enumerable.Repeat("d", 49)) + "/a", "1").Pax(("path", string.Join('/', Enumerable.Repeat("d", 300)) + "/b")).File("x", "2"),
        root => Assert.Equal("12", Read(root, string.Join('/', Enumerable.Repeat("d", 49)) + "/a") + Read(root, string.Join('/', Enumerable.Repeat("d", 300)) + "/b")));

    [Fact]
    public async Task The_size_counts_files_once_and_links_by_their_targets()
    {
        await using var engine = await ImageEngine.StartAsync();
        await engine.ImportAsync(TarBuilder.Of(t => t.Directory("d").File("d/a", "12345").HardLink("b", "d/a").SymbolicLink("l", "1234567").File("empty")), "x");
        Assert.Equal(12, engine.Images.Resolve("x").Size);
    }
}
