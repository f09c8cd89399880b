using Gantry.Supervisor.Drivers.Native.Checkpoints;

namespace Gantry.Unit.Supervisor;

public sealed class MountTableTests
{
    private static readonly string[] Lines =
    [
        "612 611 0:45 / / rw,relatime - overlay none rw,lowerdir=/a,upperdir=/b,workdir=/c",
        "613 612 0:50 / /proc rw,nosuid shared:5 - proc proc rw",
        "614 613 0:50 /sys /proc/sys ro,nosuid - proc proc rw",
        "615 612 0:51 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k",
        "616 612 8:1 /data/with\\040space /with\\040space rw,relatime - ext4 /dev/vda rw",
        "617 616 0:60 / /with\\040space/below rw,relatime master:3 - tmpfs tmpfs rw",
        "618 612 0:33 /gantry/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory",
        "619 613 0:6 /null /proc/keys rw - devtmpfs udev rw",
        "620 612 8:1 /hosts /etc/hosts rw - ext4 /dev/vda rw",
    ];

    [Fact]
    public void Mounts_from_outside_are_told_from_those_that_the_container_made()
    {
        var found = MountTable.External([.. Lines.Select(MountTable.Parse)], ["/etc/hosts", "/with space"]);
        Assert.Equal(
        [
            new ExternalMount("m0", ExternalKind.Bind, "/with space", ""), new ExternalMount("m1", ExternalKind.Bind, "/with space/below", "/below"),
            new ExternalMount("m2", ExternalKind.Cgroup, "/sys/fs/cgroup/memory", "memory"), new ExternalMount("m3", ExternalKind.Null, "/proc/keys", ""),
            new ExternalMount("m4", ExternalKind.Bind, "/etc/hosts", ""),
        ], found);
    }
}
