using System.Formats.Tar;
using System.Text;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration;

/// <summary>An engine with <c>--userns-remap</c>, and ids set aside for it in the machine's lists while its tests run.</summary>
public sealed class RemappedFixture : IAsyncLifetime
{
    public const uint First = 300000;
    private const string Owner = "gantry-remap-test";
    private static readonly string Line = $"{Owner}:{First}:65536";

    internal TestEngine Engine { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        foreach (string file in (string[])["/etc/subuid", "/etc/subgid"]) await File.AppendAllTextAsync(file, Line + "\n");
        Engine = await TestEngine.StartAsync("--userns-remap", Owner);
        await Engine.ImportBusyboxAsync();
    }

    public async Task DisposeAsync()
    {
        await Engine.DisposeAsync();
        foreach (string file in (string[])["/etc/subuid", "/etc/subgid"])
            await File.WriteAllLinesAsync(file, (await File.ReadAllLinesAsync(file)).Where(l => l != Line));
    }
}

/// <summary>Containers whose root is nobody on the host.</summary>
public sealed class UserNamespaceTests(RemappedFixture fixture) : IClassFixture<RemappedFixture>
{
    private readonly TestEngine engine = fixture.Engine;

    private static JsonObject Host(string json) => JsonNode.Parse(json)!.AsObject();

