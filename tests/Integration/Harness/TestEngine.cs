using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Gantry.Integration.Harness;

/// <summary>A real gantryd with a private root, socket, bridge, firewall table and cgroups. Whatever happens, disposing of it leaves nothing of it on the machine.</summary>
internal sealed partial class TestEngine : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(120), StopLimit = TimeSpan.FromSeconds(100);
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("gantry-it-");
    private readonly List<string> flags;
    private readonly string? foreignSocket;
    private readonly bool inSlice;
    private Process? process;

    private TestEngine(IEnumerable<string> more, string? foreignSocket = null, bool inSlice = false)
    {
        this.foreignSocket = foreignSocket;
        this.inSlice = inSlice;
        Name = "gt" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        int subnet = RandomNumberGenerator.GetInt32(16, 240);
        flags =
        [
            "--data-root", DataRoot, "--exec-root", ExecRoot, "-H", Host, "-G", "", "--bridge", Name, "--cgroup-parent", inSlice ? Slice : "/" + Name, "--config-file", Path("daemon.json"),
            "--default-address-pool", $"base=10.{subnet}.0.0/16,size=24", .. more,
        ];
        File.WriteAllText(Path("daemon.json"), "");
        Http = new HttpClient(new SocketsHttpHandler { ConnectCallback = async (_, cancellation) => new NetworkStream(await ConnectAsync(cancellation), ownsSocket: true) })
        {
            BaseAddress = new Uri("http://gantry"),
            Timeout = TimeSpan.FromSeconds(140),
        };
    }

    /// <summary>Where the programs under test are: <c>GANTRY_TEST_BIN</c>, or this test's own build output.</summary>
    public static string BinFolder { get; } = Environment.GetEnvironmentVariable("GANTRY_TEST_BIN") is { Length: > 0 } folder ? System.IO.Path.GetFullPath(folder) : AppContext.BaseDirectory;

    /// <summary>The daemon that is started next: another build of it, when a test says so.</summary>
    public string Program { get; set; } = DaemonProgram;

    public static string DaemonProgram => System.IO.Path.Combine(BinFolder, "gantryd");

    /// <summary>The engine's own short name: of its bridge, its cgroup, and part of its firewall table's.</summary>
    public string Name { get; }

    /// <summary>The slice of systemd that is its cgroup's parent, when it was made with <see cref="CreateInSlice"/>.</summary>
    public string Slice => Name + ".slice";

    public string DataRoot => Path("root");

    public string ExecRoot => Path("run");

    public string SocketPath => foreignSocket ?? Path("gantry.sock");

    public string Host => "unix://" + SocketPath;

    /// <summary>Speaks to the engine's socket; paths as in the API: <c>/v1.51/containers/json</c>.</summary>
    public HttpClient Http { get; }

    public int ProcessId => process?.Id ?? throw new InvalidOperationException("the daemon does not run");

    /// <summary>What the daemon has written to standard error since the engine was made.</summary>
    public string Log => File.Exists(Path("log")) ? File.ReadAllText(Path("log")) : "";

    /// <summary>A path in the engine's private folder.</summary>
    public string Path(string name) => System.IO.Path.Combine(folder.FullName, name);

    /// <summary>Starts an engine and waits until it is ready.</summary>
    public static async Task<TestEngine> StartAsync(params string[] flags)
    {
        var engine = Create(flags);
        try
        {
            await engine.StartDaemonAsync();
            return engine;
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    /// <summary>An engine whose daemon is not started yet.</summary>
    public static TestEngine Create(params string[] flags) => new(flags);

    /// <summary>An engine whose containers are in a slice of their own; its daemon is not started yet.</summary>
    public static TestEngine CreateInSlice(params string[] flags) => new(["--exec-opt", "native.cgroupdriver=systemd", .. flags], inSlice: true);

    /// <summary>An engine that somebody else runs, dockerd for instance: nothing of it is started, stopped or cleaned up here.</summary>
    public static TestEngine Foreign(string socketPath) => new([], socketPath);

    /// <summary>Starts the daemon, again after a stop or a kill, on the same roots.</summary>
    public async Task StartDaemonAsync()
    {
        using var ready = new ReadySocket(Path("notify"));
        Launch(ready.Path);
        using var limit = new CancellationTokenSource(StartLimit);
        var notified = ready.WaitForAsync("READY=1", limit.Token);
        var ended = process!.WaitForExitAsync(limit.Token);
        if (await Task.WhenAny(notified, ended) == ended || !notified.IsCompletedSuccessfully)
            throw new InvalidOperationException($"gantryd did not become ready:\n{Log}");
    }

    /// <summary>Starts the daemon and does not wait.</summary>
    public Process Launch(string? notifySocket = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        // A shell puts standard error into a file: a pipe would have to be read all the time. It becomes the daemon by exec.
        // As when a script starts the daemon in the background, it begins with a signal ignored; not with SIGINT or SIGQUIT, though the tests may have been started so.
        var start = new ProcessStartInfo("env", ["--default-signal=INT,QUIT", "/bin/sh", "-c", "trap '' USR2; exec \"$0\" \"$@\" 2>>\"$GANTRY_TEST_LOG\"", Program, .. flags]) { RedirectStandardInput = true };
        start.Environment["GANTRY_TEST_LOG"] = Path("log");
        start.Environment.Remove("DEBUG");
        if (notifySocket is not null) start.Environment["NOTIFY_SOCKET"] = notifySocket;
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        process?.Dispose();
        process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    /// <summary>Ends the daemon as a service manager does.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopDaemonAsync()
    {
        if (process is null) return 0;
        await RememberNetworksAsync();
        Signals.Send(process.Id, Signals.Terminate);
        using var limit = new CancellationTokenSource(StopLimit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"gantryd did not stop:\n{Log}");
        }
        return process.ExitCode;
    }

    /// <summary>Ends the daemon without any warning.</summary>
    public async Task KillDaemonAsync()
    {
        if (process is null) return;
        await RememberNetworksAsync();
        process.Kill();
        await process.WaitForExitAsync();
    }

    public async Task<Socket> ConnectAsync(CancellationToken cancellation = default)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), cancellation);
        return socket;
    }

    /// <summary>Runs the docker CLI against this engine.</summary>
    public Task<ProgramResult> DockerAsync(params string[] arguments) => DockerAsync(arguments, null);

    /// <param name="arguments">The command line after <c>docker</c>.</param>
    /// <param name="input">Its standard input.</param>
    public Task<ProgramResult> DockerAsync(IReadOnlyList<string> arguments, byte[]? input) =>
        Programs.RunAsync("docker", arguments, new Dictionary<string, string> { ["DOCKER_HOST"] = Host, ["DOCKER_CLI_HINTS"] = "false", ["DOCKER_CONFIG"] = Path("docker"), ["LC_ALL"] = "C" }, input);

    /// <summary>Runs this build's own client against this engine.</summary>
    public Task<ProgramResult> GantryAsync(params string[] arguments) => GantryAsync(arguments, null);

    public Task<ProgramResult> GantryAsync(IReadOnlyList<string> arguments, byte[]? input) =>
        Programs.RunAsync(ClientProgram, arguments, new Dictionary<string, string> { ["GANTRY_HOST"] = Host }, input);

    /// <summary>The client's name for the one executable.</summary>
    public string ClientProgram
    {
        get
        {
            string link = Path("gantry");
            if (!File.Exists(link)) File.CreateSymbolicLink(link, DaemonProgram);
            return link;
        }
    }
}
