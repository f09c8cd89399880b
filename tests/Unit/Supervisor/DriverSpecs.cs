using System.Text;
using Gantry.Supervisor.Protocol;

namespace Gantry.Unit.Supervisor;

/// <summary>A spec with something of everything.</summary>
internal static class DriverSpecs
{
    public static RuntimeSpec Full() => new()
    {
        Process = new ProcessSpec
        {
            Terminal = true,
            ConsoleSize = new ConsoleSize { Height = 24, Width = 80 },
            User = new UserSpec { Uid = 1000, Gid = 100, AdditionalGids = [8, 77] },
            Args = ["sh", "-c", "echo \"a  b\""],
            Env = ["PATH=/bin", "A=x=y\"z'"],
            Cwd = "/work dir",
            Capabilities = new CapabilitiesSpec { Bounding = ["CAP_CHOWN", "CAP_NET_RAW"], Effective = ["CAP_CHOWN", "CAP_NET_RAW"], Permitted = ["CAP_CHOWN", "CAP_NET_RAW"] },
            Rlimits = [new RlimitSpec { Type = "RLIMIT_NOFILE", Soft = 0, Hard = 1024 }, new RlimitSpec { Type = "RLIMIT_CORE", Soft = ulong.MaxValue, Hard = ulong.MaxValue }],
            NoNewPrivileges = true,
            OomScoreAdj = 100,
        },
        Root = new RootSpec { Readonly = true },
        Hostname = "box",
        Domainname = "example.test",
        Mounts =
        [
            new MountSpec { Destination = "/proc", Type = "proc", Source = "proc", Options = ["nosuid", "noexec", "nodev"] },
            new MountSpec { Destination = "/dev", Type = "tmpfs", Source = "tmpfs", Options = ["nosuid", "strictatime", "mode=755", "size=65536k"] },
            new MountSpec { Destination = "/dev/pts", Type = "devpts", Source = "devpts", Options = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
            new MountSpec { Destination = "/sys", Type = "sysfs", Source = "sysfs", Options = ["nosuid", "noexec", "nodev", "ro"] },
            new MountSpec { Destination = "/sys/fs/cgroup", Type = "cgroup", Source = "cgroup", Options = ["ro", "nosuid", "noexec", "nodev"] },
            new MountSpec { Destination = "/dev/shm", Type = "tmpfs", Source = "shm", Options = ["nosuid", "noexec", "nodev", "mode=1777", "size=67108864"] },
            new MountSpec { Destination = "/fast", Type = "tmpfs", Source = "tmpfs", Options = ["noexec", "nosuid", "nodev", "size=1m", "exec"] },
            new MountSpec { Destination = "/data/in side", Type = "bind", Source = "/srv/data", Options = ["rbind", "rslave", "rro"] },
            new MountSpec { Destination = "/etc/hosts", Type = "file", Source = "/var/lib/x/hosts", Options = ["rbind", "rprivate"] },
        ],
        Linux = new LinuxSpec
        {
            Sysctl = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["net.ipv4.ip_forward"] = "1", ["net.ipv4.conf.eth0/1.forwarding"] = "it's" },
            CgroupsPath = "/gantry/aaaa",
            Namespaces = [new NamespaceSpec { Type = "mount" }, new NamespaceSpec { Type = "network" }, new NamespaceSpec { Type = "uts" }, new NamespaceSpec { Type = "pid" }, new NamespaceSpec { Type = "ipc" }],
            Devices = [new DeviceSpec { Path = "/dev/given", Type = "c", Major = 10, Minor = 229, FileMode = 0x1B6, Uid = 0, Gid = 0 }, new DeviceSpec { Path = "/dev/ptmx", Type = "c", Major = 5, Minor = 2 }],
            MaskedPaths = ["/proc/kcore", "/proc/acpi", "/proc/nothing"],
            ReadonlyPaths = ["/proc/sys"],
            Seccomp = new RawJson(Encoding.UTF8.GetBytes("""{"defaultAction":"SCMP_ACT_ERRNO"}""")),
            Resources = new ResourcesSpec
            {
                Devices = [new DeviceRuleSpec { Allow = false, Access = "rwm" }, new DeviceRuleSpec { Allow = true, Type = "c", Major = 1, Minor = 3, Access = "rwm" }, new DeviceRuleSpec { Allow = true, Type = "b", Major = 8, Access = "r" }],
                Memory = new MemorySpec { Limit = 64 << 20, Swap = 128 << 20, Reservation = 32 << 20 },
                Cpu = new CpuSpec { Shares = 512, Quota = 50000, Period = 100000, Cpus = "0-1" },
                Pids = new PidsSpec { Limit = 50 },
                BlockIo = new BlockIoSpec { Weight = 300, ThrottleReadBps = [new ThrottleDeviceSpec { Major = 8, Minor = 0, Rate = 1000 }] },
            },
        },
    };
}
