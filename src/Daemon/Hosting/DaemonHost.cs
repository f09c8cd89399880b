using System.Diagnostics;
using Gantry.Daemon.Api;
using Gantry.Daemon.Api.Listening;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Options;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Hosting;

/// <summary>One life of the daemon, from its options to its exit code.</summary>
/// <remarks>
/// 1 signals · 2 pid file and root folders, held so that no second daemon uses them · 3 sockets: from now on clients queue instead of being refused ·
/// 4 in the foreground the API server, in the background the services, then <c>acceptconnections</c> lets the queue in · 5 the first signal, or a failure
/// of either side · 6 engine shutdown, the server's end, the services' end (reference A16–A25).
/// </remarks>
internal sealed class DaemonHost : IDisposable
{
    private readonly DaemonOptions options;
    private readonly ILoggerFactory logs;
    private readonly ILogger log;
    private readonly Engine.Engine engine;
    private readonly SignalTrap signals;
    private readonly TaskCompletionSource stopAsked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource stopping = new();
    private DaemonServices? services;

    public DaemonHost(DaemonOptions options, ILoggerFactory logs)
    {
        this.options = options;
        this.logs = logs;
        log = logs.CreateLogger("Daemon");
        engine = new Engine.Engine(new Logger<Engine.Engine>(logs));
        signals = new SignalTrap(() => stopAsked.TrySetResult(), log);
    }

    /// <summary>Runs until a signal or a failure ends it.</summary>
    /// <returns>0 after an ordered end, 1 after a failure.</returns>
    public async Task<int> RunAsync()
    {
        long started = Stopwatch.GetTimestamp();
        signals.Install(trapQuit: string.IsNullOrEmpty(Environment.GetEnvironmentVariable("DEBUG")));
        HostLog.Starting(log, BuildInfo.Version, BuildInfo.ShortCommit, options.ExecDriver, options.DataRoot);
        try
        {
            if (!Environment.IsPrivilegedProcess) throw new OptionsException("the daemon needs to run as root");
            using var pidFile = PidFile.Claim(options.PidFile);
            using var folders = StateFolders.Claim(options);
            return await ServeAsync(SocketBinder.Bind(options, log), started).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OptionsException or IOException or UnauthorizedAccessException)
        {
            HostLog.StartFailed(log, e.Message, e is OptionsException ? null : e);
            return 1;
        }
    }

    private async Task<int> ServeAsync(IReadOnlyList<BoundSocket> sockets, long started)
    {
        var api = new ApiServer(engine, options, logs);
        engine.RegisterEngineCommands();
        engine.Register(EngineCommands.ServeApi, async (_, _, cancellation) =>
        {
            await api.ServeAsync(sockets, cancellation).ConfigureAwait(false);
            return default;
        });

        using var serving = new CancellationTokenSource();
        var server = engine.RunAsync(EngineCommands.ServeApi, new ServeApiRequest([.. options.Hosts.Select(h => h.ToString())]), cancellation: serving.Token);
        var loading = Task.Run(() => LoadAsync(started));
        int code = await WatchAsync(server, loading).ConfigureAwait(false);

        ServiceManager.NotifyStopping();
        await stopping.CancelAsync().ConfigureAwait(false);
        await engine.ShutdownAsync().ConfigureAwait(false);
        await serving.CancelAsync().ConfigureAwait(false);
        await EndedAsync(server).ConfigureAwait(false);
        await EndedAsync(loading).ConfigureAwait(false);
        if (services is not null) await services.DisposeAsync().ConfigureAwait(false);
        foreach (var socket in sockets) socket.Dispose();
        HostLog.Stopped(log);
        return code;
    }

    /// <summary>The background half of the start: its end opens the gate.</summary>
    private async Task LoadAsync(long started)
    {
        services = await DaemonServices.LoadAsync(options, engine, logs, stopping.Token).ConfigureAwait(false);
        await engine.RunAsync(EngineCommands.AcceptConnections, default, cancellation: stopping.Token).ConfigureAwait(false);
        HostLog.Ready(log, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
    }

    /// <summary>Waits for the first thing that ends the daemon.</summary>
    private async Task<int> WatchAsync(Task server, Task loading)
    {
        while (true)
        {
            var first = await Task.WhenAny(stopAsked.Task, server, loading).ConfigureAwait(false);
            if (first == stopAsked.Task) return 0;
            if (first == loading && loading.IsCompletedSuccessfully)
            {
                loading = stopAsked.Task;   // loaded: from here on only the server and the signals count
                continue;
            }
            var error = first.Exception?.InnerException;
            if (first == server) HostLog.ServerFailed(log, error?.Message ?? "it ended by itself", error is OptionsException ? null : error);
            else HostLog.StartFailed(log, error?.Message ?? "it was cancelled", error is EngineException or OptionsException ? null : error);
            return 1;
        }
    }

    /// <summary>Waits for a task whose failure has been told, or is the end itself.</summary>
    private static async Task EndedAsync(Task task) => await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);

    public void Dispose()
    {
        signals.Dispose();
        stopping.Dispose();
    }
}
