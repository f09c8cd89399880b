using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Gantry.Bench.Engines;

namespace Gantry.Bench.Scenarios;

/// <summary>OCI runtimes without an engine, all with one bundle: <c>gantry-runtime</c> beside crun and runc. Each figure is the time of whole processes, as an engine would start them.</summary>
internal sealed class BareRuntimes() : Scenario("runtime")
{
    /// <param name="Words">The command.</param>
    private sealed record Runtime(string Name, IReadOnlyList<string> Words) : IContestant;

    private static readonly string tag = string.Create(CultureInfo.InvariantCulture, $"benchr{Environment.ProcessId % 1_000_000:000000}"), folder = $"/var/tmp/{tag}", sealedBin = $"{folder}/sealed";
    private int lastId;

    public override async Task RunAsync(Contest<BenchEngine> contest, Report report)
    {
        WriteBundle($"/{tag}");
        Directory.CreateDirectory(sealedBin);
        BenchEngine.Run("mount", "--bind", BenchEngine.GantryBin, sealedBin);
        BenchEngine.Run("mount", "-o", "remount,bind,ro", sealedBin);
        try
        {
            var peers = new List<Runtime>();
            foreach (string name in (string[])["crun", "runc"])
            {
                string variable = "GANTRY_BENCH_" + name.ToUpperInvariant();
                if (BenchEngine.PeerCommand(variable, name) is { } words) peers.Add(new Runtime(name, words));
                else report.Without(Name, name, $"it is not here ({variable})");
            }
            await CompareAsync(report, "", [new Runtime("gantry-runtime", [$"{BenchEngine.GantryBin}/gantry-runtime"]), .. peers]);
            await CompareAsync(report, ", from a read-only mount", [new Runtime("gantry-runtime", [$"{sealedBin}/gantry-runtime"]), .. peers]);
        }
        finally
        {
            RemoveTraces();
        }
    }

    public static void RemoveTraces()
    {
        if (!Directory.Exists(folder)) return;
        BenchEngine.Run("umount", sealedBin);
        BenchEngine.RemoveCgroups(tag);
        BenchEngine.Run("rm", "-rf", "--one-file-system", folder);
    }

    private async Task CompareAsync(Report report, string how, IReadOnlyList<Runtime> runtimes)
    {
        var contest = new Contest<Runtime>(Name, runtimes, report);
        const int rounds = 5, each = 5;
        var run = await contest.MediansAsync(rounds, runtime => Figures.TimeAsync(() => CallAsync(runtime, "run", "--bundle", folder, NextId())), each: each);
        contest.Row("run of /bin/true, from start to exit" + how, "ms", run);
        var steps = new Dictionary<string, Dictionary<Runtime, List<double>>>();
        await contest.MediansAsync(rounds, async runtime =>
        {
            string id = NextId();
            double create = await Figures.TimeAsync(() => CallAsync(runtime, "create", "--bundle", folder, "--pid-file", $"{folder}/pid", id));
            int pid = int.Parse(await File.ReadAllTextAsync($"{folder}/pid"), CultureInfo.InvariantCulture);
            double state = await Figures.TimeAsync(() => CallAsync(runtime, "state", id));
            double start = await Figures.TimeAsync(() => CallAsync(runtime, "start", id));
            while (ProcessUsage.IsRunning(pid)) await Task.Yield();
            double delete = await Figures.TimeAsync(() => CallAsync(runtime, "delete", id));
            foreach (var (step, value) in ((string, double)[])[("create", create), ("state", state), ("start", start), ("delete", delete)])
            {
                if (!steps.TryGetValue(step, out var byRuntime)) steps[step] = byRuntime = [];
                if (!byRuntime.TryGetValue(runtime, out var values)) byRuntime[runtime] = values = [];
                values.Add(value);
            }
            return create;
        }, each: each);
        foreach (var (step, values) in steps) contest.Row($"{step}{how}", "ms", values.ToDictionary(v => v.Key, v => Figures.Median(v.Value)));
    }

    private string NextId() => string.Create(CultureInfo.InvariantCulture, $"bench{++lastId}");

    private async Task CallAsync(Runtime runtime, params string[] arguments)
    {
        // A file takes what it says: a pipe would be held open by the container.
        string log = $"{folder}/log";
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" </dev/null >/dev/null 2>\"$BENCH_LOG\"", "sh", .. runtime.Words, "--root", $"{folder}/state-{runtime.Name}", .. arguments]);
        start.Environment["BENCH_LOG"] = log;
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new EngineAnswerException($"{arguments[0]} ended with {process.ExitCode}: {(await File.ReadAllTextAsync(log)).Trim()}");
    }

    /// <summary>What <c>runc spec</c> writes, without a terminal, and with <c>/bin/true</c>.</summary>
    private void WriteBundle(string cgroup)
    {
        Directory.CreateDirectory(folder);
        Directory.CreateDirectory($"{folder}/rootfs");
        using (var archive = BenchEngine.Rootfs()) System.Formats.Tar.TarFile.ExtractToDirectory(archive, $"{folder}/rootfs", overwriteFiles: false);
        JsonNode capabilities = new JsonArray("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE");
        static JsonObject Mount(string destination, string type, string source, params string[] options) =>
            new() { ["destination"] = destination, ["type"] = type, ["source"] = source, ["options"] = new JsonArray([.. options.Select(o => (JsonNode)o)]) };
        var config = new JsonObject
        {
            ["ociVersion"] = "1.0.2",
            ["process"] = new JsonObject
            {
                ["user"] = new JsonObject { ["uid"] = 0, ["gid"] = 0 }, ["args"] = new JsonArray("/bin/true"), ["env"] = new JsonArray("PATH=/bin"), ["cwd"] = "/", ["noNewPrivileges"] = true,
                ["capabilities"] = new JsonObject { ["bounding"] = capabilities.DeepClone(), ["effective"] = capabilities.DeepClone(), ["permitted"] = capabilities.DeepClone() },
                ["rlimits"] = new JsonArray(new JsonObject { ["type"] = "RLIMIT_NOFILE", ["hard"] = 1024, ["soft"] = 1024 }),
            },
            ["root"] = new JsonObject { ["path"] = "rootfs", ["readonly"] = true },
            ["hostname"] = "bench",
            ["mounts"] = new JsonArray(
                Mount("/proc", "proc", "proc"),
                Mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
                Mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
                Mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
                Mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
                Mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro")),
            ["linux"] = new JsonObject
            {
                ["cgroupsPath"] = cgroup + "/c",
                ["resources"] = new JsonObject { ["devices"] = new JsonArray(new JsonObject { ["allow"] = false, ["access"] = "rwm" }) },
                ["namespaces"] = new JsonArray([.. new[] { "pid", "network", "ipc", "uts", "mount" }.Select(n => new JsonObject { ["type"] = n })]),
                ["maskedPaths"] = new JsonArray("/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"),
                ["readonlyPaths"] = new JsonArray("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"),
            },
        };
        File.WriteAllText($"{folder}/config.json", config.ToJsonString());
    }
}
