using System.Globalization;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Supervisor.Protocol;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Containers;

/// <param name="Timeout">Seconds; negative waits for ever; null is the container's or the engine's own.</param>
public sealed record StopRequest(string Name, string Signal, int? Timeout);

public sealed record KillRequest(string Name, string Signal);

public sealed partial class ContainerService
{
    private static readonly TimeSpan StopMargin = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan KillGrace = TimeSpan.FromSeconds(10), DirectKillGrace = TimeSpan.FromSeconds(2);

    /// <summary>Asks the process to end, and kills it when it has not within the timeout (reference 5.2). Goes on when the client leaves.</summary>
    public async Task StopAsync(StopRequest request)
    {
        var container = store.Get(request.Name);
        int signal = StopSignal(container, request.Signal, $"cannot stop container: {request.Name}");
        if (!container.Status.Running) throw EngineException.NotModified();
        await StopAndTellAsync(container, signal, Timeout(container, request.Timeout)).ConfigureAwait(false);
    }

    /// <param name="failed">How a refusal of the signal begins.</param>
    private static int StopSignal(Container container, string signal, string failed)
    {
        try
        {
            return StopSignal(container, signal);
        }
        catch (EngineException e)
        {
            throw EngineException.InvalidParameter($"{failed}: {e.Message}", e);
        }
    }

    private static int StopSignal(Container container, string signal)
    {
        if (signal.Length > 0) return Signals.Parse(signal);
        return container.Record.Config.StopSignal is { Length: > 0 } own ? Signals.Parse(own) : Signals.Term;
    }

    private TimeSpan Timeout(Container container, int? seconds)
    {
        seconds ??= container.Record.Config.StopTimeout;
        return seconds switch
        {
            null => settings.DefaultStopTimeout,
            < 0 => System.Threading.Timeout.InfiniteTimeSpan,
            var s => TimeSpan.FromSeconds(s.Value),
        };
    }

    private async Task StopCoreAsync(Container container, int signal, TimeSpan timeout, bool byUser = true)
    {
        if (byUser) MarkStopped(container);
        if (await EndWaitForRestartAsync(container).ConfigureAwait(false)) return;
        try
        {
            await SendAsync(container, signal).ConfigureAwait(false);
        }
        catch (EngineException e) when (e.Kind == ErrorKind.Conflict && !container.Status.HasProcess)
        {
            return;   // it has ended by itself since it was looked at: that is what was wanted
        }
        if (await HasEndedWithinAsync(container, timeout).ConfigureAwait(false)) return;
        await KillAndWaitAsync(container).ConfigureAwait(false);
    }

    /// <summary>A stop with its event, which comes before that of the end (golden 068).</summary>
    private async Task StopAndTellAsync(Container container, int signal, TimeSpan timeout)
    {
        lock (container.Gate) container.StopsToTell++;
        try
        {
            await StopCoreAsync(container, signal, timeout).ConfigureAwait(false);
        }
        catch
        {
            lock (container.Gate) container.StopsToTell = Math.Max(0, container.StopsToTell - 1);
            throw;
        }
        TellStops(container);   // when there was no process whose end could have told of it
    }

    private void TellStops(Container container)
    {
        int stops;
        lock (container.Gate) (stops, container.StopsToTell) = (container.StopsToTell, 0);
        for (int i = 0; i < stops; i++) Publish(container, "stop");
    }

    /// <summary>From now on no policy starts it again.</summary>
    private void MarkStopped(Container container)
    {
        lock (container.Gate) container.Pacing.Cancel();
        store.Update(container, s => s with { StoppedByUser = true });
    }

    /// <summary>A container between two automatic starts has no process: ending the wait is all there is to do.</summary>
    private static async Task<bool> EndWaitForRestartAsync(Container container)
    {
        if (!container.Status.Restarting) return false;
        await container.WaitAsync(s => !s.Restarting, CancellationToken.None).ConfigureAwait(false);
        return !container.Status.Running;
    }

    private static async Task<bool> HasEndedWithinAsync(Container container, TimeSpan timeout)
    {
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            await container.WaitAsync(s => !s.HasProcess, limit.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return !container.Status.HasProcess;
        }
    }

