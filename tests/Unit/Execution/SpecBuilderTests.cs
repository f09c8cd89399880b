using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Protocol.Containers;
using Gantry.Supervisor.Protocol;

namespace Gantry.Unit.Execution;

public sealed class SpecBuilderTests
{
    private static RuntimeSpec Build(ContainerConfig? config = null, HostConfig? host = null, SpecMount[]? mounts = null)
    {
        host ??= new HostConfig();
        var record = new ContainerRecord
        {
            Id = new string('a', 64), Name = "x", Created = default, ImageId = "sha256:0", Config = config ?? new ContainerConfig(), HostConfig = host, Path = "run", Args = ["it"], Networks = [], Mounts = [],
            ExecDriver = "native",
        };
        return SpecBuilder.Build(new SpecInput
        {
            Container = record, User = new ResolvedUser(0, 0, [], "/root"), Mounts = mounts ?? [], CgroupPath = "/gantry/a", CgroupUnified = false, HostNetwork = false, Seccomp = null,
            Capabilities = CapabilityRules.Of(host), Devices = [], DeviceRules = [], Hostname = "box", Domainname = "",
        });
    }

    [Fact]
    public void The_containers_own_variables_replace_the_defaults_and_a_bare_name_removes_one()
    {
        var variables = SpecBuilder.EnvironmentVariables(new ContainerConfig { Tty = true, Env = ["PATH=/own", "TERM", "A=1", "A=2"] }, "box", ["LINK=x"], "/root");
        Assert.Equal(["PATH=/own", "HOSTNAME=box", "LINK=x", "A=2", "HOME=/root"], variables);
    }

    [Fact]
    public void A_mount_of_the_user_replaces_the_one_that_every_container_has_there()
    {
        var spec = Build(mounts: [new SpecMount("bind", "/host", "/dev/shm", ["rbind"])]);
        Assert.Equal("bind", Assert.Single(spec.Mounts, m => m.Destination == "/dev/shm").Type);
    }

    [Fact]
    public void Mounts_come_after_those_that_they_lie_below()
    {
        var spec = Build(mounts: [new SpecMount("bind", "/h", "/a/b/c", []), new SpecMount("tmpfs", "tmpfs", "/a", [])]);
        Assert.True(spec.Mounts.FindIndex(m => m.Destination == "/a") < spec.Mounts.FindIndex(m => m.Destination == "/a/b/c"));
    }

    [Theory]
    [InlineData("host", "", "", "pid")]
    [InlineData("", "host", "", "ipc")]
    [InlineData("", "", "host", "uts")]
    public void A_host_mode_makes_no_namespace_of_that_kind(string pid, string ipc, string uts, string type) =>
        Assert.DoesNotContain(Build(host: new HostConfig { PidMode = pid, IpcMode = ipc, UTSMode = uts }).Linux.Namespaces, n => n.Type == type);

    [Fact]
    public void Masks_that_were_asked_for_are_there_whatever_else_is() =>
        Assert.Equal(["/proc/keys"], Build(host: new HostConfig { Privileged = true, MaskedPaths = ["/proc/keys"] }).Linux.MaskedPaths!);

    [Fact]
    public void A_privileged_container_has_no_masks_may_use_every_device_and_write_to_sys()
    {
        var spec = Build(host: new HostConfig { Privileged = true });
        Assert.Empty(spec.Linux.MaskedPaths!);
        Assert.Equal(["/proc/keys"], Build(host: new HostConfig { Privileged = true, MaskedPaths = ["/proc/keys"] }).Linux.MaskedPaths!);   // unless it asks for some
        Assert.True(Assert.Single(spec.Linux.Resources!.Devices!).Allow);
        Assert.Contains("rw", Assert.Single(spec.Mounts, m => m.Destination == "/sys").Options!);
    }

    [Fact]
    public void Nano_cpus_become_a_quota_of_a_period()
    {
        var cpu = Build(host: new HostConfig { NanoCpus = 500_000_000 }).Linux.Resources!.Cpu!;
        Assert.Equal((50_000L, 100_000UL), (cpu.Quota, cpu.Period));
    }

    [Fact]
    public void Capabilities_follow_add_and_drop()
    {
        Assert.Equal(14, CapabilityRules.Of(new HostConfig()).Count);
        Assert.Empty(CapabilityRules.Of(new HostConfig { CapDrop = ["ALL"] }));
        Assert.Equal(["CAP_NET_ADMIN"], CapabilityRules.Of(new HostConfig { CapDrop = ["all"], CapAdd = ["net_admin"] }));
        Assert.DoesNotContain("CAP_CHOWN", CapabilityRules.Of(new HostConfig { CapDrop = ["CHOWN"] }));
        Assert.Contains("CAP_SYS_ADMIN", CapabilityRules.Of(new HostConfig { CapAdd = ["ALL"] }));
    }

    private const string Passwd = "root:x:0:0:root:/root:/bin/sh\nwww:x:33:44:www:/var/www:/bin/false\n", Group = "root:x:0:\nmail:x:8:www\nstaff:x:50:\n";

    private static ResolvedUser Resolve(string user, params string[] groups) => UserLookup.Resolve(() => Passwd, () => Group, user, groups);

    [Fact]
    public void Users_and_groups_are_found_by_name_and_number()
    {
        Assert.Equal((0u, 0u, "/root"), (Resolve("").Uid, Resolve("").Gid, Resolve("").Home));
        Assert.Equal((33u, 44u, "/var/www"), (Resolve("www").Uid, Resolve("www").Gid, Resolve("www").Home));
        Assert.Equal([8u, 44u], Resolve("www").AdditionalGids);
        Assert.Equal((33u, 44u), (Resolve("33").Uid, Resolve("33").Gid));
        Assert.Equal((1234u, 0u, "/"), (Resolve("1234").Uid, Resolve("1234").Gid, Resolve("1234").Home));
        Assert.Equal((1234u, 4321u), (Resolve("1234:4321").Uid, Resolve("1234:4321").Gid));
        Assert.Equal((33u, 50u), (Resolve("www:staff").Uid, Resolve("www:staff").Gid));
        Assert.Equal([0u, 8u, 777u], Resolve("1234", "777", "mail").AdditionalGids);
    }

    [Fact]
    public void A_user_or_group_that_is_not_there_is_refused_by_name()
    {
        Assert.Equal("unable to find user nosuch: no matching entries in passwd file", Assert.Throws<EngineException>(() => Resolve("nosuch")).Message);
        Assert.Equal("unable to find group nosuch: no matching entries in group file", Assert.Throws<EngineException>(() => Resolve("www:nosuch")).Message);
    }
}
