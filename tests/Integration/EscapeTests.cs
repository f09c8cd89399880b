using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration;

/// <summary>The escapes of the past, tried against this engine's native driver: each attack is made for real, and must lead nowhere.</summary>
public sealed class EscapeTests : IClassFixture<BusyboxFixture>, IDisposable
{
    private const int ReadOnlyFileSystem = 30;   // EROFS
    private readonly TestEngine engine;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("gantry-escape-");

    public EscapeTests(BusyboxFixture fixture)
    {
        engine = fixture.Engine;
        File.WriteAllText(Marker, "the host's secret");
    }

    public void Dispose() => folder.Delete(recursive: true);

    /// <summary>A file of the host that no container is given.</summary>
    private string Marker => Path.Combine(folder.FullName, "marker");

    private static JsonObject Host(string json) => JsonNode.Parse(json)!.AsObject();

    private async Task<ApiAnswer> TryStartAsync(JsonObject request, Func<string, Task>? look = null)
    {
        var created = await engine.PostAsync("/containers/create", request);
        if (created.Status != 201) return created;
        string id = created.Result.GetProperty("Id").GetString()!;
        var started = await engine.PostAsync($"/containers/{id}/start");
        if (started.Status == 204 && look is not null) await look(id);
        await engine.RemoveAsync(id);
        return started;
    }

    /// <summary>
    /// The runtime's own program, run again inside as /proc/self/exe, with a loader of the attacker's that opens it for writing. Opening with O_TRUNC tells
    /// a read-only mount (EROFS) from a program that merely is busy right now (ETXTBSY).
    /// </summary>
    [Fact]
    public async Task CVE_2019_5736_The_engines_program_cannot_be_written_through_proc_self_exe()
    {
        Assert.True(RuntimeInformation.ProcessArchitecture == Architecture.X64, "the attack is written for x86-64");
        string loader = Path.Combine(folder.FullName, "loader");
        File.WriteAllBytes(loader, TinyProgram.OpensItsProgramForWriting());
        File.SetUnixFileMode(loader, (UnixFileMode)0x1ed);
        byte[] before = File.ReadAllBytes(TestEngine.DaemonProgram);
        var binds = new JsonArray($"{loader}:/lib64/ld-linux-x86-64.so.2");

        // As a container's command.
        string id = await engine.RunAsync(new JsonObject { ["Image"] = "busybox", ["Cmd"] = new JsonArray("/proc/self/exe"), ["HostConfig"] = new JsonObject { ["Binds"] = binds.DeepClone() } });
        Assert.Equal(ReadOnlyFileSystem, await engine.WaitAsync(id));
        await engine.RemoveAsync(id);

        // As the interpreter of what somebody runs by exec.
        id = await engine.RunAsync(Api.Script("printf '#!/proc/self/exe\\n' > /bin/trap; chmod 755 /bin/trap; sleep 60", new JsonObject { ["Binds"] = binds }));
        await engine.ExecAsync(id, "until test -x /bin/trap; do sleep 0.05; done");
        var exec = (await engine.PostAsync($"/containers/{id}/exec", new JsonObject { ["Cmd"] = new JsonArray("/bin/trap"), ["AttachStdout"] = true })).Result.GetProperty("Id").GetString();
        await engine.PostAsync($"/exec/{exec}/start", new JsonObject { ["Detach"] = true });
        JsonElement state = default;
        await Eventually.IsAsync(async () => !(state = (await engine.GetAsync($"/exec/{exec}/json")).Result).GetProperty("Running").GetBoolean());
        Assert.Equal(ReadOnlyFileSystem, state.GetProperty("ExitCode").GetInt32());
        await engine.RemoveAsync(id);
        Assert.Equal(before, File.ReadAllBytes(TestEngine.DaemonProgram));
    }

