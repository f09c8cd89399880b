using Gantry.Linux.Cgroups;
using Gantry.Linux.Kernel;

namespace Gantry.Unit.Linux.Cgroups;

/// <summary>Limits on this machine's v1 controllers.</summary>
public class CgroupLimitsTests
{
    private const long MiB = 1 << 20;

    public static TheoryData<string, string, string> Written => new()
    {
        { "memory", "memory.limit_in_bytes", "67108864" },
        { "memory", "memory.memsw.limit_in_bytes", "134217728" },
        { "memory", "memory.soft_limit_in_bytes", "33554432" },
        { "memory", "memory.swappiness", "10" },
        { "cpu", "cpu.shares", "512" },
        { "cpu", "cpu.cfs_period_us", "50000" },
        { "cpu", "cpu.cfs_quota_us", "25000" },
        { "cpuset", "cpuset.cpus", "0" },
        { "cpuset", "cpuset.mems", "0" },
        { "pids", "pids.max", "42" },
    };

    [LegacyTheory]
    [MemberData(nameof(Written))]
    public async Task A_limit_is_written_to_its_file(string controller, string file, string value)
    {
        await using var test = new TestGroup();

        test.Group.Apply(new CgroupLimits
        {
            Memory = 64 * MiB, MemoryAndSwap = 128 * MiB, MemoryReservation = 32 * MiB, MemorySwappiness = 10,
            CpuShares = 512, CpuPeriod = 50000, CpuQuota = 25000, CpusetCpus = "0", CpusetMems = "0", Pids = 42,
        });

        Assert.Equal(value, test.Read(controller, file));
    }

    [LegacyTheory]
    [InlineData(32, 64)]
    [InlineData(100, 200)]
    [InlineData(16, 300)]
    [InlineData(128, 128)]
    public async Task Memory_and_swap_can_be_raised_and_lowered_in_one_update(long memory, long total)
    {
        await using var test = new TestGroup();
        test.Group.Apply(new CgroupLimits { Memory = 64 * MiB, MemoryAndSwap = 96 * MiB });

        test.Group.Apply(new CgroupLimits { Memory = memory * MiB, MemoryAndSwap = total * MiB });

        Assert.Equal($"{memory * MiB} {total * MiB}", test.Read("memory", "memory.limit_in_bytes") + " " + test.Read("memory", "memory.memsw.limit_in_bytes"));
    }

    [LegacyFact]
    public async Task Memory_without_a_limit_lifts_that_on_swap_too()
    {
        await using var test = new TestGroup();
        test.Group.Apply(new CgroupLimits { Memory = 64 * MiB, MemoryAndSwap = 96 * MiB });

        test.Group.Apply(new CgroupLimits { Memory = -1 });

        Assert.True(long.Parse(test.Read("memory", "memory.limit_in_bytes"), System.Globalization.CultureInfo.InvariantCulture) > 1L << 60);
    }

    [LegacyFact]
    public async Task A_memory_limit_above_that_on_memory_and_swap_is_refused_with_the_file_and_value()
    {
        await using var test = new TestGroup();
        test.Group.Apply(new CgroupLimits { Memory = 64 * MiB, MemoryAndSwap = 64 * MiB });

        var error = Assert.Throws<KernelException>(() => test.Group.Apply(new CgroupLimits { Memory = 65 * MiB }));

        Assert.Equal(Errno.EINVAL, error.Errno);
        Assert.Contains("write 68157440 to", error.Step, StringComparison.Ordinal);
        Assert.EndsWith("memory.limit_in_bytes", error.Step, StringComparison.Ordinal);
    }

