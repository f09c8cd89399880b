using Gantry.Daemon.Options;

namespace Gantry.Unit.Options;

public sealed class DaemonCommandLineTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("gantry-options-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>A configuration file of its own, so that one of this machine plays no part.</summary>
    private string File(string json)
    {
        string path = Path.Combine(folder, "daemon.json");
        System.IO.File.WriteAllText(path, json);
        return path;
    }

    private DaemonInvocation Invoke(string json, params string[] arguments) => DaemonCommandLine.Read(["--config-file", File(json), .. arguments], _ => null);

    private DaemonOptions Options(string json, params string[] arguments)
    {
        var invocation = Invoke(json, arguments);
        return invocation.Options ?? throw new Xunit.Sdk.XunitException(invocation.Text);
    }

    private string Refusal(string json, params string[] arguments)
    {
        var invocation = Invoke(json, arguments);
        Assert.Null(invocation.Options);
        Assert.True(invocation.IsError);
        return invocation.Text.Split('\n')[0];
    }

    [Fact]
    public void Without_anything_the_defaults_hold()
    {
        var options = Options("");
        Assert.Equal("unix:///run/gantry/gantry.sock", Assert.Single(options.Hosts).ToString());
        Assert.Equal(("/var/lib/gantry", "/run/gantry", "/run/gantry/gantryd.pid"), (options.DataRoot, options.ExecRoot, options.PidFile));
        Assert.Equal(("gantry0", false, "docker", true), (options.Bridge, options.BridgeIsNamed, options.SocketGroup, options.SocketGroupIsDefault));
        Assert.Equal(("native", "native", "json-file", 64L << 20), (options.ExecDriver, options.DefaultRuntime, options.LogDriver, options.DefaultShmSize));
    }

    [Fact]
    public void Every_flag_of_the_daemon_is_understood()
    {
        var options = Options("", "-dD", "-H", "unix:///a.sock", "-H", "tcp://:2375", "-G", "adm", "--graph", "/data/", "--exec-root=/exec", "-p", "/x.pid", "-b", "br9", "--default-address-pool", "base=10.9.7.0/16,size=24",
            "--cgroup-parent", "/g", "-s", "vfs", "-e", "runc", "--add-runtime", "runc=/usr/bin/runc", "--storage-opt", "a=b", "--mtu", "1400", "--dns", "10.0.0.1", "--dns-search", "ex.test", "--dns-opt", "ndots:1",
            "--ip", "127.0.0.1", "--icc=false", "--ip-forward=false", "--ip-masq=false", "--tlsverify", "--tlscacert", "/ca", "--tlscert", "/cert", "--tlskey", "/key", "--log-driver", "local", "--log-opt", "max-size=1m",
            "--default-runtime", "native", "--insecure-registry", "10.0.0.0/8", "--registry-mirror", "https://m.test", "--userns-remap", "default", "--init-path", "/init", "--seccomp-profile", "unconfined",
            "--default-ulimit", "nofile=1:2", "--default-shm-size", "1m", "--shutdown-timeout", "7", "--live-restore=false", "--experimental", "--label", "a=b");
        Assert.True(options is { Debug: true, LogLevel: "debug", Experimental: true, LiveRestore: false, InterContainerCommunication: false, IpForward: false, IpMasquerade: false, Mtu: 1400, ShutdownTimeout: 7, DefaultShmSize: 1 << 20 });
        Assert.Equal(["unix:///a.sock", "tcp://127.0.0.1:2375"], options.Hosts.Select(h => h.ToString()));
        Assert.Equal(("/data", "/exec", "/x.pid", "br9", true, "adm", false), (options.DataRoot, options.ExecRoot, options.PidFile, options.Bridge, options.BridgeIsNamed, options.SocketGroup, options.SocketGroupIsDefault));
        Assert.Equal(new AddressPool("10.9.0.0/16", 24), Assert.Single(options.AddressPools));
        Assert.Equal(new UlimitOption("nofile", 1, 2), Assert.Single(options.DefaultUlimits));
        Assert.Equal(("runc", "/usr/bin/runc", "native"), (options.ExecDriver, options.Runtimes["runc"].Path, options.DefaultRuntime));
        Assert.Equal(new TlsOptions { Enabled = true, Verify = true, Authority = "/ca", Certificate = "/cert", Key = "/key" }, options.Tls);
        Assert.Equal(("1m", "https://m.test/", "10.0.0.0/8"), (options.LogOptions["max-size"], options.RegistryMirrors[0], options.InsecureRegistries[0]));
    }

    [Fact]
    public void The_file_sets_the_same_things_under_dockerds_names()
    {
        var options = Options("""
            {"debug": true, "hosts": ["unix:///f.sock"], "data-root": "/f", "mtu": 1300, "storage-opts": ["a=b"], "log-opts": {"max-file": "3"}, "default-address-pools": [{"base": "10.0.0.0/8", "size": 20}],
             "runtimes": {"crun": {"path": "/usr/bin/crun", "runtimeArgs": ["--debug", "--x y"]}}, "default-ulimits": {"nofile": {"Name": "nofile", "Hard": 64, "Soft": 32}}, "labels": ["a=1"], "live-restore": false}
            """);
        Assert.True(options is { Debug: true, DataRoot: "/f", Mtu: 1300, LiveRestore: false });
        Assert.Equal(["--debug", "--x y"], options.Runtimes["crun"].Arguments);
        Assert.Equal((new UlimitOption("nofile", 32, 64), new AddressPool("10.0.0.0/8", 20), "3"), (options.DefaultUlimits[0], options.AddressPools[0], options.LogOptions["max-file"]));
    }

    [Fact]
    public void An_empty_group_leaves_the_socket_to_root() => Assert.Equal(("", false), (Options("", "-G", "").SocketGroup, Options("", "--group=").SocketGroupIsDefault));

    [Fact]
    public void What_flag_and_file_both_give_is_refused_with_both_values() =>
        Assert.Equal(
            $"unable to configure the Gantry daemon with file {folder}/daemon.json: the following directives are specified both as a flag and in the configuration file: "
            + "debug: (from flag: true, from file: false), hosts: (from flag: [unix:///x], from file: [fd://])",
            Refusal("""{"debug": false, "hosts": ["fd://"], "mtu": 1400}""", "-D", "-H", "unix:///x"));

    [Fact]
    public void Unknown_keys_of_the_file_are_named() =>
        Assert.Equal($"unable to configure the Gantry daemon with file {folder}/daemon.json: the following directives don't match any configuration option: nosuch, other", Refusal("""{"other": {}, "nosuch": 1}"""));

    [Theory]
    [InlineData("{bad", "invalid JSON: invalid character 'b' looking for beginning of object key string")]
    [InlineData("[]", "invalid JSON: the configuration must be one object")]
    [InlineData("""{"debug": "yes"}""", "invalid JSON: the value of \"debug\" must be true or false")]
    [InlineData("""{"hosts": "fd://"}""", "invalid JSON: the value of \"hosts\" must be a list of strings")]
    [InlineData("""{"default-address-pools": [{"base": "10.0.0.0/8"}]}""", "invalid JSON: the value of \"default-address-pools\" must be a list of {\"base\": …, \"size\": …}")]
    [InlineData("""{"mtu": -5}""", "invalid argument \"-5\" for \"mtu\": invalid default MTU: -5")]
    public void A_file_that_cannot_be_used_says_why(string json, string reason) =>
        Assert.Equal($"unable to configure the Gantry daemon with file {folder}/daemon.json: {reason}", Refusal(json));

    [Fact]
    public void A_file_that_was_named_must_exist()
    {
        var invocation = DaemonCommandLine.Read(["--config-file", folder + "/nosuch"], _ => null);
        Assert.Equal($"unable to configure the Gantry daemon with file {folder}/nosuch: open {folder}/nosuch: no such file or directory\n", invocation.Text);
        Assert.Equal(1, invocation.ExitCode);
    }

    [Theory]
    [InlineData("You specified -b & --bip, mutually exclusive options. Please specify only one.", "-b", "x", "--bip", "10.0.0.1/8")]
    [InlineData("You specified --iptables=false with --icc=false. ICC uses iptables to function. Please set --icc or --iptables to true.", "--iptables=false", "--icc=false")]
    [InlineData("unknown exec driver x", "-e", "x")]
    [InlineData("specified default runtime 'x' does not exist", "--default-runtime", "x")]
    public void Contradictions_are_refused_with_the_known_texts(string expected, params string[] arguments) => Assert.Equal(expected, Refusal("", arguments));

    [Theory]
    [InlineData("invalid argument \"x\" for \"--log-level\": invalid logging level: x", "--log-level", "x")]
    [InlineData("invalid argument \"[x]\" for \"--label\": bad attribute format: x", "--label", "x")]
    [InlineData("invalid argument \"[a=1 a=2]\" for \"--label\": conflict labels for a=2 and a=1", "--label", "a=1", "--label", "a=2")]
    [InlineData("invalid argument \"[a b]\" for \"--dns-search\": a b is not a valid domain", "--dns-search", "a b")]
    [InlineData("invalid argument \"x\" for \"--bip\": invalid CIDR address: x", "--bip", "x")]
    [InlineData("invalid argument \"[x]\" for \"--default-address-pool\": invalid field 'x' must be a key=value pair", "--default-address-pool", "x")]
    [InlineData("invalid argument \"[base=10.0.0.0/24,size=8]\" for \"--default-address-pool\": size 8 does not fit into 10.0.0.0/24", "--default-address-pool", "base=10.0.0.0/24,size=8")]
    [InlineData("invalid argument \"[native.cgroupdriver=x]\" for \"--exec-opt\": native.cgroupdriver option x not supported: cgroupfs and systemd are", "--exec-opt", "native.cgroupdriver=x")]
    [InlineData("invalid argument \"[native.umask=0]\" for \"--exec-opt\": invalid runtime option: native.umask", "--exec-opt", "native.umask=0")]
    [InlineData("invalid argument \"[native=/x]\" for \"--add-runtime\": runtime name 'native' is reserved", "--add-runtime", "native=/x")]
    [InlineData("invalid argument \"[nofile=5:2]\" for \"--default-ulimit\": ulimit soft limit must be less than or equal to hard limit: nofile=5:2", "--default-ulimit", "nofile=5:2")]
    [InlineData("invalid argument \"x\" for \"--default-shm-size\": invalid size: 'x'", "--default-shm-size", "x")]
    [InlineData("invalid argument \"[udp://x]\" for \"--host\": Invalid bind address protocol: udp://x", "-H", "udp://x")]
    [InlineData("flag provided but not defined: -daemon", "-daemon")]
    [InlineData("flag needs an argument: --data-root", "--data-root")]
    public void A_bad_value_is_a_usage_error(string expected, params string[] arguments)
    {
        var invocation = Invoke("", arguments);
        Assert.Equal(expected, invocation.Text.Split('\n')[0]);
        Assert.Contains("--data-root", invocation.Text, StringComparison.Ordinal);
        Assert.Equal((true, 2), (invocation.IsError, invocation.ExitCode));
    }

    [Theory]
    [InlineData("-v")]
    [InlineData("--version")]
    public void The_version_is_printed_before_anything_else_is_looked_at(string flag)
    {
        var invocation = DaemonCommandLine.Read([flag, "-b", "x", "--bip", "nonsense"], _ => null);
        Assert.Matches("^Gantry version [0-9.]+, build [0-9a-z]+\n$", invocation.Text);
        Assert.Equal((false, 0), (invocation.IsError, invocation.ExitCode));
    }

    [Fact]
    public void Help_shows_every_flag_and_is_no_error()
    {
        var invocation = Invoke("", "--help");
        Assert.Equal((false, 0), (invocation.IsError, invocation.ExitCode));
        Assert.All(["--data-root", "-g", "--bip", "--tlsverify", "--config-file"], flag => Assert.Contains(flag, invocation.Text, StringComparison.Ordinal));
    }

    [Fact]
    public void Left_over_arguments_print_the_usage_and_are_no_error() => Assert.Equal((false, 0), (Invoke("", "-d", "extra").IsError, Invoke("", "-d", "extra").ExitCode));

    [Fact]
    public void The_daemon_asks_for_no_host_in_the_environment()
    {
        var asked = new List<string>();
        DaemonCommandLine.Read(["--config-file", File("")], name =>
        {
            asked.Add(name);
            return null;
        });
        Assert.DoesNotContain("DOCKER_HOST", asked);
        Assert.DoesNotContain("GANTRY_HOST", asked);
    }

    [Theory]
    [InlineData(true, "-d")]
    [InlineData(true, "--daemon")]
    [InlineData(true, "-dD")]
    [InlineData(true, "-Dd", "-H", "unix:///x")]
    [InlineData(true, "-H", "unix:///x", "-d")]
    [InlineData(false, "-H", "-d")]
    [InlineData(false, "start", "-d")]
    [InlineData(false, "-D", "start", "--daemon")]
    [InlineData(false)]
    public void Only_a_flag_before_the_first_word_asks_for_the_daemon(bool expected, params string[] arguments) => Assert.Equal(expected, DaemonCommandLine.AsksForDaemon(arguments));
}
