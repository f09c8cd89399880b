using Gantry.Linux.Cgroups;
using Gantry.Linux.Kernel;

namespace Gantry.Unit.Linux.Cgroups;

/// <summary>Against this machine's own hierarchies, in groups of their own.</summary>
public class CgroupTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_new_group_is_in_every_hierarchy()
    {
        await using var test = new TestGroup();

        Assert.All(test.Driver.Layout.Hierarchies, h => Assert.True(Directory.Exists(test.Group.PathIn(h)), h.MountPoint));
    }

    [LegacyFact]
    public async Task A_new_group_has_its_parents_cpus_and_memory_nodes()
    {
        await using var test = new TestGroup();
        string root = test.Driver.Layout.Find("cpuset")!.MountPoint;

        Assert.Equal(File.ReadAllText(root + "/cpuset.cpus").TrimEnd(), test.Read("cpuset", "cpuset.cpus"));
        Assert.Equal(File.ReadAllText(root + "/cpuset.mems").TrimEnd(), test.Read("cpuset", "cpuset.mems"));
    }

    [LegacyFact]
    public async Task A_group_directly_below_the_root_can_hold_processes()
    {
        await using var test = new TestGroup();
        var group = test.Driver.Create(test.Parent + "x");
        try
        {
            Assert.NotEqual("", File.ReadAllText(group.PathIn(test.Driver.Layout.Find("cpuset")!) + "/cpuset.cpus").Trim());
        }
        finally
        {
            await group.DeleteAsync(Limit, CancellationToken.None);
        }
    }

    [LegacyFact]
    public async Task A_removed_parent_is_made_again()
    {
        await using var test = new TestGroup();
        Assert.True(test.Driver.Open(test.Parent).TryDelete());

        var group = test.Driver.Create(test.Parent + "/two");

        Assert.True(Directory.Exists(group.PathIn(test.Driver.Layout.Find("cpuset")!)));
        Assert.NotEqual("", File.ReadAllText(group.PathIn(test.Driver.Layout.Find("cpuset")!) + "/cpuset.cpus").Trim());
    }

    [Fact]
    public async Task An_empty_left_over_is_replaced_with_its_limits()
    {
        await using var test = new TestGroup();
        test.Group.Apply(new CgroupLimits { Pids = 7 });

        test.Driver.Create(test.Group.Path);

        Assert.Equal("max", test.Read("pids", "pids.max"));
    }

    [Fact]
    public async Task A_group_with_processes_is_not_made_a_second_time()
    {
        await using var test = new TestGroup();
        test.Start("exec sleep 60");

        var error = Assert.Throws<KernelException>(() => test.Driver.Create(test.Group.Path));

        Assert.Equal(Errno.EBUSY, error.Errno);
    }

    [Theory]
    [InlineData("relative")]
    [InlineData("/")]
    [InlineData("/a/../b")]
    public async Task A_path_that_climbs_or_is_not_absolute_is_refused(string path)
    {
        await using var test = new TestGroup();

        Assert.Throws<ArgumentException>(() => test.Driver.Create(path));
    }

    [Fact]
    public async Task A_process_that_joins_is_in_every_hierarchy()
    {
        await using var test = new TestGroup();
        var process = test.Start("exec sleep 60");

        var groups = ProcessCgroups.Read(process.Id);

        Assert.All(test.Driver.Layout.Hierarchies, h => Assert.Equal(test.Group.Path, groups.PathIn(h)));
    }

    [LegacyFact]
    public async Task The_memory_group_is_joined_last()
    {
        await using var test = new TestGroup();
        using var entry = test.Group.OpenEntry();

        string last = File.ResolveLinkTarget($"/proc/self/fd/{entry.ProcsFiles[^1].Number}", returnFinalTarget: false)!.FullName;

        Assert.Equal(test.Group.PathIn(test.Driver.Layout.Find("memory")!) + "/cgroup.procs", last);
    }

    [LegacyFact]
    public async Task Processes_of_groups_below_are_listed_too()
    {
        await using var test = new TestGroup();
        var below = test.Driver.Create(test.Group.Path + "/below");
        var process = test.Start("exec sleep 60");
        using (var entry = below.OpenEntry()) entry.Join(process.Id);

        Assert.Empty(test.Group.Processes(recursive: false));
        Assert.Equal([process.Id], test.Group.Processes());
    }

    [LegacyFact]
    public async Task A_frozen_group_stands_still_until_it_is_thawed()
    {
        await using var test = new TestGroup();
        test.Start("while :; do :; done");

        await test.Group.FreezeAsync(CancellationToken.None);

        Assert.Equal("FROZEN", test.Read("freezer", "freezer.state"));
        test.Group.Thaw();
        Assert.Equal("THAWED", test.Read("freezer", "freezer.state"));
    }

    [LegacyFact]
    public async Task Killing_ends_every_process_even_frozen_ones_and_those_below()
    {
        await using var test = new TestGroup();
        var below = test.Driver.Create(test.Group.Path + "/below");
        var first = test.Start("sleep 60 & sleep 60 & wait");
        var second = test.Start("exec sleep 60");
        using (var entry = below.OpenEntry()) entry.Join(second.Id);
        await test.Group.FreezeAsync(CancellationToken.None);

        await test.Group.KillAsync(CancellationToken.None);

        await TestGroup.ExitAsync(first);
        await TestGroup.ExitAsync(second);
        await test.Group.DeleteAsync(Limit, CancellationToken.None);
        Assert.Empty(test.Group.Processes());
    }

    [LegacyFact]
    public async Task Killing_works_without_a_unified_hierarchy()
    {
        await using var test = new TestGroup(layout => layout with { Kind = CgroupKind.Legacy, Hierarchies = [.. layout.Hierarchies.Where(h => !h.Unified)] });
        var process = test.Start("sleep 60 & sleep 60 & wait");

        await test.Group.KillAsync(CancellationToken.None);

        await TestGroup.ExitAsync(process);
        Assert.Equal(137, process.ExitCode);
    }

    [Fact]
    public async Task A_group_with_a_process_is_not_deleted_and_loses_nothing()
    {
        await using var test = new TestGroup();
        test.Start("exec sleep 60");

        Assert.False(test.Group.TryDelete());
        Assert.NotEmpty(test.Group.Processes());
    }

    [Fact]
    public async Task Deleting_gives_up_after_its_limit_and_names_the_processes()
    {
        await using var test = new TestGroup();
        var process = test.Start("exec sleep 60");

        var error = await Assert.ThrowsAsync<KernelException>(() => test.Group.DeleteAsync(TimeSpan.FromMilliseconds(20), CancellationToken.None));

        Assert.Contains(process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deleting_takes_the_groups_below_along()
    {
        await using var test = new TestGroup();
        test.Driver.Create(test.Group.Path + "/a/b");

        Assert.True(test.Group.TryDelete());
        Assert.All(test.Driver.Layout.Hierarchies, h => Assert.False(Directory.Exists(test.Group.PathIn(h)), h.MountPoint));
    }

    [Fact]
    public async Task Deleting_what_is_gone_succeeds()
    {
        await using var test = new TestGroup();
        test.Group.TryDelete();

        Assert.True(test.Group.TryDelete());
    }

    [LegacyFact]
    public async Task Statistics_count_a_process_and_its_memory()
    {
        await using var test = new TestGroup();
        test.Group.Apply(new CgroupLimits { Pids = 50, Memory = 64 << 20 });
        var process = test.Start("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done; read end");
        Assert.Equal("done", await process.StandardOutput.ReadLineAsync());

        var statistics = test.Group.ReadStatistics();

        Assert.InRange(statistics.Pids!.Value, 1UL, 2UL);
        Assert.Equal(50UL, statistics.PidsLimit);
        Assert.Equal((ulong)(64 << 20), statistics.Memory.Limit);
        Assert.True(statistics.Memory.Usage > 0 && statistics.Memory.MaxUsage >= statistics.Memory.Usage);
        Assert.Equal((ulong)(64 << 20), statistics.Memory.Stat["hierarchical_memory_limit"]);
        Assert.True(statistics.Cpu.Total > 1_000_000);
        Assert.Equal((double)statistics.Cpu.Total, statistics.Cpu.PerCpu!.Sum(n => (double)n), tolerance: 50_000_000);
    }

    [Fact]
    public async Task Out_of_memory_is_signalled_and_counted()
    {
        await using var test = new TestGroup();
        test.Group.Apply(new CgroupLimits { Memory = 8 << 20, MemoryAndSwap = 8 << 20 });
        using var watch = test.Group.WatchOutOfMemory();
        Assert.Equal(0, watch.Read().Kills);

        var process = test.Start("exec tail /dev/zero");
        await TestGroup.ExitAsync(process);

        Assert.True(await Polling.IsReadableAsync(watch.Signal));
        Assert.Equal(1, watch.Read().Kills);
        Assert.False(await Polling.IsReadableAsync(watch.Signal, milliseconds: 0));
        Assert.Equal(1, test.Group.ReadOutOfMemoryKills());
        Assert.Equal(137, process.ExitCode);
    }

    [LegacyFact]
    public void Features_of_this_machine_are_those_of_its_files()
    {
        using var driver = new CgroupfsDriver(TestGroup.Layout);

        Assert.True(driver.Features is { Memory: true, Pids: true, CpuShares: true, CpuQuota: true, Cpuset: true, Devices: true, Freezer: true });
        Assert.Equal(File.Exists(TestGroup.Layout.Find("memory")!.MountPoint + "/memory.memsw.limit_in_bytes"), driver.Features.MemorySwap);
    }
}
