using System.Diagnostics;
using System.Formats.Tar;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Gantry.Bench.Scenarios;

namespace Gantry.Bench.Engines;

/// <summary>An engine under measurement, on roots, a socket, a bridge and a cgroup parent of its own; started when first asked for. Disposing of it leaves nothing.</summary>
internal sealed class BenchEngine : IContestant, IAsyncDisposable
{
    private readonly string[] command;
    private readonly string visibleRoot;
    private readonly string program;
    private readonly string folder;
    private readonly Action<string>? prepareNetwork;
    private readonly bool hadFirewall = HasFirewall();
    private Process? process;
    private EngineClient? client;

    private BenchEngine(string name, string program, string visibleRoot, string folder, string tag, string[] command, Action<string>? prepareNetwork)
    {
        (Name, this.program, this.visibleRoot, this.folder, Tag, this.command, this.prepareNetwork) = (name, program, visibleRoot, folder, tag, command, prepareNetwork);
    }

    public string Name { get; }

    /// <summary>What the command line of each of its processes contains.</summary>
    public string Tag { get; }

    private string Bridge => "b" + Tag[^6..];

    /// <summary>Its data root as this process sees it.</summary>
    public string DataRoot => $"{visibleRoot}{folder}/root";

    /// <summary>Puts a file where the engine's containers can have it bound.</summary>
    /// <returns>Its path as the engine sees it.</returns>
    public string WriteFile(string name, byte[] content)
    {
        File.WriteAllBytes($"{visibleRoot}{folder}/{name}", content);
        return $"{folder}/{name}";
    }

    public EngineClient Client => client ?? throw new InvalidOperationException($"{Name} does not run");

    private string SocketPath => $"{visibleRoot}{folder}/s";

    /// <summary>Where Gantry's programs are: <c>GANTRY_BENCH_BIN</c>, or out/bin.</summary>
    public static string GantryBin { get; } = Path.GetFullPath(Environment.GetEnvironmentVariable("GANTRY_BENCH_BIN") ?? "out/bin");

    /// <summary>A port of loopback for the registry that engines pull from.</summary>
    public static int RegistryPort { get; } = FreePort();

