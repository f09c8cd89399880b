using System.Text.RegularExpressions;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Settings;

/// <summary>Every field of Config and HostConfig, looked at from inside a container. The same rows hold on dockerd 28: see <see cref="SettingsFixture"/>.</summary>
public sealed class SettingsTests(SettingsFixture fixture) : IClassFixture<SettingsFixture>
{
    private readonly TestEngine engine = fixture.Engine;

    public static TheoryData<string, string, string, string> Process => SettingsTable.Process;

    public static TheoryData<string, string, string, string> Security => SettingsTable.Security;

    public static TheoryData<string, string, string, string> Namespaces => SettingsTable.Namespaces;

    public static TheoryData<string, string, string, string> Mounts => SettingsTable.Mounts;

    public static TheoryData<string, string, string, string> Resources => SettingsTable.Resources;

    public static TheoryData<string, string, string> Refusals => SettingsTable.Refusals;

    [Theory, MemberData(nameof(Process))]
    public Task A_setting_of_the_process_holds(string field, string settings, string script, string expected) => HoldsAsync(field, settings, script, expected);

    [Theory, MemberData(nameof(Security))]
    public Task A_setting_of_confinement_holds(string field, string settings, string script, string expected) => HoldsAsync(field, settings, script, expected);

    [Theory, MemberData(nameof(Namespaces))]
    public Task A_setting_of_namespaces_holds(string field, string settings, string script, string expected) => HoldsAsync(field, settings, script, expected);

    [Theory, MemberData(nameof(Mounts))]
    public Task A_mount_is_as_it_was_asked_for(string field, string settings, string script, string expected) => HoldsAsync(field, settings, script, expected);

    [Theory, MemberData(nameof(Resources))]
    public Task A_limit_is_in_force(string field, string settings, string script, string expected) => HoldsAsync(field, settings, script, expected);

    private async Task HoldsAsync(string field, string settings, string script, string expected)
    {
        string output = await fixture.RunAsync(settings, script);
        Assert.True(Regex.IsMatch(output, $@"\A(?:{expected})\z", RegexOptions.None, Regex.InfiniteMatchTimeout), $"{field}: the container says\n{output}\nand not\n{expected}");
    }

    [Theory, MemberData(nameof(Refusals))]
    public async Task A_setting_that_cannot_be_had_is_refused_with_a_reason(string field, string settings, string reason)
    {
        string message = await fixture.RefusalAsync(settings);
        Assert.True(message.Contains(reason, StringComparison.Ordinal), $"{field}: the engine says\n{message}\nand not\n{reason}");
    }

    [Fact]
    public async Task A_shared_ipc_namespace_comes_with_its_shared_memory()
    {
        string donor = await fixture.StartAsync("""{"HostConfig": {"IpcMode": "shareable", "ShmSize": 20971520}}""");
        Assert.Equal((0, ""), await engine.ExecAsync(donor, "echo shared > /dev/shm/f"));
        Assert.Matches("^shared\nsize=20480k$", await fixture.RunAsync($$$"""{"HostConfig": {"IpcMode": "container:{{{donor}}}"}}""", "cat /dev/shm/f; grep -o 'size=20480k' /proc/self/mountinfo"));
        await engine.RemoveAsync(donor);
    }

    [Fact]
    public async Task A_private_ipc_namespace_is_not_shared()
    {
        string donor = await fixture.StartAsync("{}");
        Assert.Contains("non-shareable IPC (hint: use IpcMode:shareable for the donor container)", await fixture.RefusalAsync($$$"""{"HostConfig": {"IpcMode": "container:{{{donor}}}"}}"""), StringComparison.Ordinal);
        await engine.RemoveAsync(donor);
    }

    [Fact]
    public async Task A_shared_pid_namespace_shows_the_others_processes()
    {
        string donor = await fixture.StartAsync("{}");
        Assert.Contains("sleep 60", await fixture.RunAsync($$$"""{"HostConfig": {"PidMode": "container:{{{donor}}}"}}""", "ps"), StringComparison.Ordinal);
        await engine.PostAsync($"/containers/{donor}/stop?t=1");
        Assert.Contains("failed to join PID namespace", await fixture.RefusalAsync($$$"""{"HostConfig": {"PidMode": "container:{{{donor}}}"}}"""), StringComparison.Ordinal);
        await engine.RemoveAsync(donor);
    }

    [Fact]
    public async Task A_shared_network_namespace_has_the_others_interfaces_and_name()
    {
        string donor = await fixture.StartAsync("""{"Hostname": "donor"}""");
        string script = "hostname; cat /etc/hostname; ip -o link show eth0 | grep -o 'link/ether [0-9a-f:]*'";
        var (_, own) = await engine.ExecAsync(donor, script);
        Assert.Equal(own.TrimEnd('\n'), await fixture.RunAsync($$$"""{"HostConfig": {"NetworkMode": "container:{{{donor}}}"}}""", script));
        await engine.RemoveAsync(donor);
    }