    /// <summary>Sends a signal and tells of it. A paused container is thawed afterwards when the signal is meant to end it.</summary>
    private async Task SendAsync(Container container, int signal)
    {
        bool sent;
        lock (container.Gate) sent = container.Process is { } process && TrySignal(process, signal);   // an exit closes the descriptor under the gate
        if (!sent)
        {
            if (container.Status.HasProcess) return;   // it has just ended, and its exit is on its way
            throw EngineException.Conflict($"container {container.Id} is not running");
        }
        if (container.Status.Paused && (signal == Signals.Kill || signal == StopSignal(container, ""))) await ThawAsync(container).ConfigureAwait(false);
        Publish(container, "kill", ("signal", signal.ToString(CultureInfo.InvariantCulture)));
    }

    private static bool TrySignal(RunningProcess process, int signal)
    {
        try
        {
            return process.Process.Signal(signal);
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    private async Task ThawAsync(Container container)
    {
        RunningProcess? process;
        lock (container.Gate) process = container.Process;
        if (process is null) return;
        try
        {
            await process.Supervisor.AskAsync(new Request { Pause = new PauseRequest { Container = container.Id, Paused = false } }, []).ConfigureAwait(false);
        }
        catch (SupervisorFailure e)
        {
            LogNotThawed(log, container.Id, e.Message);   // a signal that ends it frozen has come first, and its end is on its way
            return;
        }
        store.Update(container, s => s with { Paused = false });
    }

    private async Task KillAndWaitAsync(Container container)
    {
        await SendAsync(container, Signals.Kill).ConfigureAwait(false);
        if (await HasEndedWithinAsync(container, KillGrace).ConfigureAwait(false)) return;
        RunningProcess? process;
        lock (container.Gate) process = container.Process;
        if (process is not null) await process.Supervisor.AskAsync(new Request { Signal = new SignalRequest { Container = container.Id, Signal = Signals.Kill, All = true } }, []).ConfigureAwait(false);
        if (!await HasEndedWithinAsync(container, DirectKillGrace).ConfigureAwait(false)) throw EngineException.System("tried to kill container, but did not receive an exit event");
    }

    /// <summary>Sends a signal; KILL waits for the end (reference 5.2).</summary>
    public async Task KillAsync(KillRequest request)
    {
        try
        {
            int signal = request.Signal.Length == 0 ? Signals.Kill : Signals.ParseSendable(request.Signal);   // looked at first, as dockerd does
            var container = store.Get(request.Name);
            if (!container.Status.Running) throw EngineException.Conflict($"container {container.Id} is not running");
            bool ends = signal == Signals.Kill || container.Record.Config.StopSignal is not { Length: > 0 } own || signal == Signals.Parse(own);
            if (ends) lock (container.Gate) container.Pacing.Cancel();
            store.Update(container, s => s with { StoppedByUser = true });
            if (await EndWaitForRestartAsync(container).ConfigureAwait(false)) return;
            if (signal == Signals.Kill) await KillAndWaitAsync(container).ConfigureAwait(false);
            else await SendAsync(container, signal).ConfigureAwait(false);
        }
        catch (EngineException e) when (e.Kind is ErrorKind.Conflict or ErrorKind.InvalidParameter or ErrorKind.NotFound)
        {
            throw new EngineException(e.Kind, $"cannot kill container: {request.Name}: {e.Message}", e);
        }
    }

    /// <summary>Stops it when it runs, and starts it. A container that is removed at its end stays.</summary>
    public async Task RestartAsync(StopRequest request)
    {
        var container = store.Get(request.Name);
        int signal = StopSignal(container, request.Signal, $"Cannot restart container {request.Name}");
        if (container.Status is { Removing: true } or { Dead: true }) throw EngineException.Conflict("container is marked for removal and cannot be started");
        await container.Operation.WaitAsync().ConfigureAwait(false);
        try
        {
            container.KeepOnExit = true;
            if (container.Status.Running)
            {
                await StopAndTellAsync(container, signal, Timeout(container, request.Timeout)).ConfigureAwait(false);
            }
            lock (container.Gate) container.Pacing.Reset();
            await StartCoreAsync(container, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            container.KeepOnExit = false;
            container.Operation.Release();
        }
        Publish(container, "restart");
    }

    [LoggerMessage(11, LogLevel.Warning, "container {Id} was signalled, and not thawed: {Error}")]
    private static partial void LogNotThawed(ILogger log, string id, string error);
}
