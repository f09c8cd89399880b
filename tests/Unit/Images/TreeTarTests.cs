using System.Text;
using Gantry.Daemon.Images;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Streams;
using Gantry.Daemon.Images.Tar;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Unit.Images;

/// <summary>Trees become archives and come back as they were.</summary>
public sealed class TreeTarTests
{
    private static byte[] Archive(string path, TreeTarForm? form = null)
    {
        using var root = DirectoryFd.Open(path);
        using var source = new TreeTarSource(root, form ?? new TreeTarForm());
        using var output = new MemoryStream();
        while (source.Fill())
        {
            output.Write(source.Available);
            source.Consume(source.Available.Length);
        }
        return output.ToArray();
    }

    private static void Extract(byte[] archive, string into, TreeExtractionForm? form = null)
    {
        using var target = DirectoryFd.Open(into);
        using var source = new StreamSource(new MemoryStream(archive));
        using var extraction = new TreeExtraction(target, "/", form ?? new TreeExtractionForm { Limits = UnpackLimits.Default });
        extraction.Run(source, CancellationToken.None);
    }

    private static List<TarEntry> Entries(byte[] archive)
    {
        var entries = new List<TarEntry>();
        var reader = new TarReader(new StreamSource(new MemoryStream(archive)));
        while (reader.MoveNext())
        {
            var e = reader.Entry;
            var copy = new TarEntry { Type = e.Type, Name = e.Name, LinkName = e.LinkName, Permissions = e.Permissions, Owner = e.Owner, Group = e.Group, Size = e.Size, StoredSize = e.StoredSize, Modified = e.Modified, Device = e.Device };
            copy.Attributes.AddRange(e.Attributes);
            entries.Add(copy);
        }
        return entries;
    }

    /// <summary>Everything about every file: two equal trees have equal lists.</summary>
    internal static List<string> Describe(string path)
    {
        var lines = new List<string>();
        var first = new Dictionary<ulong, string>();
        using var root = DirectoryFd.Open(path);
        using var walk = new TreeWalk(root, sorted: true);
        while (walk.MoveNext())
        {
            var s = walk.Status;
            string name = FilePath.Printable(walk.Path);
            if (s.IsWhiteout)
            {
                lines.Add(name + " hidden");   // nothing else about it means anything
                continue;
            }
            string content = "";
            if (s.Type == FileType.Regular)
            {
                using var file = walk.Directory.OpenFileStream(walk.Name);
                content = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(file));
            }
            if (s.Type == FileType.SymbolicLink) content = FilePath.Printable(walk.Directory.ReadLink(walk.Name));
            if (s.Links > 1 && s.Type != FileType.Directory && !first.TryAdd(s.Inode, name)) content += " = " + first[s.Inode];
            string size = s.Type == FileType.Directory ? "" : $"{s.Size}";
            var attributes = ExtendedAttributes.List(walk.Directory, walk.Name).Where(a => !a.StartsWith("trusted.overlay.", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
                .Select(a => $"{a}={Convert.ToHexString(ExtendedAttributes.Get(walk.Directory, walk.Name, a) ?? [])}");
            lines.Add($"{name} {s.Type} {Convert.ToString(s.Permissions, 8)} {s.Owner}:{s.Group} {size} {s.Modified} {s.Device} {content} {string.Join(' ', attributes)}");
        }
        return lines;
    }

    /// <summary>One of everything that a file system can hold.</summary>
    internal static void Fill(string path)
    {
        using var root = DirectoryFd.Open(path);
        Directory.CreateDirectory($"{path}/dir/{new string('n', 200)}/{new string('m', 200)}");
        File.WriteAllText($"{path}/dir/{new string('n', 200)}/{new string('m', 200)}/{new string('f', 255)}", "long name");
        File.WriteAllText(path + "/capable", "#!");
        ExtendedAttributes.Set(root.OpenFile("capable", OpenFlags.ReadOnly), "security.capability", Convert.FromHexString("0100000200040000000000000000000000000000"));
        File.WriteAllText(path + "/user", "owned");
        root.ChangeOwner("user", 3_000_000_000, 77);
        root.ChangeMode("user", 0xdff);
        ExtendedAttributes.Set(root.OpenFile("user", OpenFlags.ReadOnly), "user.note", "ä\0\n"u8);
        root.MakeHardLink("dir/second", root, "user");
        root.MakeSymbolicLink("link", new string('t', 300));
        root.MakeSymbolicLink("dangling", "../../nowhere");
        root.MakeNode("null", FileType.CharacterDevice, 0x1b6, new DeviceNumber(1, 3));
        root.MakeNode("disk", FileType.BlockDevice, 0x180, new DeviceNumber(259, 1_000_000));
        root.MakeNode("pipe", FileType.Fifo, 0x1a4);
        root.OpenFile((byte[])[.. "raw\xff"u8[..3], 0xff, 0xfe, (byte)'\n'], OpenFlags.WriteOnly | OpenFlags.Create, 0x1a4).Dispose();
        using (var sparse = root.OpenFile("sparse", OpenFlags.WriteOnly | OpenFlags.Create, 0x1a4))
        {
            FileData.Write(sparse, "begin"u8, 0);
            FileData.Write(sparse, "end"u8, 40 << 20);
        }
        File.WriteAllText(path + "/empty", "");
        File.WriteAllBytes(path + "/exact", new byte[512]);
        root.SetTimes("exact", new FileTime(1, 1), new FileTime(1_600_000_000, 123_456_789));
        root.SetTimes("empty", new FileTime(1, 1), new FileTime(-3, 250_000_000));
        root.SetTimes("dir", new FileTime(1, 1), new FileTime(1_500_000_000, 0));
    }

    [Fact]
    public void A_tree_of_everything_comes_back_as_it_was()
    {
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["from"]);
        Directory.CreateDirectory(folder["to"]);
        Fill(folder["from"]);
        Extract(Archive(folder["from"]), folder["to"]);
        Assert.Equal(Describe(folder["from"]), Describe(folder["to"]));
        using var to = DirectoryFd.Open(folder["to"]);
        Assert.InRange(to.Status("sparse").DiskSize, 0, 1 << 20);
    }

