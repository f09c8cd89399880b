using System.Formats.Tar;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Integration.Harness;

namespace Gantry.Integration.Runtime;

/// <summary>gantry-runtime on the command line, with plain bundles.</summary>
public sealed class RuntimeTests : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("gantry-rt-");
    private readonly string id = "rt" + Guid.NewGuid().ToString("n")[..12];

    private string Program => Path.Combine(folder.FullName, "gantry-runtime");

    private string BundleFolder => Path.Combine(folder.FullName, "bundle");

    private string Log => Path.Combine(folder.FullName, "log");

    public async Task InitializeAsync()
    {
        File.CreateSymbolicLink(Program, TestEngine.DaemonProgram);
        Directory.CreateDirectory(Path.Combine(BundleFolder, "rootfs"));
        await TarFile.ExtractToDirectoryAsync(new MemoryStream(await Rootfs.BusyboxAsync()), Path.Combine(BundleFolder, "rootfs"), overwriteFiles: false);
    }

    public async Task DisposeAsync()
    {
        await CallAsync("delete", "--force", id);
        CgroupFolders.RemoveUnused("gantry-runtime");
        folder.Delete(recursive: true);
    }

    private Task<ProgramResult> CallAsync(params string[] words) => Programs.RunAsync(Program, ["--root", Path.Combine(folder.FullName, "state"), "--log", Log, "--log-format", "json", .. words]);

    /// <summary>Writes the bundle's config: what <c>spec</c> makes, with a script as its command.</summary>
    private async Task BundleAsync(string script, Action<JsonNode>? change = null)
    {
        string file = Path.Combine(BundleFolder, "config.json");
        File.Delete(file);
        _ = (await CallAsync("spec", "--bundle", BundleFolder)).Text;
        var spec = JsonNode.Parse(await File.ReadAllTextAsync(file))!;
        spec["process"]!["terminal"] = false;
        spec["process"]!["args"] = new JsonArray("sh", "-c", script);
        change?.Invoke(spec);
        await File.WriteAllTextAsync(file, spec.ToJsonString());
    }

    /// <summary>Creates with standard streams that nobody keeps: the container holds them, and a pipe of this process's would not end.</summary>
    private Task<ProgramResult> CreateAsync(params string[] more) =>
        Programs.RunAsync("sh", ["-c", "exec \"$0\" \"$@\" > " + Path.Combine(folder.FullName, "out") + " 2>&1 < /dev/null", Program, "--root", Path.Combine(folder.FullName, "state"), "--log", Log, "--log-format", "json", "create", "--bundle", BundleFolder, .. more, id]);

    private async Task<string> OutputAsync() => await File.ReadAllTextAsync(Path.Combine(folder.FullName, "out"));

    private async Task<JsonElement> StateAsync() => JsonDocument.Parse((await CallAsync("state", id)).Text).RootElement;

    private async Task<string> StatusAsync() => (await StateAsync()).GetProperty("status").GetString()!;

    private async Task UntilAsync(string status)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await StatusAsync() != status) await Task.Delay(20, limit.Token);
    }

    [Fact]
    public async Task Run_passes_streams_and_the_code_and_leaves_nothing()
    {
        await BundleAsync("echo out; echo err >&2; hostname; exit 7");
        var run = await CallAsync("run", "--bundle", BundleFolder, id);
        Assert.Equal((7, "out\ngantry\n", "err\n"), (run.ExitCode, run.Output, run.Error));
        Assert.Equal(1, (await CallAsync("state", id)).ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(folder.FullName, "state")));
        Assert.Empty(CgroupFolders.OfContainer(id));
    }

    [Fact]
    public async Task A_capability_is_ambient_where_it_is_permitted_and_inheritable_and_is_left_out_elsewhere()
    {
        const int kill = 5, bindService = 10;
        await BundleAsync("grep CapAmb /proc/self/status", spec => spec["process"]!["capabilities"] = new JsonObject
        {
            ["bounding"] = new JsonArray("CAP_KILL", "CAP_NET_BIND_SERVICE"), ["effective"] = new JsonArray("CAP_KILL", "CAP_NET_BIND_SERVICE"), ["permitted"] = new JsonArray("CAP_KILL", "CAP_NET_BIND_SERVICE"),
            ["inheritable"] = new JsonArray("CAP_KILL"), ["ambient"] = new JsonArray("CAP_KILL", "CAP_NET_BIND_SERVICE"),
        });
        string said = (await CallAsync("run", "--bundle", BundleFolder, id)).Text;
        ulong ambient = Convert.ToUInt64(said.Split('\t')[1], 16);
        Assert.Equal(1UL << kill, ambient & (1UL << kill | 1UL << bindService));
    }

    [Fact]
    public async Task A_container_is_created_started_and_deleted_and_only_its_first_process_stays_in_between()
    {
        await BundleAsync("trap 'exit 3' TERM; echo begun; while :; do sleep 0.02; done");
        string pidFile = Path.Combine(folder.FullName, "pid");
        Assert.Equal(0, (await CreateAsync("--pid-file", pidFile)).ExitCode);
        int pid = int.Parse(await File.ReadAllTextAsync(pidFile));
        var state = await StateAsync();
        Assert.Equal(("created", pid, BundleFolder), (state.GetProperty("status").GetString(), state.GetProperty("pid").GetInt32(), state.GetProperty("bundle").GetString()));
        Assert.Equal([pid], (int[])[.. Processes(id)]);
        Assert.Equal("", await OutputAsync());   // nothing of the command has run
        Assert.Contains("given ID already exists", (await CallAsync("create", "--bundle", BundleFolder, id)).Error, StringComparison.Ordinal);

        Assert.Equal(0, (await CallAsync("start", id)).ExitCode);
        Assert.Equal("running", await StatusAsync());
        Assert.Contains("cannot start an already running container", (await CallAsync("start", id)).Error, StringComparison.Ordinal);
        Assert.Contains($"cannot delete container {id} that is not stopped: running", (await CallAsync("delete", id)).Error, StringComparison.Ordinal);
        Assert.Contains(id, (await CallAsync("list", "--quiet")).Text, StringComparison.Ordinal);
        Assert.Contains(pid, JsonDocument.Parse((await CallAsync("ps", "--format", "json", id)).Text).RootElement.EnumerateArray().Select(p => p.GetInt32()));

        while (!(await OutputAsync()).Contains("begun", StringComparison.Ordinal)) await Task.Delay(20);
        Assert.Equal(0, (await CallAsync("kill", id, "TERM")).ExitCode);
        await UntilAsync("stopped");
        Assert.Contains("container not running", (await CallAsync("kill", id, "KILL")).Error, StringComparison.Ordinal);
        Assert.Equal(0, (await CallAsync("delete", id)).ExitCode);
        Assert.Contains("container does not exist", (await CallAsync("state", id)).Error, StringComparison.Ordinal);
        Assert.Equal(0, (await CallAsync("delete", "--force", id)).ExitCode);
    }

    /// <summary>Processes whose command line names the container, by the host's process table.</summary>
    private static IEnumerable<int> Processes(string container) => Directory.EnumerateDirectories("/proc").Select(d => int.TryParse(Path.GetFileName(d), out int pid) ? pid : 0).Where(pid =>
    {
        try
        {
            return pid > 0 && File.ReadAllText($"/proc/{pid}/cgroup").Contains(container, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    });

    [Fact]
    public async Task Exec_has_a_code_of_its_own_or_leaves_its_process_to_the_caller()
    {
        await BundleAsync("while :; do sleep 0.05; done");
        Assert.Equal(0, (await CreateAsync()).ExitCode);
        Assert.Equal(0, (await CallAsync("start", id)).ExitCode);
        var exec = await CallAsync("exec", "--env", "A=1", "--cwd", "/tmp", "--user", "65534:100", id, "sh", "-c", "echo $A $(pwd) $(id -u) $(id -g); exit 9");
        Assert.Equal((9, "1 /tmp 65534 100\n"), (exec.ExitCode, exec.Output));
        string process = Path.Combine(folder.FullName, "process.json"), pidFile = Path.Combine(folder.FullName, "exec.pid");
        await File.WriteAllTextAsync(process, """{"args":["sleep","1000"],"cwd":"/","env":["PATH=/bin"],"user":{"uid":0,"gid":0}}""");
        Assert.Equal(0, (await Programs.RunAsync("sh", ["-c", "exec \"$0\" \"$@\" > /dev/null 2>&1 < /dev/null", Program, "--root", Path.Combine(folder.FullName, "state"), "exec", "--detach", "--process", process, "--pid-file", pidFile, id])).ExitCode);
        Assert.Contains("sleep", await File.ReadAllTextAsync($"/proc/{await File.ReadAllTextAsync(pidFile)}/comm"), StringComparison.Ordinal);
        var missing = await CallAsync("exec", id, "nothing");
        Assert.Equal((1, "gantry-runtime: exec failed: unable to start container process: exec: \"nothing\": executable file not found in $PATH\n"), (missing.ExitCode, missing.Error));
        Assert.Equal(0, (await CallAsync("pause", id)).ExitCode);
        Assert.Equal("paused", await StatusAsync());
        Assert.Contains("cannot exec in a paused container", (await CallAsync("exec", id, "true")).Error, StringComparison.Ordinal);
        Assert.Equal(0, (await CallAsync("resume", id)).ExitCode);
        Assert.Equal("running", await StatusAsync());
    }

    [Theory]
    [InlineData("nothing", "exec: \"nothing\": executable file not found in $PATH")]
    [InlineData("/bin/nothing", "exec: \"/bin/nothing\": stat /bin/nothing: no such file or directory")]
    [InlineData("/etc/passwd", "exec: \"/etc/passwd\": permission denied")]
    [InlineData("/tmp", "exec: \"/tmp\": is a directory")]
    public async Task A_command_that_cannot_be_run_fails_at_create_and_the_log_says_why(string command, string reason)
    {
        await BundleAsync("", spec => spec["process"]!["args"] = new JsonArray(command));
        Assert.Equal(1, (await CreateAsync()).ExitCode);
        string message = JsonDocument.Parse((await File.ReadAllLinesAsync(Log)).Last()).RootElement.GetProperty("msg").GetString()!;
        Assert.StartsWith("gantry-runtime create failed: unable to start container process: error during container init: " + reason, message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(folder.FullName, "state")));
    }

    [Fact]
    public async Task Hooks_run_on_the_host_with_the_state_on_their_input()
    {
        string trace = Path.Combine(folder.FullName, "trace");
        JsonArray Hook(string name) => new(new JsonObject { ["path"] = "/bin/sh", ["args"] = new JsonArray("sh", "-c", $"echo {name} $(cat | tr -d '\\n' | sed 's/.*\"status\": *\"\\([a-z]*\\)\".*/\\1/') >> {trace}"), ["env"] = new JsonArray("PATH=/bin:/usr/bin") });
        await BundleAsync("exit 0", spec =>
        {
            spec["hooks"] = new JsonObject();
            foreach (string name in (string[])["prestart", "createRuntime", "poststart", "poststop"]) spec["hooks"]![name] = Hook(name);
        });
        Assert.Equal(0, (await CallAsync("run", "--bundle", BundleFolder, id)).ExitCode);
        string[] lines = await File.ReadAllLinesAsync(trace);
        Assert.Equal(["prestart creating", "createRuntime creating"], lines[..2]);
        Assert.Equal(["poststart", "poststop"], lines[2..].Select(l => l.Split(' ')[0]));
    }

    [Fact]
    public async Task A_hook_that_fails_fails_the_create_and_leaves_nothing()
    {
        await BundleAsync("exit 0", spec => spec["hooks"] = new JsonObject { ["createRuntime"] = new JsonArray(new JsonObject { ["path"] = "/bin/false" }) });
        Assert.Equal(1, (await CreateAsync()).ExitCode);
        Assert.Contains("error running createRuntime hook #0: exit status 1", await File.ReadAllTextAsync(Log), StringComparison.Ordinal);
        Assert.Empty(Processes(id));
    }

    [Theory]
    [InlineData("user namespaces are not supported", "linux.namespaces", """[{"type":"mount"},{"type":"user"}]""")]
    [InlineData("root file system", "root", """{"path":"nowhere"}""")]
    [InlineData("version 2.0.0 of the specification is not supported", "ociVersion", "\"2.0.0\"")]
    [InlineData("process.cwd must be an absolute path", "process.cwd", "\"tmp\"")]
    [InlineData("hooks that run inside the container", "hooks", """{"startContainer":[{"path":"/bin/true"}]}""")]
    [InlineData("cannot allocate tty", "process.terminal", "true")]
    public async Task What_cannot_be_done_is_said(string text, string member, string value)
    {
        await BundleAsync("exit 0", spec =>
        {
            string[] path = member.Split('.');
            var at = path.Length == 1 ? spec : spec[path[0]]!;
            at[path[^1]] = JsonNode.Parse(value);
        });
        Assert.Equal(1, (await CreateAsync()).ExitCode);
        Assert.Contains(text, await File.ReadAllTextAsync(Log), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_version_and_its_features_can_be_read_by_a_program()
    {
        Assert.StartsWith("gantry-runtime version ", (await CallAsync("--version")).Text, StringComparison.Ordinal);
        var features = JsonDocument.Parse((await CallAsync("features")).Text).RootElement;
        Assert.Contains(features.GetProperty("linux").GetProperty("capabilities").EnumerateArray(), c => c.GetString() == "CAP_SYS_ADMIN");
        Assert.Equal(1, (await CallAsync("nothing")).ExitCode);
        Assert.Contains("flag provided but not defined: --nothing", (await CallAsync("state", "--nothing", "x", id)).Error, StringComparison.Ordinal);
    }
}
