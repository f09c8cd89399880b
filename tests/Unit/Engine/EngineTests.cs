using Gantry.Daemon.Engine;
using Gantry.Protocol.Json;
using Microsoft.Extensions.Logging.Abstractions;
using EngineException = Gantry.Daemon.Engine.EngineException;

namespace Gantry.Unit.Engine;

public class EngineTests
{
    private readonly Daemon.Engine.Engine engine = new(NullLogger<Daemon.Engine.Engine>.Instance);

    private static Command<string, List<string>> Echo(string name = "echo") => new(name, "Says it again.")
    {
        Parameters = [new Parameter("text", ParameterType.String, ParameterLocation.None, "What to say.") { Position = 0 }],
        Bind = a => a.String("text"),
        Response = WireJson.TypeInfo<List<string>>(),
    };

    private static Command<Nothing, Nothing> Plain(string name, bool observes = false) => new(name, "Does something.") { Bind = _ => default, Observes = observes };

    [Fact]
    public void A_name_can_be_registered_once_only()
    {
        engine.Register(Plain("a"), (_, _, _) => Task.FromResult(default(Nothing)));
        var error = Assert.Throws<EngineException>(() => engine.Register(Plain("a"), (_, _, _) => Task.FromResult(default(Nothing))));
        Assert.Equal("Can't overwrite handler for command a", error.Message);
        Assert.Equal(ErrorKind.Conflict, error.Kind);
    }

    [Fact]
    public async Task Commands_are_listed_in_ordinal_order_as_of_the_time_of_asking()
    {
        engine.RegisterEngineCommands();
        engine.Register(Plain("zebra"), (_, _, _) => Task.FromResult(default(Nothing)));
        engine.Register(Plain("Apple"), (_, _, _) => Task.FromResult(default(Nothing)));
        var names = await engine.RunAsync(EngineCommands.Commands, default);
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.Equal("Apple", names[0]);
        Assert.Contains("zebra", names);
    }

    [Fact]
    public async Task A_job_runs_once()
    {
        engine.Register(Plain("a"), (_, _, _) => Task.FromResult(default(Nothing)));
        var job = engine.CreateJob(engine.Find("a")!);
        await engine.RunAsync(job, CommandArguments.None, default);
        var error = await Assert.ThrowsAsync<EngineException>(() => engine.RunAsync(job, CommandArguments.None, default));
        Assert.Equal("a: job has already completed", error.Message);
        Assert.Equal(JobStatus.Succeeded, job.Status);
    }

    [Fact]
    public async Task A_command_that_is_not_there_is_not_found()
    {
        var error = await Assert.ThrowsAsync<EngineException>(() => engine.RunAsync(Plain("nosuch"), default));
        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.Equal("nosuch: command not found", error.Message);
    }

    [Fact]
    public async Task Shutdown_refuses_new_jobs()
    {
        engine.Register(Plain("a"), (_, _, _) => Task.FromResult(default(Nothing)));
        await engine.ShutdownAsync();
        var error = await Assert.ThrowsAsync<EngineException>(() => engine.RunAsync(Plain("a"), default));
        Assert.Equal("engine is shutdown", error.Message);
        Assert.Equal(ErrorKind.Unavailable, error.Kind);
    }

    [Fact]
    public async Task Shutdown_waits_for_running_jobs_before_its_handlers_run()
    {
        var entered = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        engine.Register(Plain("a"), async (_, _, _) =>
        {
            entered.SetResult();
            await release.Task;
            return default;
        });
        bool jobEnded = false, handlerSawIt = false;
        engine.OnShutdown(_ =>
        {
            handlerSawIt = jobEnded;
            return Task.CompletedTask;
        });
        var running = engine.RunAsync(Plain("a"), default);
        await entered.Task;
        var shutdown = engine.ShutdownAsync();
        Assert.False(shutdown.IsCompleted);
        jobEnded = true;
        release.SetResult();
        await shutdown;
        await running;
        Assert.True(handlerSawIt);
    }

    [Fact]
    public async Task Shutdown_ends_jobs_that_only_watch()
    {
        var entered = new TaskCompletionSource();
        engine.Register(Plain("watch", observes: true), async (_, _, cancellation) =>
        {
            entered.SetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
            return default;
        });
        var job = engine.CreateJob(engine.Find("watch")!);
        var running = engine.RunAsync(job, CommandArguments.None, default);
        await entered.Task;
        await engine.ShutdownAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(JobStatus.Cancelled, job.Status);
    }

