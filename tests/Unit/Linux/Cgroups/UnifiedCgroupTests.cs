using Gantry.Linux.Cgroups;
using Gantry.Linux.Kernel;

namespace Gantry.Unit.Linux.Cgroups;

/// <summary>
/// cgroup v2. The core of it (processes, freezer, kill, device programs) runs on this machine's own unified mount; the controllers' files, which belong to
/// v1 here, are played by plain files in a directory, whose texts the kernel's documentation gives.
/// </summary>
public sealed class UnifiedCgroupTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("gt-cgroup2-").FullName;

    public void Dispose() => Directory.Delete(root, recursive: true);

    private ICgroup Played(params (string File, string Text)[] files)
    {
        Directory.CreateDirectory(root + "/g");
        foreach (var (file, text) in files) File.WriteAllText($"{root}/g/{file}", text);
        using var driver = new CgroupfsDriver(new CgroupLayout { Kind = CgroupKind.Unified, Hierarchies = [new CgroupHierarchy { MountPoint = root, Unified = true, Controllers = [] }] });
        return new CgroupfsDriver(driver.Layout).Open("/g");
    }

    private string Text(string file) => File.ReadAllText($"{root}/g/{file}");

    [Fact]
    public void Above_a_unit_of_systemd_nothing_is_made_or_set_up()
    {
        var layout = new CgroupLayout { Kind = CgroupKind.Unified, Hierarchies = [new CgroupHierarchy { MountPoint = root, Unified = true, Controllers = [] }] };
        using var driver = new CgroupfsDriver(layout);
        Assert.Equal(Errno.ENOENT, Assert.Throws<KernelException>(() => driver.Create("/web.slice/mine.scope/one")).Errno);
        Assert.Empty(Directory.EnumerateFileSystemEntries(root));
        foreach (string level in (string[])["", "/web.slice", "/web.slice/mine.scope"])
        {
            Directory.CreateDirectory(root + level);
            File.WriteAllText(root + level + "/cgroup.controllers", "cpu memory\n");
            File.WriteAllText(root + level + "/cgroup.subtree_control", "\n");
        }
        driver.Create("/web.slice/mine.scope/one");
        Assert.Equal("+cpu +memory", File.ReadAllText(root + "/web.slice/mine.scope/cgroup.subtree_control"));
        Assert.Equal(("\n", "\n"), (File.ReadAllText(root + "/cgroup.subtree_control"), File.ReadAllText(root + "/web.slice/cgroup.subtree_control")));
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(1024, 39)]
    [InlineData(262144, 10000)]
    [InlineData(1, 1)]
    [InlineData(0, 0)]
    public void Cpu_shares_become_a_weight(long shares, long weight) => Assert.Equal(weight, UnifiedConversion.CpuWeight(shares));

    [Theory]
    [InlineData(10, 1)]
    [InlineData(500, 4950)]
    [InlineData(1000, 10000)]
    public void A_blkio_weight_becomes_an_io_weight(long weight, long converted) => Assert.Equal(converted, UnifiedConversion.IoWeight(weight));

    [Fact]
    public void Swap_alone_is_the_sum_without_memory() => Assert.Equal(50, UnifiedConversion.Swap(150, 100));

    [Fact]
    public void A_sum_below_memory_is_refused() => Assert.Throws<ArgumentException>(() => UnifiedConversion.Swap(99, 100));

    [Fact]
    public void A_sum_without_a_limit_on_memory_is_refused() => Assert.Throws<ArgumentException>(() => UnifiedConversion.Swap(99, -1));

    public static TheoryData<string, string> Written => new()
    {
        { "memory.max", "67108864" }, { "memory.swap.max", "67108864" }, { "memory.low", "33554432" }, { "cpu.weight", "20" }, { "cpu.max", "25000 50000" },
        { "cpuset.cpus", "0-1" }, { "cpuset.mems", "0" }, { "pids.max", "42" }, { "io.weight", "8:16 4950" }, { "io.max", "8:0 wiops=max" }, { "memory.high", "1000000" },
    };

    [Theory]
    [MemberData(nameof(Written))]
    public void A_limit_is_converted_and_written_to_its_file(string file, string value)
    {
        var group = Played([.. Written.Select(row => ((string)((object[])row)[0], ""))]);

        group.Apply(new CgroupLimits
        {
            Memory = 64 << 20, MemoryAndSwap = 128 << 20, MemoryReservation = 32 << 20, MemorySwappiness = 10, OomKillDisable = true,
            CpuShares = 512, CpuPeriod = 50000, CpuQuota = 25000, CpusetCpus = "0-1", CpusetMems = "0", Pids = 42,
            BlkioWeightDevices = [new BlockDeviceWeight(8, 16, 500)], BlkioWriteIops = [new BlockDeviceRate(8, 0, 0)],
            Unified = new Dictionary<string, string> { ["memory.high"] = "1000000" },
        });

        Assert.Equal(value, Text(file));
    }

    [Fact]
    public void A_quota_alone_keeps_the_period()
    {
        var group = Played(("cpu.max", "max 80000\n"));

        group.Apply(new CgroupLimits { CpuQuota = 40000 });

        Assert.Equal("40000 80000", Text("cpu.max").TrimEnd('\n'));
    }

    [Fact]
    public void A_sum_alone_is_measured_against_the_memory_limit_in_force()
    {
        var group = Played(("memory.max", "1000\n"), ("memory.swap.max", ""));

        group.Apply(new CgroupLimits { MemoryAndSwap = 1500 });

        Assert.Equal("500", Text("memory.swap.max"));
    }

    [Fact]
    public void BFQ_takes_the_weight_as_it_is()
    {
        var group = Played(("io.weight", ""), ("io.bfq.weight", ""));

        group.Apply(new CgroupLimits { BlkioWeight = 300 });

        Assert.Equal("default 300", Text("io.bfq.weight"));
    }

    [Fact]
    public void Real_time_limits_are_refused()
    {
        var error = Assert.Throws<KernelException>(() => Played().Apply(new CgroupLimits { CpuRealtimeRuntime = 1000 }));

        Assert.Equal(Errno.EOPNOTSUPP, error.Errno);
    }

    [Fact]
    public void A_unified_resource_is_a_file_of_the_group_and_nothing_else()
    {
        Assert.Throws<KernelException>(() => Played().Apply(new CgroupLimits { Unified = new Dictionary<string, string> { ["../x"] = "1" } }));
    }

    [Fact]
    public void Statistics_are_read_from_the_controllers_files()
    {
        var group = Played(
            ("cpu.stat", "usage_usec 300\nuser_usec 200\nsystem_usec 100\nnr_periods 5\nnr_throttled 2\nthrottled_usec 7\n"),
            ("memory.current", "4096\n"), ("memory.max", "max\n"), ("memory.stat", "anon 10\nfile 20\ninactive_file 5\n"),
            ("memory.events", "low 0\nhigh 0\nmax 9\noom 3\noom_kill 1\n"), ("pids.current", "4\n"), ("pids.max", "10\n"),
            ("io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n"));

        var s = group.ReadStatistics();

        Assert.Equal(new CgroupCpuStatistics { Total = 300000, User = 200000, Kernel = 100000, Periods = 5, ThrottledPeriods = 2, ThrottledTime = 7000 }, s.Cpu);
        Assert.Equal((4096UL, 3UL, ulong.MaxValue, null), (s.Memory.Usage, s.Memory.FailCount, s.Memory.Limit, s.Memory.MaxUsage));
        Assert.Equal(5UL, s.Memory.Stat["inactive_file"]);
        Assert.Equal((4UL, 10UL), (s.Pids!.Value, s.PidsLimit));
        Assert.Equal([new BlockDeviceCount(8, 0, "read", 1), new BlockDeviceCount(8, 0, "write", 2)], s.Block.ServiceBytes);
        Assert.Equal([new BlockDeviceCount(8, 0, "read", 3), new BlockDeviceCount(8, 0, "write", 4)], s.Block.Serviced);
        Assert.Equal(1, group.ReadOutOfMemoryKills());
    }

    [Fact]
    public async Task An_out_of_memory_event_is_signalled()
    {
        var group = Played(("memory.events", "oom 0\noom_kill 0\n"));
        using var watch = group.WatchOutOfMemory();

        File.WriteAllText(root + "/g/memory.events", "oom 1\noom_kill 2\n");

        Assert.True(await Polling.IsReadableAsync(watch.Signal));
        Assert.Equal(2, watch.Read().Kills);
        Assert.False(await Polling.IsReadableAsync(watch.Signal, milliseconds: 0));
    }

    [Fact]
    public async Task A_group_freezes_and_thaws()
    {
        await using var test = new TestGroup(TestGroup.OnlyUnified);
        test.Start("while :; do :; done");

        await test.Group.FreezeAsync(CancellationToken.None);

        string events = test.Group.PathIn(test.Driver.Layout.Hierarchies[0]) + "/cgroup.events";
        Assert.Contains("frozen 1", File.ReadAllText(events), StringComparison.Ordinal);
        test.Group.Thaw();
    }

    [Fact]
    public async Task Killing_ends_every_process()
    {
        await using var test = new TestGroup(TestGroup.OnlyUnified);
        var process = test.Start("sleep 60 & sleep 60 & wait");

        await test.Group.KillAsync(CancellationToken.None);

        await TestGroup.ExitAsync(process);
        Assert.Equal(137, process.ExitCode);
    }

    [Fact]
    public async Task A_device_program_holds_for_a_process_in_the_group()
    {
        await using var test = new TestGroup(TestGroup.OnlyUnified);
        test.Group.Apply(new CgroupLimits { Devices = [DeviceRule.DenyAll, new DeviceRule(true, 'c', 1, 3, DeviceAccess.Read | DeviceAccess.Write)] });

        var process = test.Start("echo x > /dev/null && echo null; head -c1 /dev/zero > /dev/null && echo zero; exit 0");

        Assert.Equal("null\n", await process.StandardOutput.ReadToEndAsync());
    }

    [Fact]
    public async Task A_second_device_program_replaces_the_first()
    {
        await using var test = new TestGroup(TestGroup.OnlyUnified);
        test.Group.Apply(new CgroupLimits { Devices = [DeviceRule.DenyAll] });

        test.Group.Apply(new CgroupLimits { Devices = [DeviceRule.DenyAll, new DeviceRule(true, 'c', 1, null, DeviceAccess.All)] });

        var process = test.Start("head -c1 /dev/zero > /dev/null && echo zero; exit 0");
        Assert.Equal("zero\n", await process.StandardOutput.ReadToEndAsync());
    }

    [Fact]
    public async Task Opening_for_reading_and_writing_needs_both_to_be_allowed_be_it_by_two_rules()
    {
        await using var test = new TestGroup(TestGroup.OnlyUnified);
        test.Group.Apply(new CgroupLimits { Devices =
        [
            DeviceRule.DenyAll, new DeviceRule(true, 'c', 1, 3, DeviceAccess.Read), new DeviceRule(true, 'c', 1, 3, DeviceAccess.Write),
            new DeviceRule(true, 'c', 1, 5, DeviceAccess.Read),
        ] });

        var process = test.Start("(: <> /dev/null) && echo both; (: <> /dev/zero) || echo one; exit 0");

        Assert.Equal("both\none\n", await process.StandardOutput.ReadToEndAsync());
    }

    [Fact]
    public async Task Of_two_device_rules_that_fit_the_later_one_counts()
    {
        await using var test = new TestGroup(TestGroup.OnlyUnified);
        test.Group.Apply(new CgroupLimits { Devices = [DeviceRule.DenyAll, new DeviceRule(true, 'c', 1, null, DeviceAccess.All), new DeviceRule(false, 'c', 1, 5, DeviceAccess.Read)] });

        var process = test.Start("head -c1 /dev/zero > /dev/null || echo no; echo > /dev/zero && echo write; exit 0");

        Assert.Equal("no\nwrite\n", await process.StandardOutput.ReadToEndAsync());
    }

    [Fact]
    public void A_devices_type_and_both_numbers_are_compared()
    {
        var code = DeviceProgram.Compile([new DeviceRule(false, 'b', 8, 1, DeviceAccess.All)]);

        Assert.Equal([1, 8, 1], code.Where(i => i.Code == 0x56).Select(i => i.Immediate));
    }
}