    /// <summary>A working directory that is one of the runtime's own open descriptors.</summary>
    [Fact]
    public async Task CVE_2024_21626_No_descriptor_of_the_engine_can_be_a_working_directory()
    {
        string climb = $"cat ../../../../../../../../../..{Marker} 2>&1";
        for (int fd = 3; fd < 32; fd++)
        {
            var request = Api.Script(climb);
            request["WorkingDir"] = $"/proc/self/fd/{fd}";
            await TryStartAsync(request, async id =>
            {
                await engine.WaitAsync(id);
                Assert.DoesNotContain("secret", await engine.LogsAsync(id), StringComparison.Ordinal);
            });
        }
        string victim = await engine.RunAsync(Api.Script("for i in 3 4 5 6 7 8 9 10 11 12 13 14 15; do ln -s /proc/self/fd/$i /fd$i; done; sleep 60"));
        for (int fd = 3; fd < 16; fd++)
        {
            foreach (string directory in new[] { $"/proc/self/fd/{fd}", $"/fd{fd}" })
            {
                var made = await engine.PostAsync($"/containers/{victim}/exec", new JsonObject { ["Cmd"] = new JsonArray("sh", "-c", climb), ["AttachStdout"] = true, ["AttachStderr"] = true, ["WorkingDir"] = directory });
                var (_, output) = await engine.StartExecAsync(made.Result.GetProperty("Id").GetString()!);
                Assert.DoesNotContain("secret", output, StringComparison.Ordinal);
                Assert.Contains("chdir to cwd", output, StringComparison.Ordinal);
            }
        }
        await engine.RemoveAsync(victim);
    }

    /// <summary>A volume in which somebody swaps a folder and a link to the root while other containers mount something below it.</summary>
    [Fact]
    public async Task CVE_2021_30465_A_link_that_appears_while_mounts_are_made_leads_nowhere()
    {
        string shared = Path.Combine(folder.FullName, "shared"), bound = Path.Combine(folder.FullName, "bound");
        Directory.CreateDirectory(Path.Combine(shared, "race", "deep"));
        Directory.CreateDirectory(bound);
        File.WriteAllText(Path.Combine(bound, "f"), "bound");
        string attacker = await engine.RunAsync(Api.Script(
            "cd /v; mkdir -p alt/deep; ln -s / link; while :; do mv -T race tmp; mv -T link race; mv -T race link; mv -T tmp race; done", Host($$"""{"Binds": ["{{shared}}:/v"]}""")));
        string[] before = HostMounts();
        for (int round = 0; round < 40; round++)
        {
            var request = Api.Script($"cat /v/race/deep/f /deep/f 2>/dev/null; cat {Marker} /v/race{Marker} 2>/dev/null; ls /v/race/root/.nuget 2>/dev/null",
                Host($$"""{"Binds": ["{{shared}}:/v", "{{bound}}:/v/race/deep"]}"""));
            await TryStartAsync(request, async id =>
            {
                await engine.WaitAsync(id);
                string output = await engine.LogsAsync(id);
                Assert.DoesNotContain("secret", output, StringComparison.Ordinal);
                Assert.DoesNotContain("packages", output, StringComparison.Ordinal);
            });
            Assert.False(Directory.Exists("/deep"), "something was made in the host's root");
        }
        await engine.RemoveAsync(attacker);
        Assert.Equal(before, HostMounts());
    }

    private string[] HostMounts() => [.. File.ReadLines("/proc/self/mountinfo").Where(l => l.Contains(folder.Name, StringComparison.Ordinal) || l.Contains(" /deep", StringComparison.Ordinal))];