    [Fact]
    public async Task Shutdown_handlers_run_at_the_same_time_and_one_that_fails_harms_no_other()
    {
        var first = new TaskCompletionSource();
        var second = new TaskCompletionSource();
        engine.OnShutdown(async _ =>
        {
            first.SetResult();
            await second.Task;
        });
        engine.OnShutdown(async _ =>
        {
            await first.Task;
            second.SetResult();
        });
        engine.OnShutdown(_ => throw new InvalidOperationException("broken"));
        await engine.ShutdownAsync();
        Assert.True(second.Task.IsCompletedSuccessfully);
    }

    [Fact]
    public void Shutdown_runs_once() => Assert.Same(engine.ShutdownAsync(), engine.ShutdownAsync());

    [Fact]
    public async Task Stopping_a_job_cancels_it_and_the_jobs_that_it_started()
    {
        var inner = new TaskCompletionSource();
        engine.Register(Plain("inner"), async (_, _, cancellation) =>
        {
            inner.SetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
            return default;
        });
        engine.Register(Plain("outer"), (job, _, cancellation) => engine.RunAsync(Plain("inner"), default, job, cancellation));
        var job = engine.CreateJob(engine.Find("outer")!);
        var running = engine.RunAsync(job, CommandArguments.None, default);
        await inner.Task;
        job.Stop();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task A_detached_job_keeps_its_result_until_it_is_forgotten()
    {
        engine.RegisterEngineCommands();
        engine.Register(Echo(), (_, text, _) => Task.FromResult<List<string>>([text]));
        var job = engine.CreateJob(engine.Find("echo")!);
        engine.RunDetached(job, CommandArguments.None);
        var described = await engine.RunAsync(JobCommands.Inspect, new JobInspectRequest(job.Id, Wait: true));
        Assert.Equal("succeeded", described.Status);
        Assert.Equal("[\"\"]", described.Result?.GetRawText());
        await engine.RunAsync(JobCommands.Stop, job.Id);
        Assert.Null(engine.FindJob(job.Id));
    }

    [Fact]
    public async Task A_detached_job_runs_from_the_moment_that_it_can_be_found()
    {
        var release = new TaskCompletionSource();
        engine.Register(Plain("slow"), async (_, _, _) =>
        {
            await release.Task;
            return default;
        });
        var job = engine.CreateJob(engine.Find("slow")!);
        engine.RunDetached(job, CommandArguments.None);
        Assert.Equal(("running", true), (engine.FindJob(job.Id)!.Describe().Status, job.StartedAt is not null));
        release.SetResult();
        await job.Finished.Task;
        Assert.Equal(JobStatus.Succeeded, job.Status);
        Assert.Throws<EngineException>(() => engine.RunDetached(job, CommandArguments.None));
    }

    [Fact]
    public async Task A_job_that_failed_tells_its_error_and_status()
    {
        engine.RegisterEngineCommands();
        engine.Register(Plain("bad"), (_, _, _) => throw EngineException.Conflict("no way"));
        var job = engine.CreateJob(engine.Find("bad")!);
        engine.RunDetached(job, CommandArguments.None);
        var described = await engine.RunAsync(JobCommands.Inspect, new JobInspectRequest(job.Id, Wait: true));
        Assert.Equal(("failed", "no way", 409), (described.Status, described.Error, described.ErrorCode));
    }

    [Fact]
    public async Task The_job_list_does_not_show_the_job_that_asks()
    {
        engine.RegisterEngineCommands();
        Assert.Empty(await engine.RunAsync(JobCommands.List, default));
    }

    [Fact]
    public async Task Accepting_connections_opens_the_gate_and_may_be_repeated()
    {
        engine.RegisterEngineCommands();
        Assert.False(engine.AcceptGate.IsOpen);
        await engine.RunAsync(EngineCommands.AcceptConnections, default);
        await engine.RunAsync(EngineCommands.AcceptConnections, default);
        Assert.True(engine.AcceptGate.IsOpen);
    }

    [Fact]
    public void A_success_without_a_response_is_204_unless_the_command_says_otherwise()
    {
        Assert.Equal(204, Plain("a").EffectiveStatus);
        Assert.Equal(200, Echo().EffectiveStatus);
        Assert.Equal(200, new Command<Nothing, Nothing>("resize", "") { Bind = _ => default, SuccessStatus = 200 }.EffectiveStatus);
        Assert.Equal(200, new Command<Nothing, Nothing>("logs", "") { Bind = _ => default, Streams = "stream of bytes" }.EffectiveStatus);
    }

    [Fact]
    public async Task The_tail_of_a_detached_jobs_output_starts_at_a_line()
    {
        var tail = new TailOutput();
        for (int i = 0; i < 20_000; i++) await tail.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"line {i}\n"), default);
        Assert.EndsWith("line 19999\n", tail.Text);
        Assert.StartsWith("line ", tail.Text);
        Assert.InRange(tail.Text.Length, 32 << 10, 128 << 10);
    }
}
