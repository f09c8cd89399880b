using System.Text;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Unit.Linux.Files;

/// <summary>Content, holes, copies and extended attributes of files.</summary>
public sealed class FileContentTests : IDisposable
{
    private readonly TemporaryDirectory temporary = new();
    private readonly DirectoryFd directory;

    public FileContentTests() => directory = temporary.Open();

    public void Dispose()
    {
        directory.Dispose();
        temporary.Dispose();
    }

    private Fd Create(string name) => directory.OpenFile(name, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, 0x180);

    [Fact]
    public void Data_and_holes_are_told_apart()
    {
        using var file = Create("f");
        FileData.Write(file, new byte[4096].Select(_ => (byte)1).ToArray(), 1 << 20);
        FileData.SetLength(file, 4 << 20);
        Assert.Equal((1L << 20, 4096L), FileData.NextData(file, 0));
        Assert.Null(FileData.NextData(file, 2 << 20));
    }

    [Fact]
    public void A_punched_hole_gives_its_space_back()
    {
        using var file = Create("f");
        FileData.Write(file, Enumerable.Repeat((byte)1, 1 << 20).ToArray());
        FileData.Sync(file);
        long before = DirectoryFd.StatusOf(file).DiskSize;
        FileData.PunchHole(file, 0, 512 * 1024);
        Assert.True(DirectoryFd.StatusOf(file).DiskSize < before);
        Assert.Equal(1 << 20, DirectoryFd.StatusOf(file).Size);
    }

    [Fact]
    public void A_copy_in_the_kernel_has_the_same_content()
    {
        byte[] content = [.. Enumerable.Range(0, 3_000_001).Select(i => (byte)(i * 13))];
        File.WriteAllBytes(temporary["a"], content);
        using var source = directory.OpenFile("a", OpenFlags.ReadOnly);
        using var target = Create("b");
        Assert.Equal(content.Length, FileCopy.Copy(source, 0, target, 0, long.MaxValue));
        Assert.True(content.AsSpan().SequenceEqual(File.ReadAllBytes(temporary["b"])));
    }

    [Fact]
    public void A_copy_between_file_systems_has_the_same_content()
    {
        byte[] content = [.. Enumerable.Range(0, 700_001).Select(i => (byte)(i * 7))];
        string other = Path.Combine("/dev/shm", Path.GetFileName(temporary.Path));
        File.WriteAllBytes(other, content);
        try
        {
            using var source = OpenFile.ReadOnly(other);
            using var target = Create("b");
            FileCopy.Copy(source, 0, target, 0, content.Length);
            Assert.True(content.AsSpan().SequenceEqual(File.ReadAllBytes(temporary["b"])));
        }
        finally
        {
            File.Delete(other);
        }
    }

    [Fact]
    public void A_sparse_copy_keeps_holes()
    {
        using var source = Create("a");
        FileData.Write(source, "data"u8, 3 << 20);
        FileData.SetLength(source, 8 << 20);
        using var target = Create("b");
        FileCopy.CopySparse(source, target, 8 << 20);
        FileData.Sync(target);
        Assert.True(File.ReadAllBytes(temporary["a"]).AsSpan().SequenceEqual(File.ReadAllBytes(temporary["b"])));
        Assert.True(DirectoryFd.StatusOf(target).DiskSize < 1 << 20);
    }

    [Fact]
    public void A_file_is_sent_into_a_pipe()
    {
        File.WriteAllText(temporary["a"], "0123456789");
        using var source = directory.OpenFile("a", OpenFlags.ReadOnly);
        using var pipe = Pipe.Create();
        FileCopy.Send(source, 2, pipe.Write, 5);
        byte[] buffer = new byte[20];
        Assert.Equal("23456", Encoding.ASCII.GetString(buffer, 0, FileData.Read(pipe.Read, buffer)));
    }

    [Fact]
    public void Attributes_of_an_open_file_are_set_listed_and_removed()
    {
        using var file = Create("f");
        ExtendedAttributes.Set(file, "user.a", [1, 0, 2]);
        Assert.Equal("user.a 010002", string.Join(' ', [.. ExtendedAttributes.List(file), Convert.ToHexStringLower(ExtendedAttributes.Get(file, "user.a")!)]));
        ExtendedAttributes.Remove(file, "user.a");
        Assert.Null(ExtendedAttributes.Get(file, "user.a"));
    }

    [Fact]
    public void Attributes_of_a_link_are_not_those_of_its_target()
    {
        Create("target").Dispose();
        directory.MakeSymbolicLink("link", "target");
        ExtendedAttributes.TrySet(directory, "link", "trusted.a", "1"u8).Check("set attribute");
        Assert.Equal("trusted.a|", string.Join(' ', ExtendedAttributes.List(directory, "link")) + "|" + string.Join(' ', ExtendedAttributes.List(directory, "target")));
        ExtendedAttributes.Remove(directory, "link", "trusted.a");
        Assert.Null(ExtendedAttributes.Get(directory, "link", "trusted.a"));
    }

    [Fact]
    public void An_attribute_is_asked_for_by_one_name_and_not_by_a_path() =>
        Assert.Throws<ArgumentException>(() => ExtendedAttributes.Get(directory, "../etc", "user.a"));

    [Fact]
    public void Available_space_is_what_the_file_system_says()
    {
        long available = FileData.AvailableBytes(directory);
        Assert.InRange(available, 1, new DriveInfo(temporary.Path).TotalSize);
    }
}