    /// <summary>A release agent is run by the kernel as the host's root: neither the groups that a container sees nor a user namespace of its own give it one.</summary>
    [Fact]
    public async Task CVE_2022_0492_A_container_cannot_set_a_release_agent()
    {
        string[] agents = [.. Directory.GetDirectories("/sys/fs/cgroup").Select(d => Path.Combine(d, "release_agent")).Where(File.Exists)];
        string[] before = [.. agents.Select(File.ReadAllText)];
        string attack = $"""
            for d in /sys/fs/cgroup /sys/fs/cgroup/*; do
              (echo "#!/bin/sh" > $d/release_agent && echo AGENT $d) 2>/dev/null
              (echo /bin/true > $d/release_agent && echo AGENT $d) 2>/dev/null
              (echo 1 > $d/notify_on_release && echo NOTIFY $d) 2>/dev/null
              (mkdir $d/x && echo GROUP $d) 2>/dev/null
            done
            mkdir -p /tmp/c
            for kind in memory pids rdma freezer name=systemd name=mine none,name=mine2; do
              (mount -t cgroup -o $kind c /tmp/c && echo /bin/true > /tmp/c/release_agent && echo AGENT $kind) 2>/dev/null
              unshare -Ur -m sh -c "mount -t cgroup -o $kind c /tmp/c && echo /bin/true > /tmp/c/release_agent && echo AGENT $kind in a user namespace" 2>/dev/null
            done
            echo tried
            """;
        foreach (string security in new[] { "{}", """{"SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"]}""" })
            Assert.Equal((0, "tried\n"), await engine.ScriptAsync(attack, Host(security)));
        Assert.Equal(before, agents.Select(File.ReadAllText));
    }

    /// <summary>A process of the container that looks at every other one all the time, with the right to trace them, while somebody uses exec.</summary>
    [Theory]
    [InlineData("{}")]
    [InlineData("""{"CapAdd": ["SYS_PTRACE"]}""")]
    public async Task CVE_2016_9962_A_process_that_enters_brings_no_descriptor_of_the_engine(string host)
    {
        string id = await engine.RunAsync(Api.Script("ls -l /proc/[0-9]*/fd /proc/[0-9]*/root /proc/[0-9]*/cwd > /seen 2>/dev/null; while :; do ls -l /proc/[0-9]*/fd /proc/[0-9]*/root /proc/[0-9]*/cwd >> /seen 2>/dev/null; done", Host(host)));
        for (int round = 0; round < 40; round++) Assert.Equal((0, "in\n"), await engine.ExecAsync(id, "echo in"));
        var (_, targets) = await engine.ExecAsync(id, "sed -n 's/.* -> //p' /seen | sed 's/[0-9]\\+/N/g' | sort -u");
        await engine.RemoveAsync(id);
        string[] allowed = ["/dev/null", "pipe:[N]", "/seen", "/proc/N/fd", "/proc", "/", "/proc/N/fd (deleted)", "/dev/tty"];
        Assert.DoesNotContain(targets.Split('\n', StringSplitOptions.RemoveEmptyEntries), t => !allowed.Contains(t) && !t.StartsWith("/proc/N", StringComparison.Ordinal) && !t.StartsWith("/bin/", StringComparison.Ordinal) && t != "/seen");
    }

    /// <summary>A /proc of the image's own would take what the engine writes there, and show nothing that is masked.</summary>
    [Theory]
    [InlineData("/proc")]
    [InlineData("/proc/self")]
    [InlineData("/proc/self/attr")]
    public async Task CVE_2019_16884_A_volume_of_the_image_cannot_take_the_place_of_proc(string path)
    {
        var request = Api.Script("true");
        request["Volumes"] = new JsonObject { [path] = new JsonObject() };
        var answer = await TryStartAsync(request);
        Assert.InRange(answer.Status, 400, 500);
        Assert.Contains("cannot be mounted because it is", answer.Message, StringComparison.Ordinal);
    }

    /// <summary>An image whose /proc or /sys is a link into a volume.</summary>
    [Theory]
    [InlineData("proc")]
    [InlineData("sys")]
    public async Task CVE_2023_27561_A_link_in_the_place_of_proc_does_not_undo_the_masks(string name)
    {
        string image = "linked-" + name;
        await engine.ImportBusyboxAsync(image, (name, "/volume/" + name));
        var request = Api.Script(
            "stat -f -c %T /proc /sys; test -L /proc && echo link; test -L /sys && echo link; wc -c < /proc/keys; ls /sys/firmware | wc -l; (echo 1 > /proc/sys/kernel/msgmax) 2>/dev/null && echo written; ls /volume",
            Host("""{"Mounts": [{"Type": "tmpfs", "Target": "/volume"}]}"""));
        request["Image"] = image;
        await TryStartAsync(request, async id =>
        {
            await engine.WaitAsync(id);
            Assert.Equal("proc\nsysfs\n0\n0\n", await engine.LogsAsync(id));
        });
        await engine.DeleteAsync($"/images/{image}?force=1");
    }