    [NeedsFact("tar")]
    public void Gnu_tar_reads_it_alike()
    {
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["from"]);
        Directory.CreateDirectory(folder["to"]);
        Fill(folder["from"]);
        File.WriteAllBytes(folder["a.tar"], Archive(folder["from"]));
        Programs.Run("tar", ["-C", folder["to"], "--xattrs", "--xattrs-include=*", "-xpf", folder["a.tar"]]);
        Assert.Equal(Describe(folder["from"]), Describe(folder["to"]));
    }

    [Fact]
    public void A_socket_is_left_out()
    {
        using var folder = new TemporaryDirectory();
        using var root = folder.Open();
        root.MakeNode("socket", FileType.Socket, 0x1ed);
        Assert.Empty(Entries(Archive(folder.Path)));
    }

    [Theory]
    [InlineData("", "./", "a", "d/", "d/b")]
    [InlineData(".", "./", "./a", "./d/", "./d/b")]
    [InlineData("/", "/", "/a", "/d/", "/d/b")]
    [InlineData("name", "name/", "name/a", "name/d/", "name/d/b")]
    public void Names_begin_with_what_the_root_is_called(string prefix, params string[] names)
    {
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["d"]);
        File.WriteAllText(folder["a"], "");
        File.WriteAllText(folder["d/b"], "");
        var entries = Entries(Archive(folder.Path, new TreeTarForm { Prefix = Encoding.UTF8.GetBytes(prefix), IncludeRoot = true }));
        Assert.Equal(names, entries.Select(e => Encoding.UTF8.GetString(e.Name)));
    }

    [Fact]
    public void What_a_layer_hides_is_written_as_markers()
    {
        using var folder = new TemporaryDirectory();
        using var root = folder.Open();
        Overlay.TryMakeWhiteout(root, "gone").Check("mknod");
        Directory.CreateDirectory(folder["d"]);
        using (var directory = root.OpenDirectory("d")) Overlay.SetOpaque(directory);
        File.WriteAllText(folder["d/f"], "");
        var entries = Entries(Archive(folder.Path, new TreeTarForm { IsLayer = true }));
        Assert.Equal(["d/", "d/.wh..wh..opq", "d/f", ".wh.gone"], entries.Select(e => Encoding.UTF8.GetString(e.Name)));
        Assert.All(entries, e => Assert.Empty(e.Attributes));
    }

    [Fact]
    public void What_is_taken_is_replaced_and_directories_are_merged()
    {
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["d"]);
        File.WriteAllText(folder["d/old"], "old");
        File.WriteAllText(folder["f"], "old");
        File.CreateSymbolicLink(folder["l"], "f");
        Extract(TarBuilder.Of(t => t.Directory("d").File("d/new", "new").File("f", "new").File("l", "file")), folder.Path);
        Assert.Equal(("old", "new", "new", "file"), (File.ReadAllText(folder["d/old"]), File.ReadAllText(folder["d/new"]), File.ReadAllText(folder["f"]), File.ReadAllText(folder["l"])));
        Assert.Null(new FileInfo(folder["l"]).LinkTarget);
    }

    [Fact]
    public void Kinds_are_kept_when_that_is_asked_for()
    {
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["d"]);
        File.WriteAllText(folder["f"], "");
        var form = new TreeExtractionForm { KeepKinds = true, Limits = UnpackLimits.Default };
        Assert.Equal("cannot overwrite directory \"d\" with non-directory \"/\"", Assert.Throws<InvalidArchiveException>(() => Extract(TarBuilder.Of(t => t.File("d")), folder.Path, form)).Message);
        Assert.Equal("cannot overwrite non-directory \"f\" with directory \"/\"", Assert.Throws<InvalidArchiveException>(() => Extract(TarBuilder.Of(t => t.Directory("f")), folder.Path, form)).Message);
    }

    [Fact]
    public void Everything_belongs_to_one_owner_when_that_is_asked_for()
    {
        using var folder = new TemporaryDirectory();
        Extract(TarBuilder.Of(t => t.File("f", uid: 5, gid: 6)), folder.Path, new TreeExtractionForm { Owner = (7, 8), Limits = UnpackLimits.Default });
        using var root = folder.Open();
        Assert.Equal((7u, 8u), (root.Status("f").Owner, root.Status("f").Group));
    }

    public static TheoryData<string, byte[]> Hostile => new()
    {
        { "upwards", TarBuilder.Of(t => t.File("../escaped", "x")) },
        { "upwards in the middle", TarBuilder.Of(t => t.File("a/../../escaped", "x")) },
        { "through a relative link", TarBuilder.Of(t => t.SymbolicLink("l", "../../../../../../../../tmp").File("l/escaped", "x")) },
        { "a hard link upwards", TarBuilder.Of(t => t.HardLink("h", "../secret")) },
        { "a hard link through a link", TarBuilder.Of(t => t.SymbolicLink("l", "..").HardLink("h", "l/secret")) },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Nothing_is_written_or_linked_outside(string way, byte[] archive)
    {
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["into"]);
        File.WriteAllText(folder["secret"], "secret");
        Assert.NotEmpty(way);
        Assert.ThrowsAny<IOException>(() => Extract(archive, folder["into"]));
        Assert.Equal(["into", "secret"], Directory.GetFileSystemEntries(folder.Path).Select(e => Path.GetFileName(e)).Order());
        Assert.False(File.Exists(folder["into/h"]));
        Assert.False(File.Exists("/tmp/escaped"));
    }

    [Fact]
    public void An_absolute_link_leads_no_further_than_the_directory()
    {
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["into"]);
        Extract(TarBuilder.Of(t => t.File("/absolute", "x").SymbolicLink("l", folder.Path).File("l/inner", "x")), folder["into"]);
        Assert.True(File.Exists(folder["into/absolute"]) && File.Exists(folder["into" + folder.Path + "/inner"]));
        Assert.False(File.Exists(folder["inner"]));
    }

    [NeedsFact("gzip")]
    public void An_archive_that_grows_beyond_measure_is_refused()
    {
        using var folder = new TemporaryDirectory();
        var limits = new UnpackLimits { Ratio = 100, RatioFloor = 1 << 20 };
        byte[] bomb = Compressor.Run("gzip", TarBuilder.Of(t => t.File("zeros", new byte[8 << 20])));
        var error = Assert.Throws<InvalidArchiveException>(() => Extract(bomb, folder.Path, new TreeExtractionForm { Limits = limits }));
        Assert.Equal("the archive expands to more than 100 times its compressed size, the limit for archives over 1048576 bytes", error.Message);
    }

    [Fact]
    public void Too_many_entries_are_refused()
    {
        using var folder = new TemporaryDirectory();
        var error = Assert.Throws<InvalidArchiveException>(() => Extract(TarBuilder.Of(t => t.File("a").File("b").File("c")), folder.Path, new TreeExtractionForm { Limits = new UnpackLimits { LayerEntries = 2 } }));
        Assert.Equal("the archive has more than 2 entries, the limit", error.Message);
    }

    [Fact]
    public void A_device_that_takes_a_file_s_name_is_never_opened()
    {
        using var folder = new TemporaryDirectory();
        using var root = folder.Open();
        root.MakeNode("f", FileType.Fifo, 0x1b6);   // opening it would wait for ever
        Assert.Equal(Errno.EINVAL, root.TryOpenRegular("f", out _, out var status).Errno);
        Assert.Equal(FileType.Fifo, status.Type);
    }
}
