using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using Gantry.Daemon.Engine;
using Gantry.Linux.Kernel;
using Gantry.Linux.Processes;
using Gantry.Supervisor;
using Gantry.Supervisor.Protocol;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Execution;

/// <summary>The supervisors of this engine: the one that new containers are given to, and older ones that still have some.</summary>
public sealed partial class Supervisors : IAsyncDisposable
{
    private static readonly string Build =
        typeof(SupervisorRole).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    private readonly string runRoot;
    private readonly ILogger log;
    private readonly SemaphoreSlim starting = new(1, 1);
    private readonly ConcurrentDictionary<string, SupervisorConnection> connections = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, PidFd> children = new(StringComparer.Ordinal);
    private SupervisorConnection? current;
    private volatile bool leaving;

    /// <param name="runRoot">The engine's <c>--exec-root</c>; sockets are <c>supervisor-N.sock</c> in it.</param>
    public Supervisors(string runRoot, ILogger<Supervisors> log)
    {
        this.runRoot = runRoot;
        this.log = log;
        // A supervisor's containers become this process's children when it dies.
        const int setChildSubreaper = 36;
        Syscall.Check(Syscall.Call(SyscallNumber.Prctl, setChildSubreaper, 1), "become a child subreaper");
    }

    /// <summary>Called, on the connection's thread, for everything that a supervisor tells unasked.</summary>
    public Action<SupervisorConnection, Reply>? Notice { get; set; }

    /// <summary>Called when a supervisor has ended or cannot be reached any more.</summary>
    public Action<SupervisorConnection>? Lost { get; set; }

    /// <summary>Finds the supervisors that an earlier daemon left running, with what they run.</summary>
    public async Task<IReadOnlyList<(SupervisorConnection Supervisor, IReadOnlyList<ProcessState> Processes)>> FindRunningAsync(CancellationToken cancellation)
    {
        var found = new List<(SupervisorConnection, IReadOnlyList<ProcessState>)>();
        foreach (string path in Directory.GetFiles(runRoot, "supervisor-*.sock").Order(StringComparer.Ordinal))
        {
            try
            {
                if (await FindAsync(path, cancellation).ConfigureAwait(false) is { } supervisor) found.Add(supervisor);
                else File.Delete(path);
            }
            catch (EngineException e) when (e.Kind == ErrorKind.Unavailable)
            {
                // It has ended while it was asked.
            }
        }
        return found;
    }

    private async Task<(SupervisorConnection, IReadOnlyList<ProcessState>)?> FindAsync(string path, CancellationToken cancellation)
    {
        var connection = await ConnectAsync(path, cancellation).ConfigureAwait(false);
        if (connection is null) return null;
        var answer = await connection.AskAsync(new Request { List = true }, [], cancellation).ConfigureAwait(false);
        bool ours = connection.Peer.Build == Build && current is not { IsLost: false };   // one of another build, or one too many, keeps what it has and gets nothing new
        await connection.AskAsync(new Request { Retire = !ours }, [], cancellation).ConfigureAwait(false);
        if (ours) current = connection;
        return (connection, answer.Reply.Processes ?? []);
    }

    /// <summary>The supervisor for a new container; started when there is none.</summary>
    public async ValueTask<SupervisorConnection> GetAsync(CancellationToken cancellation)
    {
        if (current is { IsLost: false } ready) return ready;
        await starting.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (current is { IsLost: false } meanwhile) return meanwhile;
            string path = NextSocketPath();
            children[path] = SupervisorProcess.Start(path, runRoot);
            var connection = await ConnectAsync(path, cancellation).ConfigureAwait(false)
                ?? throw EngineException.System($"the supervisor of containers does not answer at {path}; its log is {runRoot}/supervisor.log");
            LogStarted(log, connection.Peer.Pid, path);
            return current = connection;
        }
        finally
        {
            starting.Release();
        }
    }

    private string NextSocketPath()
    {
        for (int n = 1; ; n++)
        {
            string path = Path.Combine(runRoot, string.Create(CultureInfo.InvariantCulture, $"supervisor-{n}.sock"));
            if (!File.Exists(path)) return path;
        }
    }

    private async Task<SupervisorConnection?> ConnectAsync(string path, CancellationToken cancellation)
    {
        var connection = await SupervisorConnection.TryConnectAsync(path, (c, reply) => Notice?.Invoke(c, reply), OnLost, cancellation).ConfigureAwait(false);
        if (connection is not null) connections[path] = connection;
        return connection;
    }

    private void OnLost(SupervisorConnection connection)
    {
        connections.TryRemove(connection.SocketPath, out _);
        if (leaving) return;   // it is this daemon that goes, and not the supervisor
        connection.Dispose();
        if (connection.Peer.Pid > 0) EndForCertain(connection.Peer.Pid);
        if (children.TryRemove(connection.SocketPath, out var child))
        {
            // Dead, or on its last steps: reaped off the connection's thread.
            _ = Task.Run(() =>
            {
                using (child) child.Wait();
            });
        }
        File.Delete(connection.SocketPath);
        if (connection.Peer.Pid > 0) LogLost(log, connection.Peer.Pid);   // otherwise it died before it could say a word
        Lost?.Invoke(connection);
    }

    /// <summary>Two supervisors of the same container would read its output by turns: one that does not answer any more must not live on.</summary>
    private static void EndForCertain(int pid)
    {
        const int kill = 9;
        try
        {
            using var process = PidFd.Open(pid);
            if (File.ReadAllText($"/proc/{pid}/cmdline").StartsWith(SupervisorRole.Name + '\0', StringComparison.Ordinal)) process.Signal(kill);
        }
        catch (Exception e) when (e is KernelException or IOException)
        {
            // It has ended, as it should have.
        }
    }

    /// <summary>Tells every supervisor to end with its last container.</summary>
    public async Task RetireAsync(CancellationToken cancellation)
    {
        foreach (var connection in connections.Values)
        {
            try
            {
                await connection.AskAsync(new Request { Retire = true }, [], cancellation).ConfigureAwait(false);
            }
            catch (EngineException)
            {
                // It has gone already.
            }
        }
    }

    /// <summary>Leaves the supervisors to the next daemon.</summary>
    public ValueTask DisposeAsync()
    {
        leaving = true;
        foreach (var connection in connections.Values) connection.Dispose();
        starting.Dispose();
        return ValueTask.CompletedTask;
    }

    [LoggerMessage(1, LogLevel.Information, "supervisor started, process {Pid}, socket {Path}")]
    private static partial void LogStarted(ILogger log, int pid, string path);

    [LoggerMessage(2, LogLevel.Information, "supervisor {Pid} has ended")]
    private static partial void LogLost(ILogger log, int pid);
}