    [LegacyFact]
    public async Task A_memory_limit_below_what_is_in_use_says_how_much_is()
    {
        await using var test = new TestGroup();
        // A tmpfs page stays charged to the group and, without swap, cannot be reclaimed.
        string file = $"/dev/shm/{Path.GetFileName(test.Parent)}";
        try
        {
            var process = test.Start($"head -c 4000000 /dev/zero > {file}; echo done; sleep 60");
            await process.StandardOutput.ReadLineAsync();

            var error = Assert.Throws<KernelException>(() => test.Group.Apply(new CgroupLimits { Memory = 1 * MiB, MemoryAndSwap = 1 * MiB }));

            Assert.Equal(Errno.EBUSY, error.Errno);
            Assert.Contains("to 1048576 bytes of memory while", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [LegacyFact]
    public async Task A_period_and_quota_change_together_below_a_parents_ratio()
    {
        await using var test = new TestGroup();
        test.Driver.Open(test.Parent).Apply(new CgroupLimits { CpuPeriod = 100000, CpuQuota = 50000 });
        test.Group.Apply(new CgroupLimits { CpuPeriod = 100000, CpuQuota = 50000 });

        test.Group.Apply(new CgroupLimits { CpuPeriod = 20000, CpuQuota = 10000 });

        Assert.Equal("20000 10000", test.Read("cpu", "cpu.cfs_period_us") + " " + test.Read("cpu", "cpu.cfs_quota_us"));
    }

    [LegacyTheory]
    [InlineData(0, "max")]
    [InlineData(-1, "max")]
    [InlineData(3, "3")]
    public async Task A_process_limit_of_zero_or_below_is_none(long limit, string written)
    {
        await using var test = new TestGroup();
        test.Group.Apply(new CgroupLimits { Pids = 9 });

        test.Group.Apply(new CgroupLimits { Pids = limit });

        Assert.Equal(written, test.Read("pids", "pids.max"));
    }

    [LegacyFact]
    public async Task A_process_limit_holds()
    {
        await using var test = new TestGroup();
        test.Group.Apply(new CgroupLimits { Pids = 1 });

        var process = test.Start("/bin/true || exit 9");

        await TestGroup.ExitAsync(process);
        Assert.NotEqual(0, process.ExitCode);
    }

    [LegacyFact]
    public async Task The_out_of_memory_killer_can_be_switched_off_and_on()
    {
        await using var test = new TestGroup();
        test.Group.Apply(new CgroupLimits { OomKillDisable = true });
        Assert.Contains("oom_kill_disable 1", test.Read("memory", "memory.oom_control"), StringComparison.Ordinal);

        test.Group.Apply(new CgroupLimits { OomKillDisable = false });

        Assert.Contains("oom_kill_disable 0", test.Read("memory", "memory.oom_control"), StringComparison.Ordinal);
    }

    [LegacyFact]
    public async Task A_throttle_is_written_for_its_device()
    {
        await using var test = new TestGroup();
        string device = Directory.EnumerateDirectories("/sys/block").Select(d => File.ReadAllText(d + "/dev").Trim()).First();
        uint[] numbers = [.. device.Split(':').Select(n => uint.Parse(n, System.Globalization.CultureInfo.InvariantCulture))];

        test.Group.Apply(new CgroupLimits { BlkioReadBps = [new BlockDeviceRate(numbers[0], numbers[1], 1048576)], BlkioWriteIops = [new BlockDeviceRate(numbers[0], numbers[1], 99)] });

        Assert.Equal($"{device} 1048576", test.Read("blkio", "blkio.throttle.read_bps_device"));
        Assert.Equal($"{device} 99", test.Read("blkio", "blkio.throttle.write_iops_device"));
    }

    [LegacyFact]
    public async Task Device_rules_hold_for_a_process_in_the_group()
    {
        await using var test = new TestGroup();
        test.Group.Apply(new CgroupLimits { Devices = [DeviceRule.DenyAll, new DeviceRule(true, 'c', 1, 3, DeviceAccess.Read | DeviceAccess.Write)] });

        var process = test.Start("echo x > /dev/null && echo null; head -c1 /dev/zero > /dev/null && echo zero; exit 0");

        Assert.Equal("null\n", await process.StandardOutput.ReadToEndAsync());
    }

    [LegacyFact]
    public async Task A_list_of_device_rules_replaces_the_earlier_one()
    {
        await using var test = new TestGroup();
        test.Group.Apply(new CgroupLimits { Devices = [DeviceRule.DenyAll, new DeviceRule(true, 'b', 7, null, DeviceAccess.All)] });

        test.Group.Apply(new CgroupLimits { Devices = [DeviceRule.DenyAll, new DeviceRule(true, 'c', null, null, DeviceAccess.MakeNode), new DeviceRule(true, 'c', 136, null, DeviceAccess.All)] });

        Assert.Equal("c *:* m\nc 136:* rwm", test.Read("devices", "devices.list"));
    }

    [LegacyFact]
    public async Task A_limit_of_a_controller_that_is_not_mounted_is_refused_by_name()
    {
        await using var test = new TestGroup(layout => layout with { Hierarchies = [.. layout.Hierarchies.Where(h => !h.Has("pids"))] });

        var error = Assert.Throws<KernelException>(() => test.Group.Apply(new CgroupLimits { Pids = 5 }));

        Assert.Contains("the pids controller is not mounted", error.Message, StringComparison.Ordinal);
    }
}