    /// <summary>A /dev in which somebody else has made links of the nodes that the engine uses to mask with.</summary>
    [Fact]
    public async Task CVE_2025_31133_A_changed_dev_null_is_not_what_masks()
    {
        string dev = Path.Combine(folder.FullName, "dev");
        Directory.CreateDirectory(dev);
        foreach (string node in new[] { "null", "zero", "console" }) File.CreateSymbolicLink(Path.Combine(dev, node), "/proc/sys/kernel/domainname");
        var (code, output) = await engine.ScriptAsync("stat -c '%F %t:%T' /proc/keys /proc/interrupts; wc -c < /proc/keys; (echo owned > /proc/keys) 2>/tmp/e; cat /proc/sys/kernel/domainname; (echo owned > /proc/sys/kernel/domainname) 2>/tmp/e && echo written; exit 0",
            Host($$"""{"Binds": ["{{dev}}:/dev"]}"""));
        Assert.Equal(0, code);
        Assert.Equal("character special file 1:3\ncharacter special file 1:3\n0\n(none)\n", output);
    }

    /// <summary>The terminal is mounted at /dev/console before anything is masked: a link there must not carry it elsewhere.</summary>
    [Theory]
    [InlineData("/proc/sysrq-trigger")]
    [InlineData("/proc/sys/kernel/domainname")]
    [InlineData("../../../../../../etc/hostname")]
    public async Task CVE_2025_52565_A_link_at_dev_console_does_not_carry_the_terminal_elsewhere(string target)
    {
        string dev = Path.Combine(folder.FullName, "dev");
        Directory.CreateDirectory(dev);
        File.CreateSymbolicLink(Path.Combine(dev, "console"), target);
        byte[] before = File.ReadAllBytes("/etc/hostname");
        var request = Api.Script("grep -c devpts /proc/self/mountinfo", Host($$"""{"Binds": ["{{dev}}:/dev", "/dev/pts:/dev/pts"]}"""));
        request["Tty"] = true;
        var answer = await TryStartAsync(request);
        Assert.Equal(500, answer.Status);
        Assert.True(answer.Message.Contains("/dev/console", StringComparison.Ordinal), answer.Message);
        Assert.Equal(before, File.ReadAllBytes("/etc/hostname"));
        Assert.DoesNotContain(File.ReadLines("/proc/self/mountinfo"), l => l.Contains(" /etc/hostname ", StringComparison.Ordinal) && l.Contains("devpts", StringComparison.Ordinal));
    }

    /// <summary>What the engine writes to /proc at a start goes to a proc that nobody else has: neither a bound one nor a mount in it can redirect it.</summary>
    [Fact]
    public async Task CVE_2025_52881_What_is_written_to_proc_cannot_be_led_elsewhere()
    {
        const string sysctl = "/proc/sys/net/ipv4/conf/lo/rp_filter";
        string before = File.ReadAllText(sysctl), wanted = before.Trim() == "2" ? "1" : "2";
        foreach (string mounts in new[] { """{"Tmpfs": {"/proc/sys/net": ""}}""", """{"Tmpfs": {"/proc/sys": ""}}""", """{"Tmpfs": {"/proc": ""}}""", $$"""{"Binds": ["{{folder.FullName}}:/proc/self/attr"]}""" })
        {
            var refused = Host(mounts);
            refused["Sysctls"] = new JsonObject { ["net.ipv4.conf.lo.rp_filter"] = wanted };
            var answer = await TryStartAsync(Api.Script("true", refused));
            Assert.Equal(500, answer.Status);
            Assert.Contains("cannot be mounted because it is", answer.Message, StringComparison.Ordinal);
        }
        var bound = Host("""{"Binds": ["/proc:/proc"]}""");
        bound["Sysctls"] = new JsonObject { ["net.ipv4.conf.lo.rp_filter"] = wanted };
        Assert.Equal((0, wanted + "\n"), await engine.ScriptAsync($"cat {sysctl}", bound));
        Assert.Equal(before, File.ReadAllText(sysctl));
    }
}
