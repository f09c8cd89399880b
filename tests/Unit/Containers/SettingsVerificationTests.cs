using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;

namespace Gantry.Unit.Containers;

public sealed class SettingsVerificationTests
{
    private static readonly HostFacts Facts = new() { Cpus = 2 };

    private static string Refusal(ContainerConfig? config = null, HostConfig? host = null)
    {
        var error = Assert.Throws<EngineException>(() => SettingsVerification.Verify(config ?? new ContainerConfig(), host ?? new HostConfig(), Facts, []));
        Assert.Equal(ErrorKind.InvalidParameter, error.Kind);
        return error.Message;
    }

    /// <summary>Texts as dockerd 28.5.2 was recorded to say them (golden 081–107).</summary>
    [Fact]
    public void Settings_that_cannot_work_are_refused_in_the_words_that_clients_know()
    {
        Assert.Equal("Minimum memory limit allowed is 6MB", Refusal(host: new HostConfig { Memory = 1000 }));
        Assert.Equal("You should always set the Memory limit when using Memoryswap limit, see usage", Refusal(host: new HostConfig { MemorySwap = 268435456 }));
        Assert.Equal("Minimum memoryswap limit should be larger than memory limit, see usage", Refusal(host: new HostConfig { Memory = 64 << 20, MemorySwap = 32 << 20 }));
        Assert.Equal("range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available", Refusal(host: new HostConfig { NanoCpus = 99_000_000_000 }));
        Assert.Equal("invalid CapAdd: unknown capability: \"CAP_NOPE\"", Refusal(host: new HostConfig { CapAdd = ["NOPE"] }));
        Assert.Equal("can't create 'AutoRemove' container with restart policy", Refusal(host: new HostConfig { AutoRemove = true, RestartPolicy = new() { Name = "always" } }));
        Assert.Equal("invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'", Refusal(host: new HostConfig { RestartPolicy = new() { Name = "sometimes" } }));
        Assert.Equal("invalid port specification: \"99999\"", Refusal(host: new HostConfig { PortBindings = new() { ["99999/tcp"] = [] } }));
        Assert.Equal("error looking up logging plugin nosuch: plugin \"nosuch\" not found", Refusal(host: new HostConfig { LogConfig = new() { Type = "nosuch" } }));
        Assert.Equal("unknown or invalid runtime name: nosuch", Refusal(host: new HostConfig { Runtime = "nosuch" }));
        Assert.Equal("the working directory 'relative' is invalid, it needs to be an absolute path", Refusal(new ContainerConfig { WorkingDir = "relative" }));
        Assert.Equal("invalid environment variable: =x", Refusal(new ContainerConfig { Env = ["=x"] }));
        Assert.Equal("Interval in Healthcheck cannot be less than 1ms", Refusal(new ContainerConfig { Healthcheck = new() { Test = ["CMD", "x"], Interval = 1 } }));
        Assert.Equal("invalid signal: NOPE", Refusal(new ContainerConfig { StopSignal = "NOPE" }));
    }

    [Theory]
    [InlineData("/web")]
    [InlineData("web")]
    [InlineData("a/web.slice")]
    [InlineData("../web.slice")]
    public void With_systemd_a_cgroup_parent_is_a_slice(string parent)
    {
        var host = new HostConfig { CgroupParent = parent };
        var error = Assert.Throws<EngineException>(() => SettingsVerification.Verify(new ContainerConfig(), host, Facts with { CgroupSlices = true }, []));
        Assert.Equal((ErrorKind.InvalidParameter, "cgroup-parent for systemd cgroup should be a valid slice named as \"xxx.slice\""), (error.Kind, error.Message));
        SettingsVerification.Verify(new ContainerConfig(), host, Facts, []);
        SettingsVerification.Verify(new ContainerConfig(), new HostConfig { CgroupParent = "web-front.slice" }, Facts with { CgroupSlices = true }, []);
    }

    [Theory]
    [InlineData("0-1", true)]
    [InlineData("0,1", true)]
    [InlineData("900", false)]
    [InlineData("x", false)]
    [InlineData("1-0", false)]
    public void A_list_of_processors_must_be_one_and_exist(string list, bool fits)
    {
        if (fits) CpuList.Verify(list, "CPUs", "0-1");
        else Assert.Equal(ErrorKind.InvalidParameter, Assert.Throws<EngineException>(() => CpuList.Verify(list, "CPUs", "0-1")).Kind);
    }

    [Theory]
    [InlineData("KILL", 9)]
    [InlineData("SIGKILL", 9)]
    [InlineData("sigterm", 15)]
    [InlineData("9", 9)]
    [InlineData("RTMIN+3", 37)]
    [InlineData("RTMAX-2", 62)]
    public void A_signal_is_known_by_name_or_number(string text, int number) => Assert.Equal(number, Signals.Parse(text));

    [Theory]
    [InlineData("0")]
    [InlineData("65")]
    [InlineData("-9")]
    [InlineData("SIG")]
    [InlineData("RTMIN+99")]
    public void What_is_no_signal_is_refused(string text) => Assert.Equal($"invalid signal: {text}", Assert.Throws<EngineException>(() => Signals.Parse(text)).Message);

    [Theory]
    [InlineData("ok")]
    [InlineData("a.b-c_d")]
    [InlineData("/leading")]
    public void A_good_name_is_taken(string name) => Assert.Equal(name.TrimStart('/'), ContainerNames.Check(name));

    [Theory]
    [InlineData("b@d")]
    [InlineData("a")]
    [InlineData("-x")]
    [InlineData("a b")]
    [InlineData("../x")]
    public void A_bad_name_is_refused(string name) => Assert.Equal($"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", Assert.Throws<EngineException>(() => ContainerNames.Check(name)).Message);

    [Fact]
    public void A_name_of_a_megabyte_is_refused_with_a_short_message() =>
        Assert.True(Assert.Throws<EngineException>(() => ContainerNames.Check(new string('@', 1 << 20))).Message.Length < 1000);
}