    [Fact]
    public async Task Volumes_are_taken_over_from_another_container()
    {
        string donor = await fixture.StartAsync("""{"Volumes": {"/data": {}}}""");
        Assert.Equal((0, ""), await engine.ExecAsync(donor, "echo kept > /data/f"));
        Assert.Equal("kept", await fixture.RunAsync($$$"""{"HostConfig": {"VolumesFrom": ["{{{donor}}}"]}}""", "cat /data/f"));
        Assert.Contains("Read-only", await fixture.RunAsync($$$"""{"HostConfig": {"VolumesFrom": ["{{{donor}}}:ro"]}}""", "echo x > /data/f"), StringComparison.Ordinal);
        await engine.RemoveAsync(donor);
    }

    [Fact]
    public async Task A_volume_that_is_a_file_system_of_its_own_is_shared_by_those_who_run()
    {
        string name = fixture.Image + "-tmpfs";
        _ = (await engine.PostAsync("/volumes/create", System.Text.Json.Nodes.JsonNode.Parse($$$"""{"Name": "{{{name}}}", "DriverOpts": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=5"}}"""))).Result;
        string first = await fixture.StartAsync($$$"""{"HostConfig": {"Binds": ["{{{name}}}:/d"]}}""");
        Assert.Equal((0, "5\n1024\n"), await engine.ExecAsync(first, "echo here > /d/f; stat -c %u /d; df -k /d | tail -1 | tr -s ' ' | cut -d' ' -f2"));
        Assert.Equal("here", await fixture.RunAsync($$$"""{"HostConfig": {"Binds": ["{{{name}}}:/e"]}}""", "cat /e/f"));
        Assert.Equal("Read-only", await fixture.RunAsync($$$"""{"HostConfig": {"Binds": ["{{{name}}}:/e:ro"]}}""", "touch /e/x 2>&1 | grep -o Read-only"));
        await engine.RemoveAsync(first);
        Assert.Equal("0", await fixture.RunAsync($$$"""{"HostConfig": {"Binds": ["{{{name}}}:/e"]}}""", "ls -A /e | wc -l"));
        await engine.DeleteAsync("/volumes/" + name);
    }

    [Theory]
    [InlineData("nosuchfs", "x", "", "no such device")]
    [InlineData("ext4", "/dev/nosuch", "", "no such file or directory")]
    [InlineData("tmpfs", "tmpfs", "bad=1", ", data: bad=1: invalid argument")]
    public async Task A_volume_that_cannot_be_mounted_says_why(string type, string device, string options, string reason)
    {
        string name = fixture.Image + "-bad";
        _ = (await engine.PostAsync("/volumes/create", System.Text.Json.Nodes.JsonNode.Parse($$$"""{"Name": "{{{name}}}", "DriverOpts": {"type": "{{{type}}}", "device": "{{{device}}}", "o": "{{{options}}}"}}"""))).Result;
        string message = await fixture.RefusalAsync($$$"""{"HostConfig": {"Binds": ["{{{name}}}:/d"]}}""");
        await engine.DeleteAsync("/volumes/" + name);
        Assert.Contains("failed to mount local volume: mount " + device, message, StringComparison.Ordinal);
        Assert.EndsWith(reason, message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_process_limit_bites() =>
        Assert.Matches("fork|Resource temporarily", await fixture.RunAsync("""{"HostConfig": {"PidsLimit": 4}}""", "for i in 1 2 3 4 5 6; do sleep 1000 & done"));

    [Fact]
    public async Task A_process_of_exec_has_the_groups_of_its_user_and_of_the_container()
    {
        string id = await fixture.StartAsync("""{"User": "5", "HostConfig": {"GroupAdd": ["777"]}}""");
        Assert.Equal((0, "0 777\n"), await engine.ExecAsync(id, "id -G"));
        await engine.RemoveAsync(id);
    }

    [Fact]
    public async Task A_user_owns_its_streams_and_not_the_hosts_devices()
    {
        Assert.Equal("out\nerr\n64242 64242", await fixture.RunAsync("""{"User": "64242"}""", "echo out > /dev/stdout; echo err >> /dev/stdout; stat -L -c %u /proc/self/fd/1 /proc/self/fd/2 | tr '\\n' ' ' | sed 's/ $//'"));
        string id = await fixture.StartAsync("{}");
        var exec = await engine.PostAsync($"/containers/{id}/exec", new System.Text.Json.Nodes.JsonObject { ["Cmd"] = new System.Text.Json.Nodes.JsonArray("true"), ["User"] = "64242" });
        await engine.PostAsync($"/exec/{exec.Result.GetProperty("Id").GetString()}/start", new System.Text.Json.Nodes.JsonObject { ["Detach"] = true });
        await engine.RemoveAsync(id);
        Assert.NotEqual("64242", (await Programs.RunAsync("stat", ["-c", "%u", "/dev/null"])).Text);
    }

    [Fact]
    public async Task Masked_paths_do_not_lead_to_the_hosts_devices()
    {
        Assert.Equal("done", await fixture.RunAsync("{}", "chmod 640 /proc/keys /proc/timer_list 2> /dev/null; chown 64243 /proc/keys /proc/timer_list 2> /dev/null; echo done"));
        Assert.DoesNotMatch("^64243|640$", (await Programs.RunAsync("stat", ["-c", "%u %a", "/dev/null"])).Text);
    }
}
