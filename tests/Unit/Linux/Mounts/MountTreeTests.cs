using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;

namespace Gantry.Unit.Linux.Mounts;

/// <summary>Mounts are put together where nobody sees them. Needs root, as the engine does.</summary>
[Collection(Alone.Name)]
public sealed class MountTreeTests
{
    private static DetachedMount Overlay(TemporaryDirectory folder)
    {
        foreach (string name in (string[])["lower", "upper", "work"]) Directory.CreateDirectory(folder[name]);
        return DetachedMount.Overlay([folder["lower"]], folder["upper"], folder["work"]);
    }

    [Fact]
    public void A_mount_is_found_in_its_place_and_written_through()
    {
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["lower/data/inner"]);
        Directory.CreateDirectory(folder["volume"]);
        File.WriteAllText(folder["file"], "bound");
        File.WriteAllText(folder["lower/data/hosts"], "hidden");
        using (var root = Overlay(folder))
        using (var volume = DetachedMount.Clone(folder["volume"], recursive: false))
        using (var file = DetachedMount.Clone(folder["file"], recursive: false))
        using (var tree = MountTree.Assemble(root, [(volume, "/data/inner"), (file, "/data/hosts")]))
        {
            using var inner = tree.Root.ResolveDirectory("data/inner");
            inner.OpenFile("made", OpenFlags.WriteOnly | OpenFlags.Create, 0x1a4).Dispose();
            Assert.Equal("bound".Length, tree.Root.Status("data/hosts").Size);
            Assert.NotEqual(tree.Root.Status().Mount, inner.Status().Mount);
        }
        Assert.True(File.Exists(folder["volume/made"]));
        Assert.Empty(Directory.GetFileSystemEntries(folder["upper"]));
    }

    [Fact]
    public void The_host_s_table_of_mounts_stays_as_it_is()
    {
        using var folder = new TemporaryDirectory();
        string before = File.ReadAllText("/proc/self/mountinfo");
        using var root = Overlay(folder);
        using var tree = MountTree.Assemble(root, []);
        Assert.DoesNotContain(folder.Path, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
        Assert.Equal(before.Split('\n').Length, File.ReadAllText("/proc/self/mountinfo").Split('\n').Length);
    }

    [Fact]
    public void A_place_that_a_link_names_is_below_the_root()
    {
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["lower/real"]);
        Directory.CreateDirectory(folder["volume"]);
        File.CreateSymbolicLink(folder["lower/link"], "/real");
        using var root = Overlay(folder);
        using var volume = DetachedMount.Clone(folder["volume"], recursive: false);
        using var tree = MountTree.Assemble(root, [(volume, "/link")]);
        Assert.NotEqual(tree.Root.Status().Mount, tree.Root.Status("real").Mount);
    }

    [Fact]
    public void A_place_that_does_not_exist_is_left_out()
    {
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["volume"]);
        using var root = Overlay(folder);
        using var volume = DetachedMount.Clone(folder["volume"], recursive: false);
        using var tree = MountTree.Assemble(root, [(volume, "/nowhere")]);
        Assert.False(tree.Root.Exists("nowhere"));
    }

    [Fact]
    public void No_descriptor_and_no_child_is_left()
    {
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder["lower/d"]);
        Directory.CreateDirectory(folder["volume"]);
        void Once()
        {
            using var root = Overlay(folder);
            using var volume = DetachedMount.Clone(folder["volume"], recursive: false);
            using var tree = MountTree.Assemble(root, [(volume, "/d")]);
        }
        Once();
        int before = Namespaces();
        for (int i = 0; i < 20; i++) Once();
        Assert.Equal(before, Namespaces());

        static int Namespaces() => Directory.GetFiles("/proc/self/fd").Count(f => new FileInfo(f).LinkTarget?.StartsWith("mnt:", StringComparison.Ordinal) == true);
    }
}
