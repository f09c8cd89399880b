using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Engine;

/// <summary>The registry of named commands, and the one place where they run: it logs, measures, limits, cancels and drains.</summary>
/// <remarks>
/// Kept from the original (reference §1A, §3): duplicate names are refused, names are listed in ordinal order at the time of asking, a job runs once,
/// and shutdown first refuses new jobs, then waits for running ones, then runs its handlers at the same time, each step within a limit.
/// </remarks>
public sealed class Engine
{
    /// <summary>How long shutdown waits for running jobs, and then for its handlers.</summary>
    public static readonly TimeSpan JobGrace = TimeSpan.FromSeconds(5), HandlerGrace = TimeSpan.FromSeconds(10);

    private const int FinishedJobsKept = 256;
    private static readonly ActivitySource Activities = new("Gantry.Engine");
    private static readonly Meter Meter = new("Gantry.Engine");
    private static readonly Histogram<double> Durations = Meter.CreateHistogram<double>("gantry.job.duration", "ms", "Time from a job's start to its end");

    private readonly ConcurrentDictionary<string, Registration> registrations = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Job> jobs = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Job> finishedDetached = new();
    private readonly List<(Func<CancellationToken, Task> Run, Func<TimeSpan>? Grace)> shutdownHandlers = [];
    private readonly Lock gate = new();
    private readonly ILogger log;
    private TaskCompletionSource? drained;
    private Task? shutdown;
    private int active;

    public Engine(ILogger<Engine> log)
    {
        this.log = log;
        Id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
    }

    private sealed record Registration(Command Command, Delegate Handler);

    /// <summary>64 hexadecimal digits; log lines show the first 8.</summary>
    public string Id { get; }

    public bool IsShutdown => shutdown is not null;

    /// <summary>Opened by <c>acceptconnections</c>: until then listeners let connections wait.</summary>
    public AcceptGate AcceptGate { get; } = new();

    /// <summary>Adds a command. Refuses a name that is taken.</summary>
    /// <exception cref="EngineException">409 <c>Can't overwrite handler for command X</c>.</exception>
    public void Register<TRequest, TResponse>(Command<TRequest, TResponse> command, Func<Job, TRequest, CancellationToken, Task<TResponse>> handler)
    {
        if (!registrations.TryAdd(command.Name, new Registration(command, handler)))
            throw EngineException.Conflict($"Can't overwrite handler for command {command.Name}");
    }

    /// <summary>Every registered command in ordinal order of names, as of now.</summary>
    public IReadOnlyList<Command> Commands => [.. registrations.Values.Select(r => r.Command).OrderBy(c => c.Name, StringComparer.Ordinal)];

    public Command? Find(string name) => registrations.TryGetValue(name, out var found) ? found.Command : null;

    /// <summary>Jobs that run, and the last detached ones that have ended; oldest first.</summary>
    public IReadOnlyList<Job> Jobs => [.. jobs.Values.OrderBy(j => j.CreatedAt)];

    public Job? FindJob(string id) => jobs.GetValueOrDefault(id);

    /// <summary>How many commands there are. It only grows: who has built a table of them compares it.</summary>
    internal int CommandCount => registrations.Count;

    /// <summary>Drops the kept result of a job that has ended.</summary>
    internal void Forget(Job job)
    {
        if (job.FinishedAt is not null) jobs.TryRemove(job.Id, out _);
    }

    /// <summary>Runs a handler when the engine shuts down, beside all others.</summary>
    /// <param name="handler">Its token ends when its time is over.</param>
    /// <param name="grace">How long it may take, asked for at shutdown; infinite is possible. <see cref="HandlerGrace"/> when not given.</param>
    public void OnShutdown(Func<CancellationToken, Task> handler, Func<TimeSpan>? grace = null)
    {
        lock (gate) shutdownHandlers.Add((handler, grace));
    }

    public Job CreateJob(Command command, JobClient? client = null, Job? parent = null, Stream? input = null, JobOutput? output = null, IClientConnection? connection = null) =>
        new(command.Name, parent, client ?? parent?.Client ?? JobClient.Engine)
        {
            Input = input ?? Stream.Null,
            Output = output ?? JobOutput.Discard(),
            Connection = connection,
            Observes = command.Observes,
        };

    /// <summary>Runs a command of the engine's own: no arguments to parse, the typed response comes back.</summary>
    public Task<TResponse> RunAsync<TRequest, TResponse>(Command<TRequest, TResponse> command, TRequest request, Job? parent = null, CancellationToken cancellation = default) =>
        RunTypedAsync(CreateJob(command, parent: parent), command, request, cancellation);

    /// <summary>The same in a job that was created beforehand, with streams of its own.</summary>
    public Task<TResponse> RunAsync<TRequest, TResponse>(Job job, Command<TRequest, TResponse> command, TRequest request, CancellationToken cancellation) =>
        RunTypedAsync(job, command, request, cancellation);

    private async Task<TResponse> RunTypedAsync<TRequest, TResponse>(Job job, Command<TRequest, TResponse> command, TRequest request, CancellationToken cancellation)
    {
        job.Begin();
        TResponse? response = default;
        await RunCoreAsync(job, async token =>
        {
            var handler = (Func<Job, TRequest, CancellationToken, Task<TResponse>>)HandlerOf(command.Name);
            response = await handler(job, request, token).ConfigureAwait(false);
            return null;
        }, keep: false, cancellation).ConfigureAwait(false);
        return response!;
    }

