using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Drivers;

public sealed partial class DriverTests
{
    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_read_only_root_cannot_be_written(string driver)
    {
        var (code, output) = await RunAsync(driver, "touch /x 2>&1; touch /dev/shm/y && echo shm", new JsonObject { ["ReadonlyRootfs"] = true });
        Assert.Equal((0, "touch: /x: Read-only file system\nshm\n"), (code, output));
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task What_it_writes_stays_when_it_starts_again(string driver)
    {
        string id = await engine.RunAsync(Script(driver, "cat /kept; echo line >> /kept"));
        await engine.WaitAsync(id);
        _ = (await engine.PostAsync($"/containers/{id}/start")).Result;
        await engine.WaitAsync(id);
        Assert.EndsWith("line\n", await engine.LogsAsync(id), StringComparison.Ordinal);
        await engine.RemoveAsync(id);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Secrets_of_the_kernel_are_masked(string driver) =>
        Assert.Equal("0\n0\nro\n", (await RunAsync(driver, "cat /proc/kcore /proc/timer_list 2>/dev/null | wc -c; ls /proc/acpi /sys/firmware 2>/dev/null | grep -v : | grep -c .; (echo 1 > /proc/sys/vm/drop_caches) 2>/dev/null || echo ro")).Output);

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Its_kernel_file_systems_are_there(string driver) =>
        Assert.Equal("proc\nsysfs\ntmpfs\ndevpts\ntmpfs\nmqueue\n", (await RunAsync(driver, "for d in /proc /sys /dev /dev/pts /dev/shm /dev/mqueue; do grep \" $d \" /proc/mounts | tail -1 | cut -d' ' -f3; done")).Output);

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task Its_devices_are_the_harmless_ones(string driver) =>
        Assert.Equal("c c c c c c l l l l \n64\n", (await RunAsync(driver, "for d in null zero full random urandom tty fd stdin stdout stderr; do test -L /dev/$d && echo -n 'l ' && continue; test -c /dev/$d && echo -n 'c '; done; echo; head -c 64 /dev/urandom | wc -c")).Output);

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_device_that_was_given_can_be_used_and_others_cannot(string driver)
    {
        var host = new JsonObject { ["Devices"] = new JsonArray(new JsonObject { ["PathOnHost"] = "/dev/zero", ["PathInContainer"] = "/dev/given", ["CgroupPermissions"] = "r" }) };
        Assert.Equal("16\nc\n1\n", (await RunAsync(driver, "head -c 16 /dev/given | wc -c; mknod /dev/kmsg0 c 1 11 && test -c /dev/kmsg0 && echo c; head -c 1 /dev/kmsg0 >/dev/null 2>&1; echo $?", host)).Output);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_directory_of_the_host_is_mounted_as_asked(string driver)
    {
        string folder = engine.Path("shared-" + driver);
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "from"), "host\n");
        var host = new JsonObject { ["Binds"] = new JsonArray($"{folder}:/deep/in side/rw", $"{folder}:/ro:ro") };
        var (code, output) = await RunAsync(driver, "cat '/deep/in side/rw/from' /ro/from; echo container > '/deep/in side/rw/to'; touch /ro/x 2>&1", host);
        Assert.Equal((1, "host\nhost\ntouch: /ro/x: Read-only file system\n"), (code, output));
        Assert.Equal("container\n", await File.ReadAllTextAsync(Path.Combine(folder, "to")));
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_file_of_the_host_is_mounted(string driver)
    {
        string file = engine.Path("one-" + driver);
        await File.WriteAllTextAsync(file, "text\n");
        Assert.Equal("text\n", (await RunAsync(driver, "cat /etc/a/new/file", new JsonObject { ["Binds"] = new JsonArray($"{file}:/etc/a/new/file:ro") })).Output);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_volume_outlives_its_container(string driver)
    {
        string volume = "vol-" + driver;
        var host = () => new JsonObject { ["Mounts"] = new JsonArray(new JsonObject { ["Type"] = "volume", ["Source"] = volume, ["Target"] = "/data" }) };
        Assert.Equal(0, (await RunAsync(driver, "echo kept > /data/file", host())).Code);
        Assert.Equal("kept\n", (await RunAsync(driver, "cat /data/file", host())).Output);
        Assert.Equal(204, (await engine.DeleteAsync("/volumes/" + volume)).Status);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_temporary_file_system_has_its_options(string driver)
    {
        var host = new JsonObject { ["Tmpfs"] = new JsonObject { ["/fast"] = "size=1m,mode=1700,exec" } };
        var (_, output) = await RunAsync(driver, "stat -c %a /fast; grep ' /fast ' /proc/mounts | cut -d' ' -f3,4; head -c 2000000 /dev/zero > /fast/x 2>/dev/null; stat -c %s /fast/x", host);
        Assert.DoesNotContain("noexec", output, StringComparison.Ordinal);
        Assert.Matches("1700\ntmpfs rw,nosuid,nodev,.*size=1024k.*\n1048576\n$", output);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task A_mount_below_a_link_of_the_image_stays_inside(string driver)
    {
        string folder = engine.Path("linked-" + driver);
        Directory.CreateDirectory(folder);
        // The image has a link in it that leads to where a directory of the host could be too.
        await engine.ImportBusyboxAsync("linked", ("link", "/tmp/elsewhere"));
        var config = Script(driver, "test -d /tmp/elsewhere/mnt && echo inside", new JsonObject { ["Binds"] = new JsonArray($"{folder}:/link/mnt") });
        config["Image"] = "linked";
        string id = await engine.CreateAsync(config);
        _ = (await engine.PostAsync($"/containers/{id}/start")).Result;
        Assert.Equal(0, await engine.WaitAsync(id));
        Assert.Equal("inside\n", await engine.LogsAsync(id));
        Assert.False(Path.Exists("/tmp/elsewhere"));
        await engine.RemoveAsync(id);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task It_has_an_address_on_the_bridge(string driver)
    {
        var (code, output) = await RunAsync(driver, "ip -o -4 addr show eth0 | grep -c 'inet 10\\.'; ip route | grep -c '^default via'; cat /etc/resolv.conf | grep -c .; grep -c \"$(hostname)\" /etc/hosts");
        Assert.True(code == 0 && output.StartsWith("1\n1\n", StringComparison.Ordinal), output);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task It_can_share_the_hosts_or_anothers_network_or_have_none(string driver)
    {
        Assert.Equal("lo\n", (await RunAsync(driver, "ls /sys/class/net", new JsonObject { ["NetworkMode"] = "none" })).Output);
        string host = new FileInfo("/proc/self/ns/net").LinkTarget!;
        Assert.Equal(host + "\n", (await RunAsync(driver, "readlink /proc/self/ns/net", new JsonObject { ["NetworkMode"] = "host" })).Output);
        await WithIdleAsync(driver, async id =>
        {
            string theirs = (await ExecAsync(id, new JsonObject { ["Cmd"] = new JsonArray("readlink", "/proc/self/ns/net") })).Output;
            Assert.Equal(theirs, (await RunAsync(driver, "readlink /proc/self/ns/net", new JsonObject { ["NetworkMode"] = "container:" + id })).Output);
        });
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task It_can_share_processes_with_another_or_with_the_host(string driver)
    {
        string host = new FileInfo("/proc/self/ns/pid").LinkTarget!;
        Assert.Equal(host + "\n", (await RunAsync(driver, "readlink /proc/self/ns/pid", new JsonObject { ["PidMode"] = "host" })).Output);
        await WithIdleAsync(driver, async id =>
        {
            string theirs = (await ExecAsync(id, new JsonObject { ["Cmd"] = new JsonArray("readlink", "/proc/self/ns/pid") })).Output;
            Assert.Equal(theirs, (await RunAsync(driver, "readlink /proc/self/ns/pid", new JsonObject { ["PidMode"] = "container:" + id })).Output);
        });
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task It_can_share_the_hosts_names_and_its_memory_segments(string driver)
    {
        string uts = new FileInfo("/proc/self/ns/uts").LinkTarget!, ipc = new FileInfo("/proc/self/ns/ipc").LinkTarget!;
        Assert.Equal($"{uts}\n{ipc}\n", (await RunAsync(driver, "readlink /proc/self/ns/uts; readlink /proc/self/ns/ipc", new JsonObject { ["UTSMode"] = "host", ["IpcMode"] = "host" })).Output);
    }

    [Theory, Native, Runc, Crun, Lxc, GantryRuntime]
    public async Task An_init_of_its_own_reaps(string driver)
    {
        if (!Programs.IsInstalled("tini")) return;
        var (_, output) = await RunAsync(driver, "cat /proc/1/comm; test $$ != 1 && echo child", new JsonObject { ["Init"] = true });
        Assert.EndsWith("child\n", output, StringComparison.Ordinal);
    }
}
