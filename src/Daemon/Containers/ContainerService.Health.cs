using System.Globalization;
using System.Text;
using Gantry.Daemon.Containers.Execs;
using Gantry.Daemon.Containers.Streams;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Containers;

public sealed partial class ContainerService
{
    private const int ProbeOutput = 4096;

    /// <summary>Begins to probe a container that has just started: its health is <c>starting</c>.</summary>
    private void StartHealth(Container container)
    {
        if (!HealthRules.IsChecked(container.Record.Config.Healthcheck)) return;
        store.Update(container, s => s with { Health = new Health { Status = HealthRules.Starting, Log = s.Health?.Log ?? [] } });
        ResumeHealth(container);
    }

    /// <summary>Probes from now on, with the health as it is: after a pause, or by a daemon that found the container running.</summary>
    private void ResumeHealth(Container container)
    {
        if (container.Record.Config.Healthcheck is not { } config || !HealthRules.IsChecked(config)) return;
        var stop = new CancellationTokenSource();
        lock (container.Gate)
        {
            container.HealthStop?.Cancel();
            container.HealthStop = stop;
        }
        background.Run($"health check of {container.Record.ShortId}", async token =>
        {
            using (stop)
            using (var either = CancellationTokenSource.CreateLinkedTokenSource(token, stop.Token))
            {
                try
                {
                    await ProbeAsync(container, config, either.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    // The container has ended or is paused, or the engine ends.
                }
            }
        });
    }

    /// <summary>Stops probing. What nobody looks at counts as unhealthy, as in dockerd, without an event.</summary>
    private void StopHealth(Container container)
    {
        CancellationTokenSource? stop;
        lock (container.Gate)
        {
            stop = container.HealthStop;
            container.HealthStop = null;
        }
        if (stop is null) return;
        try
        {
            stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Its probe has ended by itself.
        }
        store.Update(container, s => s.Health is null ? s : s with { Health = s.Health with { Status = HealthRules.Unhealthy } });
    }

    private async Task ProbeAsync(Container container, HealthConfig config, CancellationToken stop)
    {
        var started = container.Status.StartedAt ?? DateTimeOffset.UtcNow;
        while (true)
        {
            var health = container.Status.Health ?? new Health { Status = HealthRules.Starting };
            await Task.Delay(HealthRules.Interval(config, health, started, DateTimeOffset.UtcNow), stop).ConfigureAwait(false);   // the interval of the check
            var result = await ProbeOnceAsync(container, config, stop).ConfigureAwait(false);
            stop.ThrowIfCancellationRequested();
            RecordProbe(container, config, result, started);
        }
    }

    private void RecordProbe(Container container, HealthConfig config, HealthResult result, DateTimeOffset started)
    {
        string before = "", after = "";
        store.Update(container, s =>
        {
            var old = s.Health ?? new Health { Status = HealthRules.Starting };
            var changed = HealthRules.Apply(config, old, result, DateTimeOffset.UtcNow - started < HealthRules.StartPeriod(config));
            (before, after) = (old.Status, changed.Status);
            return s with { Health = changed };
        });
        if (before == after) return;
        Publish(container, "health_status: " + after);
        container.Wake();
    }

    /// <summary>Runs the check once. Whatever goes wrong with it is a failure of the check.</summary>
    private async Task<HealthResult> ProbeOnceAsync(Container container, HealthConfig config, CancellationToken stop)
    {
        var start = DateTimeOffset.UtcNow;
        var timeout = HealthRules.Timeout(config);
        var exec = AddExec(container, new ExecCreateRequest { Cmd = HealthRules.Command(container.Record.Config), AttachStdout = true, AttachStderr = true });
        using var session = StreamSession.Create(framed: true);
        int code;
        string output;
        try
        {
            await BeginExecAsync(exec, null, session, stop).ConfigureAwait(false);
            session.Finish();   // its output ends with the process; no other supervisor is to have it
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(timeout);
            var reading = session.ReadOutputAsync(ProbeOutput, CancellationToken.None);
            try
            {
                code = await exec.Ended.Task.WaitAsync(limit.Token).ConfigureAwait(false);
                output = Encoding.UTF8.GetString(await reading.WaitAsync(limit.Token).ConfigureAwait(false));
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                await KillExecAsync(container, exec).ConfigureAwait(false);
                code = HealthRules.TimedOut;
                string said = Encoding.UTF8.GetString(await reading.ConfigureAwait(false));
                output = $"Health check exceeded timeout ({Text(timeout)})" + (said.Length > 0 ? ": " + said : "");
            }
        }
        catch (EngineException e)
        {
            (code, output) = (exec.ExitCode ?? HealthRules.TimedOut, e.Message);
        }
        finally
        {
            execs.TryRemove(exec.Id, out _);   // nobody has its id to ask about it
        }
        return new HealthResult { Start = WireTime.Format(start), End = WireTime.Format(DateTimeOffset.UtcNow), ExitCode = code, Output = output };
    }

    private static string Text(TimeSpan time) => time.TotalSeconds >= 1
        ? time.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture) + "s"
        : time.TotalMilliseconds.ToString("0.###", CultureInfo.InvariantCulture) + "ms";

    private static async Task KillExecAsync(Container container, ExecInstance exec)
    {
        RunningProcess? process;
        lock (container.Gate) process = container.Process;
        if (process is null) return;
        try
        {
            await process.Supervisor.AskAsync(new Request { Signal = new SignalRequest { Container = container.Id, Exec = exec.Id, Signal = Signals.Kill } }, []).ConfigureAwait(false);
        }
        catch (Exception e) when (e is Execution.SupervisorFailure or EngineException)
        {
            // It has ended by itself in this instant.
        }
    }
}