    /// <summary>Runs a job with arguments from outside. The caller waits for its end; errors come as exceptions.</summary>
    public Task<CommandResult> RunAsync(Job job, CommandArguments arguments, CancellationToken cancellation) => RunAsync(job, arguments, detached: false, cancellation);

    /// <summary>Starts a job and returns; its result stays with it until <see cref="FinishedJobsKept"/> later ones have ended.</summary>
    /// <exception cref="EngineException">503 when the engine is shut down.</exception>
    public void RunDetached(Job job, CommandArguments arguments)
    {
        if (IsShutdown) throw EngineException.Unavailable("engine is shutdown");
        Begin(job, arguments);   // before anybody can see it: whoever asks is told that it runs, and with what
        jobs[job.Id] = job;
        // The registry owns it from here on: shutdown waits for it, and the job itself keeps the error.
        _ = Task.Run(() => RunAsync(job, arguments, detached: true, CancellationToken.None)).ContinueWith(static t => _ = t.Exception, TaskScheduler.Default);
    }

    private static void Begin(Job job, CommandArguments arguments)
    {
        job.Begin();
        job.PrintableArguments.AddRange(arguments.Printable);
    }

    private async Task<CommandResult> RunAsync(Job job, CommandArguments arguments, bool detached, CancellationToken cancellation)
    {
        if (!detached) Begin(job, arguments);
        var result = await RunCoreAsync(job, async token =>
        {
            var registration = registrations.GetValueOrDefault(job.Command) ?? throw EngineException.NotFound($"{job.Command}: command not found");
            return await registration.Command.InvokeAsync(registration.Handler, job, arguments, token).ConfigureAwait(false);
        }, detached, cancellation).ConfigureAwait(false);
        return result!;
    }

    private Delegate HandlerOf(string name) =>
        registrations.GetValueOrDefault(name)?.Handler ?? throw EngineException.NotFound($"{name}: command not found");

    /// <summary>Runs a job that was begun.</summary>
    private async Task<CommandResult?> RunCoreAsync(Job job, Func<CancellationToken, Task<CommandResult?>> body, bool keep, CancellationToken cancellation)
    {
        try
        {
            Enter(job);
        }
        catch (EngineException e)
        {
            job.End(null, e);
            throw;
        }
        CommandResult? result = null;
        Exception? error = null;
        using var activity = Activities.StartActivity(job.Command);
        using var stop = cancellation.UnsafeRegister(static j => ((Job)j!).Stop(), job);
        try
        {
            EngineLog.JobStarted(log, job.Id, job.Command, job.PrintableArguments);
            return result = await body(job.StopToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            error = e;
            throw;
        }
        finally
        {
            job.End(result, error);
            Leave(job, keep);
            double milliseconds = (job.FinishedAt - job.StartedAt)?.TotalMilliseconds ?? 0;
            Durations.Record(milliseconds, new KeyValuePair<string, object?>("command", job.Command), new KeyValuePair<string, object?>("status", job.Status));
            if (error is null) EngineLog.JobSucceeded(log, job.Id, job.Command, milliseconds);
            else EngineLog.JobFailed(log, job.Id, job.Command, milliseconds, error.Message);
        }
    }

    /// <summary>The shutdown flag is looked at and the job counted under one lock: no job slips in between.</summary>
    private void Enter(Job job)
    {
        lock (gate)
        {
            if (shutdown is not null) throw EngineException.Unavailable("engine is shutdown");
            if (Counts(job)) active++;
            jobs[job.Id] = job;
        }
    }

    private void Leave(Job job, bool keep)
    {
        if (keep)
        {
            finishedDetached.Enqueue(job);
            while (finishedDetached.Count > FinishedJobsKept && finishedDetached.TryDequeue(out var oldest)) jobs.TryRemove(oldest.Id, out _);
        }
        else
        {
            jobs.TryRemove(job.Id, out _);
        }
        if (!Counts(job)) return;
        lock (gate)
        {
            if (--active == 0) drained?.TrySetResult();
        }
    }

    /// <summary>The server's own job lasts as long as the engine and is not waited for.</summary>
    private static bool Counts(Job job) => job.Command != EngineCommands.ServeApi.Name;

    /// <summary>Refuses new jobs, ends those that only watch, waits at most <see cref="JobGrace"/> for the others, then for the handlers, each at most its own grace. Later calls wait for the first.</summary>
    public Task ShutdownAsync()
    {
        lock (gate) return shutdown ??= Task.Run(ShutdownCoreAsync);
    }

    private async Task ShutdownCoreAsync()
    {
        (Func<CancellationToken, Task> Run, Func<TimeSpan>? Grace)[] handlers;
        Task idle;
        lock (gate)
        {
            handlers = [.. shutdownHandlers];
            foreach (var job in jobs.Values.Where(j => j.Observes)) job.Stop();
            idle = active == 0 ? Task.CompletedTask : (drained = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        await Task.WhenAny(idle, Task.Delay(JobGrace)).ConfigureAwait(false);

        await Task.WhenAll(handlers.Select(h => RunShutdownHandlerAsync(h.Run, h.Grace?.Invoke() ?? HandlerGrace))).ConfigureAwait(false);
    }

    private async Task RunShutdownHandlerAsync(Func<CancellationToken, Task> handler, TimeSpan grace)
    {
        using var limit = new CancellationTokenSource(grace);
        try
        {
            await Task.Run(() => handler(limit.Token)).WaitAsync(grace).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            EngineLog.ShutdownHandlerFailed(log, e);
        }
    }
}
