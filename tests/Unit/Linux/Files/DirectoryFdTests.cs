using System.Text;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Unit.Linux.Files;

public sealed class DirectoryFdTests : IDisposable
{
    private readonly TemporaryDirectory temporary = new();
    private readonly DirectoryFd directory;

    public DirectoryFdTests() => directory = temporary.Open();

    public void Dispose()
    {
        directory.Dispose();
        temporary.Dispose();
    }

    [Fact]
    public void A_resolved_path_cannot_leave_its_root_by_dots()
    {
        directory.MakeDirectory("root", 0x1c0);
        File.WriteAllText(temporary["outside"], "");
        using var root = directory.OpenDirectory("root");
        Assert.Equal(Errno.ENOENT, root.TryResolve("../outside", OpenFlags.ReadOnly, 0, ResolveFlags.InRoot, out _).Errno);
    }

    [Fact]
    public void An_absolute_link_is_resolved_from_the_root()
    {
        directory.MakeDirectory("root", 0x1c0);
        using var root = directory.OpenDirectory("root");
        root.MakeDirectory("etc", 0x1c0);
        File.WriteAllText(temporary["root/etc/passwd"], "of the root");
        root.MakeSymbolicLink("link", "/etc/passwd");
        using var file = root.Resolve("link", OpenFlags.ReadOnly);
        byte[] content = new byte[100];
        Assert.Equal("of the root", Encoding.UTF8.GetString(content, 0, FileData.Read(file, content)));
    }

    [Fact]
    public void A_magic_link_is_refused()
    {
        using var proc = DirectoryFd.Open("/proc");
        Assert.Equal(Errno.ELOOP, proc.TryResolve("self/fd/0", OpenFlags.PathOnly, 0, ResolveFlags.InRoot | ResolveFlags.NoMagicLinks, out _).Errno);
    }

    [Fact]
    public void A_name_that_is_a_link_is_not_followed_on_open()
    {
        directory.MakeSymbolicLink("link", "/etc/passwd");
        Assert.Equal(Errno.ELOOP, directory.TryOpenFile("link", OpenFlags.ReadOnly, 0, out _).Errno);
    }

    [Fact]
    public void A_directory_is_not_opened_through_a_link()
    {
        directory.MakeSymbolicLink("link", "/etc");
        Assert.Equal(Errno.ENOTDIR, directory.TryOpenDirectory("link", out _).Errno);
    }

    [Fact]
    public void The_mode_of_a_link_cannot_be_set()
    {
        directory.MakeSymbolicLink("link", "/etc/passwd");
        Assert.Equal(Errno.EOPNOTSUPP, Assert.Throws<KernelException>(() => directory.ChangeMode("link", 0x1ff)).Errno);
    }

    [Fact]
    public void Owner_mode_and_times_of_a_name_are_set()
    {
        directory.MakeNode("fifo", FileType.Fifo, 0x180);
        directory.ChangeOwner("fifo", 12, 34);
        directory.ChangeMode("fifo", 0x9ed);
        directory.SetTimes("fifo", new FileTime(1, 2), new FileTime(-3, 4));
        var status = directory.Status("fifo");
        Assert.Equal((FileType.Fifo, 0x9edu, 12u, 34u, new FileTime(1, 2), new FileTime(-3, 4)), (status.Type, status.Permissions, status.Owner, status.Group, status.Accessed, status.Modified));
    }

    [Fact]
    public void The_owner_of_a_link_is_its_own()
    {
        File.WriteAllText(temporary["target"], "");
        directory.MakeSymbolicLink("link", "target");
        directory.ChangeOwner("link", 5, 6);
        Assert.Equal((5u, 0u), (directory.Status("link").Owner, directory.Status("target").Owner));
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(259, 70_000)]
    [InlineData(4095, 1_048_575)]
    public void Device_numbers_of_any_size_come_back(uint major, uint minor)
    {
        directory.MakeNode("device", FileType.BlockDevice, 0x180, new DeviceNumber(major, minor));
        Assert.Equal(new DeviceNumber(major, minor), directory.Status("device").Device);
    }

    [Fact]
    public void A_hard_link_to_a_link_is_that_link()
    {
        directory.MakeSymbolicLink("link", "/etc/passwd");
        directory.MakeHardLink("second", directory, "link");
        Assert.Equal((2u, FileType.SymbolicLink), (directory.Status("second").Links, directory.Status("second").Type));
    }

    [Fact]
    public void A_rename_that_must_not_replace_does_not()
    {
        File.WriteAllText(temporary["a"], "a");
        File.WriteAllText(temporary["b"], "b");
        Assert.Equal(Errno.EEXIST, directory.TryRename("a", directory, "b", RenameFlags.NoReplace).Errno);
        Assert.Equal("b", File.ReadAllText(temporary["b"]));
    }

    [Fact]
    public void Names_of_any_bytes_work()
    {
        byte[] name = [(byte)'x', 0xff, 0xfe, (byte)'\n'];
        directory.MakeDirectory(name, 0x1c0);
        Assert.True(directory.Exists(name));
    }

    [Fact]
    public void A_zero_in_a_name_is_refused() => Assert.Throws<ArgumentException>(() => directory.MakeDirectory("a\0b", 0x1c0));

    [Fact]
    public void An_error_names_the_step_and_the_object()
    {
        var error = Assert.Throws<KernelException>(() => directory.OpenDirectory("no\nsuch"u8));
        Assert.Equal("open directory no\\x0asuch: no such file or directory", error.Message);
    }

    [Fact]
    public void A_path_longer_than_the_buffer_on_the_stack_works()
    {
        string path = string.Join('/', Enumerable.Repeat(new string('d', 200), 10));
        Directory.CreateDirectory(temporary[path]);
        using var opened = directory.ResolveDirectory(path);
        Assert.Equal(FileType.Directory, opened.Status().Type);
    }

    [Fact]
    public void A_reader_lists_every_name_once()
    {
        for (int i = 0; i < 2000; i++) File.WriteAllText(temporary["file" + i], "");
        var names = new HashSet<string>();
        using (var reader = new DirectoryReader(directory))
        {
            while (reader.MoveNext()) Assert.True(names.Add(Encoding.UTF8.GetString(reader.Name)));
        }
        Assert.Equal(2000, names.Count);
    }

    [Fact]
    public void A_directory_that_is_removed_while_it_is_read_holds_nothing()
    {
        string path = Directory.CreateTempSubdirectory("gantry-unit-").FullName;
        using var directory = DirectoryFd.Open(path);
        using var reader = new DirectoryReader(directory);
        Directory.Delete(path);
        Assert.False(reader.MoveNext());
    }
}