    private static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }

    /// <summary>The command that starts a peer: the words of a variable, or a program on PATH; null where there is none.</summary>
    public static string[]? PeerCommand(string variable, string program)
    {
        string[] words = (Environment.GetEnvironmentVariable(variable) ?? program).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0) return null;
        bool isHere = words[0].Contains('/', StringComparison.Ordinal) ? File.Exists(words[0]) : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, words[0])));
        return isHere ? words : null;
    }

    private static string TagOf(char kind, int number) => string.Create(CultureInfo.InvariantCulture, $"bench{kind}{(Environment.ProcessId + number) % 1_000_000:000000}");

    public static BenchEngine Gantry()
    {
        string tag = TagOf('g', 0), folder = $"/var/tmp/{tag}";
        Directory.CreateDirectory(folder);
        File.WriteAllText($"{folder}/daemon.json", "{}");
        return new BenchEngine("gantryd", "gantryd", "", folder, tag,
        [
            $"{GantryBin}/gantryd", "--config-file", $"{folder}/daemon.json", "--data-root", $"{folder}/root", "--exec-root", $"{folder}/run", "-H", $"unix://{folder}/s", "-G", "", "-p", $"{folder}/pid",
            "--bridge", "b" + tag[^6..], "--cgroup-parent", "/" + tag, "--default-address-pool", "base=10.201.0.0/16,size=20",
        ], null);
    }

    /// <summary>A dockerd: the words of <c>GANTRY_BENCH_DOCKERD</c>, or the one on PATH; null where there is none.</summary>
    /// <remarks>A dockerd in another root directory needs <c>GANTRY_BENCH_DOCKERD_ROOT</c> too: where that root is here.</remarks>
    public static BenchEngine? Dockerd()
    {
        if (PeerCommand("GANTRY_BENCH_DOCKERD", "dockerd") is not { } words) return null;
        string root = Environment.GetEnvironmentVariable("GANTRY_BENCH_DOCKERD_ROOT") ?? "", tag = TagOf('d', 1), folder = $"/var/tmp/{tag}";
        Directory.CreateDirectory(root + folder);
        return new BenchEngine("dockerd", "dockerd", root, folder, tag,
        [
            .. words, "--data-root", $"{folder}/root", "--exec-root", $"{folder}/run", "-H", $"unix://{folder}/s", "-p", $"{folder}/pid", "--bridge", "b" + tag[^6..], "--cgroup-parent", "/" + tag,
        ], static bridge =>
        {
            Run("ip", "link", "add", "name", bridge, "type", "bridge");
            Run("ip", "addr", "add", "172.29.0.1/16", "dev", bridge);
            Run("ip", "link", "set", bridge, "up");
        });
    }

    /// <summary>Podman's service of the Docker API: the words of <c>GANTRY_BENCH_PODMAN</c>, or the podman on PATH; null where there is none.</summary>
    /// <remarks>As with dockerd, <c>GANTRY_BENCH_PODMAN_ROOT</c> is where its root directory is here.</remarks>
    public static BenchEngine? Podman()
    {
        if (PeerCommand("GANTRY_BENCH_PODMAN", "podman") is not { } words) return null;
        string root = Environment.GetEnvironmentVariable("GANTRY_BENCH_PODMAN_ROOT") ?? "", tag = TagOf('p', 2), folder = $"/var/tmp/{tag}";
        Directory.CreateDirectory($"{root}{folder}/networks");
        // Its own bridge and addresses, where the network "podman" would share them with any other podman.
        File.WriteAllText($"{root}{folder}/networks/podman.json", new JsonObject
        {
            ["name"] = "podman", ["id"] = "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9", ["driver"] = "bridge", ["network_interface"] = "b" + tag[^6..], ["created"] = "2024-01-01T00:00:00Z",
            ["subnets"] = new JsonArray(new JsonObject { ["subnet"] = "10.253.0.0/16", ["gateway"] = "10.253.0.1" }),
            ["ipv6_enabled"] = false, ["internal"] = false, ["dns_enabled"] = false, ["ipam_options"] = new JsonObject { ["driver"] = "host-local" },
        }.ToJsonString());
        File.WriteAllText($"{root}{folder}/registries.conf", string.Create(CultureInfo.InvariantCulture, $"[[registry]]\nlocation = \"127.0.0.1:{RegistryPort}\"\ninsecure = true\n"));
        return new BenchEngine("podman", "podman", root, folder, tag,
        [
            .. words, "--root", $"{folder}/root", "--runroot", $"{folder}/run", "--tmpdir", $"{folder}/tmp", "--network-config-dir", $"{folder}/networks", "--cgroup-manager", "cgroupfs",
            "system", "service", "--time=0", $"unix://{folder}/s",
        ], null);
    }

    /// <summary>Starts the daemon, waits for its first answer, and gives it the image <c>bench</c>.</summary>
    public async Task EnsureRunningAsync()
    {
        if (client is not null) return;
        prepareNetwork?.Invoke(Bridge);
        await StartAsync();
        Console.WriteLine($"{Name} {(string?)JsonNode.Parse(await Client.GetAsync("version"))!["Version"]}");
        using var image = Rootfs();
        await Client.SendArchiveAsync(HttpMethod.Post, "images/create?fromSrc=-&repo=bench", image);
    }

    /// <summary>Starts the daemon; completes with its first answer.</summary>
    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" >>\"$BENCH_LOG\" 2>&1", .. command]) { RedirectStandardInput = true };
        start.Environment["BENCH_LOG"] = $"{visibleRoot}{folder}/log";
        // Podman's: it forgets temporary files, and takes no plain HTTP from a registry unless it is told.
        start.Environment["TMPDIR"] = folder;
        start.Environment["CONTAINERS_REGISTRIES_CONF"] = $"{folder}/registries.conf";
        start.Environment.Remove("DEBUG");
        process = Process.Start(start)!;
        process.StandardInput.Close();
        client = new EngineClient(SocketPath);
        var limit = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await client.GetAsync("version");
                return;
            }
            catch (HttpRequestException) when (limit.Elapsed < TimeSpan.FromSeconds(60) && !process.HasExited)
            {
                await Task.Delay(2);
            }
        }
    }

    /// <summary>Ends the daemon as a service manager does, and waits for its end.</summary>
    public async Task StopAsync()
    {
        client?.Dispose();
        client = null;
        if (process is null) return;
        foreach (int pid in ProcessUsage.Find(Tag).Where(IsDaemon)) Run("kill", "-TERM", pid.ToString(CultureInfo.InvariantCulture));
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    private bool IsDaemon(int pid) => ProcessUsage.CommandLine(pid) is { } line && Path.GetFileName(line.Split(' ')[0]) == program;

    /// <summary>A root filesystem of Debian's static busybox.</summary>
    internal static FileStream Rootfs()
    {
        string path = Path.GetTempFileName();
        using (var tar = new TarWriter(File.Create(path), TarEntryFormat.Pax))
        {
            foreach (string directory in (string[])["bin", "dev", "etc", "proc", "sys", "tmp"]) tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, directory));
            using var busybox = File.OpenRead("/bin/busybox");
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "bin/busybox") { DataStream = busybox, Mode = (UnixFileMode)0b111_101_101 });
            foreach (string applet in (string[])["sh", "true", "sleep", "cat", "head", "yes", "seq", "tr"]) tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/" + applet) { LinkName = "busybox" });
        }
        return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.DeleteOnClose | FileOptions.Asynchronous);
    }

    internal static void Run(string file, params string[] arguments)
    {
        using var run = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        run.ErrorDataReceived += static (_, _) => { };   // both are read together: neither may fill up
        run.BeginErrorReadLine();
        run.StandardOutput.ReadToEnd();
        run.WaitForExit();
    }

    /// <summary>Whether a podman has a table of its own; it leaves it behind when its last container goes.</summary>
    private static bool HasFirewall()
    {
        using var run = Process.Start(new ProcessStartInfo("nft", ["list", "table", "inet", "netavark"]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        run.StandardOutput.ReadToEnd();
        run.WaitForExit();
        return run.ExitCode == 0;
    }

    internal static void RemoveCgroups(string name) => Run("sh", "-c", $"find /sys/fs/cgroup -maxdepth 2 -type d -name {name} | while read -r d; do find \"$d\" -depth -type d -exec rmdir {{}} +; done");

    public async ValueTask DisposeAsync()
    {
        if (client is not null)
        {
            foreach (var container in JsonNode.Parse(await client.GetAsync("containers/json?all=1"))!.AsArray()) await client.RemoveAsync((string)container!["Id"]!);
        }
        await StopAsync();
        foreach (int pid in ProcessUsage.Find(Tag)) Run("kill", "-KILL", pid.ToString(CultureInfo.InvariantCulture));
        Run("ip", "link", "delete", Bridge);
        Run("sh", "-c", $"nft list tables | grep -- '{Bridge}$' | while read -r _ t; do nft delete table $t; done");
        RemoveCgroups(Tag);
        if (program == "podman")
        {
            RemoveCgroups("libpod_parent");   // what is in use stays
            if (!hadFirewall) Run("nft", "delete", "table", "inet", "netavark");
        }
        Run("sh", "-c", $"awk -v d='{visibleRoot}{folder}/' 'index($5, d) == 1 {{ print $5 }}' /proc/self/mountinfo | sort -r | while read -r m; do umount -l \"$m\"; done");
        Run("rm", "-rf", visibleRoot + folder);
    }
}