    private static string Status(int pid, string field) => File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith(field + ":", StringComparison.Ordinal))[(field.Length + 1)..].Trim();

    [Fact]
    public async Task Root_in_a_container_is_a_subordinate_id_on_the_host()
    {
        string id = await engine.RunAsync(Api.Script("id -u; tr -s ' ' < /proc/self/uid_map; stat -c '%u:%g' / /etc/hosts /dev/pts; sleep 60"));
        int pid = (await engine.InspectAsync(id)).GetProperty("State").GetProperty("Pid").GetInt32();
        Assert.Equal($"{RemappedFixture.First}\t{RemappedFixture.First}\t{RemappedFixture.First}\t{RemappedFixture.First}", Status(pid, "Uid"));
        var (_, exec) = await engine.ExecAsync(id, "id -u; readlink /proc/self/ns/user; readlink /proc/1/ns/user");
        string[] lines = exec.Split('\n');
        Assert.Equal(("0", lines[2]), (lines[0], lines[1]));
        await Eventually.IsAsync(async () => (await engine.LogsAsync(id)).Count(c => c == '\n') >= 5);
        Assert.Equal($"0\n 0 {RemappedFixture.First} 65536\n0:0\n0:0\n0:0\n", await engine.LogsAsync(id));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task What_a_container_writes_is_on_disk_as_it_wrote_it()
    {
        var request = Api.Script("touch /mine; chown 12:34 /mine; touch /data/vol; chown 56:78 /data/vol", Host("""{"Binds": ["kept:/data"]}"""));
        string id = await engine.RunAsync(request);
        Assert.Equal(0, await engine.WaitAsync(id));
        Assert.Equal("12:34", (await Programs.RunAsync("stat", ["-c", "%u:%g", Path.Combine(engine.DataRoot, "containers", id, "upper", "mine")])).Text);
        Assert.Equal("56:78", (await Programs.RunAsync("stat", ["-c", "%u:%g", Path.Combine(engine.DataRoot, "volumes", "kept", "_data", "vol")])).Text);
        await engine.RemoveAsync(id);
        Assert.Equal((0, "56:78\n"), await engine.ScriptAsync("stat -c %u:%g /data/vol", Host("""{"Binds": ["kept:/data"]}""")));
        Assert.Equal((0, "56:78\n"), await engine.ScriptAsync("stat -c %u:%g /data/vol", Host("""{"Binds": ["kept:/data"], "UsernsMode": "host"}""")));
    }

    [Fact]
    public async Task Root_in_a_container_has_no_rights_over_what_is_the_hosts()
    {
        using var folder = new TemporaryFolder();
        File.SetUnixFileMode(folder.Path, (UnixFileMode)0x1ed);
        File.WriteAllText(Path.Combine(folder.Path, "secret"), "the host's");
        File.SetUnixFileMode(Path.Combine(folder.Path, "secret"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var (_, output) = await engine.ScriptAsync("cat /host/secret; touch /host/x; stat -c %u /host/secret; chmod 666 /dev/null 2>&1 | grep -o 'not permitted'; mknod /x c 1 3", Host($$"""{"Binds": ["{{folder.Path}}:/host"]}"""));
        Assert.DoesNotContain("the host's", output, StringComparison.Ordinal);
        Assert.Contains("65534", output, StringComparison.Ordinal);
        Assert.Contains("not permitted", output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(folder.Path, "x")));
    }

    [Fact]
    public async Task The_networks_and_namespaces_of_a_container_belong_to_it()
    {
        var host = Host("""{"CapAdd": ["NET_ADMIN", "SYS_ADMIN"], "SecurityOpt": ["seccomp=unconfined"], "Sysctls": {"net.ipv4.ip_forward": "1"}, "Devices": [{"PathOnHost": "/dev/zero", "PathInContainer": "/dev/z", "CgroupPermissions": "rwm"}]}""");
        Assert.Equal((0, "1400\nmounted\nnamed\n1\n4\n"), await engine.ScriptAsync(
            "ip link set eth0 mtu 1400 && cat /sys/class/net/eth0/mtu; mount -t tmpfs x /mnt 2>/dev/null || { mkdir -p /mnt; mount -t tmpfs x /mnt; } && echo mounted; hostname renamed && hostname | grep -q renamed && echo named; cat /proc/sys/net/ipv4/ip_forward; head -c 4 /dev/z | wc -c", host));
    }

    [Fact]
    public async Task A_terminal_and_a_user_by_name_work_in_a_user_namespace()
    {
        var request = Api.Script("tty; id -un; echo out > /dev/stdout");
        (request["Tty"], request["User"]) = (true, "nobody");
        string id = await engine.RunAsync(request);
        Assert.Equal(0, await engine.WaitAsync(id));
        Assert.Equal("/dev/pts/0\r\nnobody\r\nout\r\n", await engine.RawLogsAsync(id));
        await engine.RemoveAsync(id);
        Assert.Equal((0, "nobody\nout\n"), await engine.ScriptAsync("su nobody -s /bin/sh -c id 2>/dev/null | grep -o nobody | head -1; echo out > /dev/stdout"));
    }

    [Fact]
    public async Task A_container_may_ask_for_the_hosts_ids()
    {
        Assert.Equal((0, " 0 0 4294967295\n"), await engine.ScriptAsync("tr -s ' ' < /proc/self/uid_map", Host("""{"UsernsMode": "host"}""")));
        Assert.Equal((0, "0\n"), await engine.ScriptAsync("grep -c ' /proc/' /proc/self/mountinfo", Host("""{"UsernsMode": "host", "Privileged": true}""")) is var (_, count) ? (0, count) : default);
    }

    [Theory]
    [InlineData("""{"Privileged": true}""", "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode")]
    [InlineData("""{"NetworkMode": "host"}""", "cannot share the host's network namespace when user namespaces are enabled")]
    [InlineData("""{"PidMode": "host"}""", "cannot share the host PID namespace when user namespaces are enabled")]
    public async Task What_a_user_namespace_cannot_have_is_refused(string host, string reason)
    {
        var answer = await engine.PostAsync("/containers/create", Api.Script("true", Host(host)));
        Assert.Equal((400, reason), (answer.Status, answer.Message));
    }

    [Fact]
    public async Task Containers_of_one_engine_share_namespaces()
    {
        string donor = await engine.RunAsync(Api.Script("echo shared > /dev/shm/f; sleep 60", Host("""{"IpcMode": "shareable"}""")));
        await engine.ExecAsync(donor, "until test -e /dev/shm/f; do sleep 0.05; done");
        var (code, output) = await engine.ScriptAsync("cat /dev/shm/f; ps | grep -c 'root *sleep 60'; ls /sys/class/net | grep -c eth0", Host($$"""{"IpcMode": "container:{{donor}}", "PidMode": "container:{{donor}}", "NetworkMode": "container:{{donor}}"}"""));
        Assert.Equal(0, code);
        Assert.Matches("^shared\n1\n1\n$", output);
        await engine.RemoveAsync(donor);
    }

    [Fact]
    public async Task Files_are_copied_into_a_running_container_and_out_as_it_sees_them()
    {
        string id = await engine.RunAsync(Api.Script("mkdir -m 700 /tmp/hers; chown 5:6 /tmp/hers; touch /ready; sleep 600", Host("""{"Binds": ["copied:/data"], "Tmpfs": {"/t": ""}}""")));
        await engine.ExecAsync(id, "until test -e /ready; do sleep 0.05; done");
        byte[] capabilities = Convert.FromHexString("0100000200200000000000000000000000000000");   // cap_net_raw=ep
        using var archive = new MemoryStream();
        await using (var tar = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, "d") { Uid = 7, Gid = 8, Mode = (UnixFileMode)0x1ed });
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "d/f") { Uid = 12, Gid = 34, Mode = (UnixFileMode)0x1a4, DataStream = new MemoryStream("hello"u8.ToArray()) });
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, "d/l") { LinkName = "f" });
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "d/ping", new Dictionary<string, string> { ["SCHILY.xattr.security.capability"] = Encoding.Latin1.GetString(capabilities) }) { Mode = (UnixFileMode)0x1ed });
        }
        foreach (string place in (string[])["/tmp/hers", "/data", "/t"])
        {
            var answer = await engine.SendAsync(HttpMethod.Put, $"/containers/{id}/archive?path={place}", new ByteArrayContent(archive.ToArray()));
            Assert.True(answer.Status == 200, answer.Body);
            var (_, seen) = await engine.ExecAsync(id, $"cd {place}; stat -c '%u:%g %a' d d/f d/l d/ping; cat d/f");
            Assert.Equal("7:8 755\n12:34 644\n0:0 777\n0:0 755\nhello", seen);
            byte[] back = await engine.Http.GetByteArrayAsync($"/v1.51/containers/{id}/archive?path={place}/d");
            using var reader = new TarReader(new MemoryStream(back));
            var entries = new Dictionary<string, PaxTarEntry>();
            while (await reader.GetNextEntryAsync(copyData: true) is { } entry) entries[entry.Name] = (PaxTarEntry)(entry as PaxTarEntry ?? new PaxTarEntry(entry));
            Assert.Equal((12, 34), (entries["d/f"].Uid, entries["d/f"].Gid));
            Assert.Equal(capabilities, Encoding.Latin1.GetBytes(entries["d/ping"].ExtendedAttributes["SCHILY.xattr.security.capability"]));
        }
        await engine.PostAsync($"/containers/{id}/stop?t=0");
        var (code, kept) = await engine.ScriptAsync("stat -c %u:%g /data/d/f", Host("""{"Binds": ["copied:/data"], "UsernsMode": "host"}"""));
        Assert.Equal((0, "12:34\n"), (code, kept));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task An_owner_whom_the_namespace_does_not_have_cannot_be_given()
    {
        string id = await engine.RunAsync(Api.Script("sleep 600"));
        using var archive = new MemoryStream();
        await using (var tar = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true)) await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "f") { Uid = 70000 });
        var answer = await engine.SendAsync(HttpMethod.Put, $"/containers/{id}/archive?path=/tmp", new ByteArrayContent(archive.ToArray()));
        Assert.Equal("\"f\" belongs to 70000:0, which does not exist in the container's user namespace", answer.Message);
        await engine.RemoveAsync(id);
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("gantry-remap-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
