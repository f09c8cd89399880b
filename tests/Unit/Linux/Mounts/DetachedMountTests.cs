using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;

namespace Gantry.Unit.Linux.Mounts;

/// <summary>Copies of mounts that are attached nowhere.</summary>
public sealed class DetachedMountTests
{
    private static string Below(Fd mount, string path) => $"/proc/self/fd/{mount.Number}/{path}";

    public static TheoryData<bool> Ways => new() { false, true };

    /// <summary>A copy by the kernel's newest way, or by the one that kernels before 6.15 have.</summary>
    private static DetachedMount Clone(DetachedMount mount, Fd part, bool byAttaching) =>
        byAttaching ? mount.ClonePartByAttaching(part, "clone a mount of a test") : mount.ClonePart(part, "clone a mount of a test");

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_part_of_it_is_a_mount_of_its_own(bool byAttaching)
    {
        using var mount = DetachedMount.Create("tmpfs", []);
        Directory.CreateDirectory(Below(mount, "part"));
        File.WriteAllText(Below(mount, "part/file"), "text");
        using var opened = OpenFile.Open(Below(mount, "part"), OpenFlags.PathOnly | OpenFlags.Directory);
        using var part = Clone(mount, opened, byAttaching);
        Assert.Equal(["file"], Directory.GetFileSystemEntries(Below(part, "")).Select(Path.GetFileName));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_read_only_copy_leaves_it_writable_and_it_can_still_be_attached(bool byAttaching)
    {
        using var folder = new TemporaryDirectory();
        using var mount = DetachedMount.Create("tmpfs", []);
        using var copy = Clone(mount, mount, byAttaching);
        copy.SetAttributes(MountAttributes.ReadOnly, 0, MountPropagation.Private, recursive: false, "make it read-only");
        Directory.CreateDirectory(folder["place"]);
        mount.AttachAt(folder["place"]);
        try
        {
            File.WriteAllText(folder["place/file"], "text");
            Assert.Equal("text", File.ReadAllText(Below(copy, "file")));
            Assert.Throws<IOException>(() => File.WriteAllText(Below(copy, "file"), "other"));
        }
        finally
        {
            Programs.Run("umount", ["--lazy", folder["place"]]);
        }
    }

    /// <summary>As the kernel takes layers since Linux 6.8, and as before.</summary>
    [Theory]
    [MemberData(nameof(Ways))]
    public void An_overlay_may_have_as_many_layers_as_an_image(bool byPage)
    {
        const int count = 127;
        using var folder = new TemporaryDirectory();
        var lower = new List<string>();
        for (int i = 0; i < count; i++)
        {
            string layer = folder[$"layers/{i:d64}/files"];
            Directory.CreateDirectory(layer);
            File.WriteAllText($"{layer}/file{i}", $"{i}");
            File.WriteAllText($"{layer}/top", $"{i}");
            lower.Add(layer);
        }
        string upper = Directory.CreateDirectory(folder["upper"]).FullName, work = Directory.CreateDirectory(folder["work"]).FullName;
        using var mount = byPage ? DetachedMount.OverlayByPage(lower, upper, work, ["index=off"], 0) : DetachedMount.Overlay(lower, upper, work, ["index=off"]);
        Assert.Equal("0", File.ReadAllText(Below(mount, "top")));
        Assert.Equal(count + 1, Directory.GetFiles(Below(mount, "")).Length);
        File.WriteAllText(Below(mount, "new"), "written");
        Assert.Equal("written", File.ReadAllText($"{upper}/new"));
        using var readOnly = byPage ? DetachedMount.OverlayByPage(lower, null, null, [], MountAttributes.ReadOnly) : DetachedMount.Overlay(lower, null, null, [], MountAttributes.ReadOnly);
        Assert.Throws<IOException>(() => File.WriteAllText(Below(readOnly, "x"), ""));
        Assert.Equal("126", File.ReadAllText(Below(readOnly, "file126")));
    }
}
