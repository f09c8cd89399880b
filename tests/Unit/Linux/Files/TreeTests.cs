using System.Text;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;

namespace Gantry.Unit.Linux.Files;

/// <summary>Walking, measuring and deleting trees.</summary>
public sealed class TreeTests : IDisposable
{
    private readonly TemporaryDirectory temporary = new();
    private readonly DirectoryFd directory;

    public TreeTests() => directory = temporary.Open();

    public void Dispose()
    {
        directory.Dispose();
        temporary.Dispose();
    }

    /// <summary>A chain of directories that no path could name.</summary>
    private void MakeDeep(string name, int depth)
    {
        var current = directory.EnsureDirectory(name, 0x1c0);
        for (int i = 0; i < depth; i++)
        {
            var next = current.EnsureDirectory("a-name-of-some-length", 0x1c0);
            current.Dispose();
            current = next;
        }
        current.OpenFile("leaf", OpenFlags.WriteOnly | OpenFlags.Create, 0x180).Dispose();
        current.Dispose();
    }

    [Fact]
    public void A_tree_is_removed_with_everything_in_it()
    {
        Directory.CreateDirectory(temporary["tree/a/b"]);
        File.WriteAllText(temporary["tree/a/f"], "");
        directory.MakeSymbolicLink("tree/link", "/etc");
        directory.MakeNode("tree/fifo", FileType.Fifo, 0x180);
        TreeRemoval.Remove(directory, "tree");
        Assert.False(directory.Exists("tree"));
    }

    [Fact]
    public void What_a_link_in_the_tree_leads_to_stays()
    {
        Directory.CreateDirectory(temporary["tree"]);
        Directory.CreateDirectory(temporary["outside"]);
        File.WriteAllText(temporary["outside/kept"], "");
        directory.MakeSymbolicLink("tree/link", temporary["outside"]);
        TreeRemoval.Remove(directory, "tree");
        Assert.True(File.Exists(temporary["outside/kept"]));
    }

    [Fact]
    public void A_link_in_the_place_of_the_tree_is_removed_and_not_followed()
    {
        Directory.CreateDirectory(temporary["outside/kept"]);
        directory.MakeSymbolicLink("tree", "outside");
        TreeRemoval.Remove(directory, "tree");
        Assert.Equal((false, true), (directory.Exists("tree"), Directory.Exists(temporary["outside/kept"])));
    }

    [Fact]
    public void A_name_that_is_not_there_is_no_error() => TreeRemoval.Remove(directory, "nothing");

    [Fact]
    public void A_tree_deeper_than_paths_and_descriptors_allow_is_removed()
    {
        MakeDeep("tree", 3000);
        TreeRemoval.Remove(directory, "tree");
        Assert.False(directory.Exists("tree"));
    }

    [Fact]
    public void A_mount_in_the_tree_is_not_entered()
    {
        Directory.CreateDirectory(temporary["tree/mnt"]);
        Directory.CreateDirectory(temporary["other"]);
        File.WriteAllText(temporary["other/kept"], "");
        using var mount = Gantry.Linux.Mounts.DetachedMount.Clone(temporary["other"], recursive: false);
        mount.AttachAt(temporary["tree/mnt"]);
        try
        {
            var error = Assert.Throws<KernelException>(() => TreeRemoval.Remove(directory, "tree"));
            Assert.True(error.Errno is Errno.EXDEV or Errno.EBUSY);
            Assert.True(File.Exists(temporary["other/kept"]));
        }
        finally
        {
            Unmount(temporary["tree/mnt"]);
        }
    }

    private const int Detach = 2;   // the test still holds a descriptor of the mount

    private static unsafe void Unmount(string path)
    {
        using var name = new CString(path, stackalloc byte[512]);
        fixed (byte* p = name) Syscall.Check(Syscall.Call(SyscallNumber.Umount2, (nint)p, Detach), "umount");
    }

    [Fact]
    public void A_directory_is_emptied_and_kept()
    {
        Directory.CreateDirectory(temporary["a/b"]);
        File.WriteAllText(temporary["f"], "");
        TreeRemoval.RemoveContent(directory);
        Assert.Empty(Directory.GetFileSystemEntries(temporary.Path));
    }

    [Fact]
    public void A_sorted_walk_reports_parents_before_their_content()
    {
        Directory.CreateDirectory(temporary["b/x"]);
        File.WriteAllText(temporary["b/x/f"], "");
        File.WriteAllText(temporary["a"], "");
        File.WriteAllText(temporary["c"], "");
        var paths = new List<string>();
        using var walk = new TreeWalk(directory, sorted: true);
        while (walk.MoveNext()) paths.Add(Encoding.UTF8.GetString(walk.Path));
        Assert.Equal(["a", "b", "b/x", "b/x/f", "c"], paths);
    }

    [Fact]
    public void Content_can_be_skipped()
    {
        Directory.CreateDirectory(temporary["b/x"]);
        File.WriteAllText(temporary["c"], "");
        var paths = new List<string>();
        using var walk = new TreeWalk(directory, sorted: true);
        while (walk.MoveNext())
        {
            paths.Add(Encoding.UTF8.GetString(walk.Path));
            if (walk.Status.Type == FileType.Directory) walk.SkipContent();
        }
        Assert.Equal(["b", "c"], paths);
    }

    [Fact]
    public void A_tree_deeper_than_descriptors_allow_is_walked()
    {
        MakeDeep("tree", 3000);
        int deepest = 0;
        using var walk = new TreeWalk(directory);
        while (walk.MoveNext()) deepest = Math.Max(deepest, walk.Depth);
        Assert.Equal(3001, deepest);
    }

    [Fact]
    public void Usage_counts_each_inode_once()
    {
        File.WriteAllBytes(temporary["a"], new byte[10_000]);
        directory.MakeHardLink("b", directory, "a");
        directory.MakeSymbolicLink("c", "a");
        var usage = DiskUsage.Of(directory);
        Assert.Equal((10_000L, 3L), (usage.ContentBytes, usage.Inodes));
    }

    [Fact]
    public void Usage_on_disk_is_what_du_says()
    {
        for (int i = 0; i < 50; i++)
        {
            Directory.CreateDirectory(temporary["d" + i]);
            File.WriteAllBytes(temporary[$"d{i}/f"], new byte[i * 1000]);
        }
        using (var sparse = directory.OpenFile("sparse", OpenFlags.WriteOnly | OpenFlags.Create, 0x180)) FileData.SetLength(sparse, 1 << 30);
        FileData.SyncFileSystem(directory);   // space is given out late
        string du = Programs.Run("du", ["-s", "-B1", temporary.Path]);
        Assert.Equal(du.Split('\t')[0], DiskUsage.Of(directory).DiskBytes.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }
}
