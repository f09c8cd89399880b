using Gantry.Linux.Cgroups;
using Gantry.Linux.Kernel;

namespace Gantry.Unit.Linux.Cgroups;

public class CgroupLayoutTests
{
    private const string Controllers = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t3\t6\t1\ncpu\t1\t6\t1\ncpuacct\t1\t6\t1\nmemory\t4\t16\t1\n";

    private static CgroupLayout Parse(string mountInfo) => CgroupLayout.Parse(mountInfo, Controllers, _ => "cpuset cpu io memory pids\n");

    [Fact]
    public void Only_v1_mounts_are_a_legacy_layout()
    {
        var layout = Parse("32 31 0:29 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n");

        Assert.Equal(CgroupKind.Legacy, layout.Kind);
    }

    [Fact]
    public void A_v2_mount_beside_v1_is_a_hybrid_layout_of_version_1()
    {
        var layout = Parse("32 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");

        Assert.Equal((CgroupKind.Hybrid, 1), (layout.Kind, layout.Version));
    }

    [Fact]
    public void A_v2_mount_alone_is_unified_and_lists_its_controllers()
    {
        var layout = Parse("25 20 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n");

        Assert.Equal((CgroupKind.Unified, 2), (layout.Kind, layout.Version));
        Assert.Equal(["cpuset", "cpu", "io", "memory", "pids"], layout.Hierarchies[0].Controllers);
    }

    [Fact]
    public void Controllers_that_share_a_hierarchy_are_found_in_it()
    {
        var layout = Parse("33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");

        Assert.Same(layout.Find("cpu"), layout.Find("cpuacct"));
        Assert.Equal("cpu,cpuacct", layout.Hierarchies[0].Key);
    }

    [Fact]
    public void A_named_hierarchy_has_its_name_and_no_controllers()
    {
        var layout = Parse("40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd\n");

        Assert.Equal(("systemd", "name=systemd", 0), (layout.Hierarchies[0].Name, layout.Hierarchies[0].Key, layout.Hierarchies[0].Controllers.Count));
    }

    [Fact]
    public void A_whole_tree_is_preferred_to_an_earlier_part_of_it()
    {
        var layout = Parse("90 31 0:29 /docker/x /run/x/memory rw - cgroup cgroup rw,memory\n32 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
            + "95 31 0:29 / /elsewhere rw - cgroup cgroup rw,memory\n");

        Assert.Equal("/sys/fs/cgroup/memory", Assert.Single(layout.Hierarchies).MountPoint);
    }

    [Fact]
    public void A_blank_in_a_mount_point_is_unescaped()
    {
        var layout = Parse("32 31 0:29 / /my\\040groups rw - cgroup cgroup rw,memory\n");

        Assert.Equal("/my groups", layout.Hierarchies[0].MountPoint);
    }

    [Fact]
    public void A_machine_without_cgroup_mounts_is_refused()
    {
        var error = Assert.Throws<KernelException>(() => Parse("22 1 0:21 / /proc rw - proc proc rw\n"));

        Assert.Equal(Errno.ENOENT, error.Errno);
    }

    [Fact]
    public void This_machine_has_a_memory_controller()
    {
        Assert.NotNull(CgroupLayout.Detect().Find("memory"));
    }

    [Fact]
    public void The_groups_of_a_process_are_found_by_hierarchy()
    {
        var groups = ProcessCgroups.Parse("9:name=systemd:/a\n4:cpu,cpuacct:/b:c\n0::/\n");

        Assert.Equal(["/b:c", "/", "/a"], ["/b:c", groups.Paths[""], groups.Paths["name=systemd"]]);
        Assert.Equal("/b:c", groups.PathIn(new CgroupHierarchy { MountPoint = "/x", Controllers = ["cpu", "cpuacct"] }));
    }

    [Fact]
    public void This_process_is_in_a_group_of_every_hierarchy()
    {
        var groups = ProcessCgroups.Read();

        Assert.All(CgroupLayout.Detect().Hierarchies, h => Assert.NotNull(groups.PathIn(h)));
    }
}
