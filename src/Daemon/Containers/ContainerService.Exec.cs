using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Gantry.Daemon.Containers.Execs;
using Gantry.Daemon.Containers.Streams;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Linux.Kernel;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Streams;
using Gantry.Supervisor.Protocol;
using ExecRequest = Gantry.Supervisor.Protocol.ExecRequest;

namespace Gantry.Daemon.Containers;

public sealed record ExecCreateArguments(string Name, ExecCreateRequest? Body);

public sealed record ExecStartArguments(string Id, ExecStartRequest? Body);

public sealed record ExecReference(string Id);

/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
public sealed record ResizeArguments(string Name, int Height, int Width);

public sealed partial class ContainerService
{
    /// <summary>How long an exec that has ended can still be asked about.</summary>
    private static readonly TimeSpan ExecKept = TimeSpan.FromMinutes(5);

    private const string DirectoryNotAbsolute = "OCI runtime exec failed: exec failed: Cwd must be an absolute path";

    /// <summary>Older clients send a console size in vain.</summary>
    private static readonly Version ConsoleSizeBegins = new(1, 42);

    private readonly ConcurrentDictionary<string, ExecInstance> execs = new(StringComparer.Ordinal);
    private long lastExecSweep = Environment.TickCount64;

    /// <summary>Prepares another process in a running container.</summary>
    public IdResponse CreateExec(ExecCreateArguments request)
    {
        var container = store.Get(request.Name);
        RefuseExecUnlessRunning(container, request.Name);
        if (request.Body is not { Cmd.Count: > 0 } body) throw EngineException.InvalidParameter("No exec command specified");
        foreach (string entry in body.Env ?? [])
        {
            if (entry.Length == 0 || entry[0] == '=') throw EngineException.InvalidParameter($"invalid environment variable: {entry}");
        }
        VerifyExecUser(container, body.User);
        DetachKeys.Parse(body.DetachKeys, "escape");
        return new IdResponse { Id = AddExec(container, body).Id };
    }

    /// <summary>A user whom the container does not know is said at once.</summary>
    private static void VerifyExecUser(Container container, string user)
    {
        if (user.Length == 0) return;
        try
        {
            using var tree = TryOpenRunning(container);
            if (tree is not null) UserLookup.Resolve(tree.Root, user, null);
        }
        catch (EngineException e)
        {
            throw EngineException.InvalidParameter(e.Message, e);
        }
    }

    private ExecInstance AddExec(Container container, ExecCreateRequest body)
    {
        SweepExecs();
        var exec = new ExecInstance(ContainerNames.NewId(), container, body);
        execs[exec.Id] = exec;
        Publish(container, "exec_create: " + exec.CommandText, ("execID", exec.Id));
        return exec;
    }

    /// <param name="called">What the client called the container.</param>
    private static void RefuseExecUnlessRunning(Container container, string called)
    {
        var status = container.Status;
        if (!status.Running) throw EngineException.Conflict($"container {container.Id} is not running");
        if (status.Paused) throw EngineException.Conflict($"Container {called} is paused, unpause the container before exec");
        if (status.Restarting) throw EngineException.Conflict($"Container {called} is restarting, wait until the container is running");
    }

    private ExecInstance FindExec(string id)
    {
        if (execs.TryGetValue(id, out var exec)) return exec;
        throw EngineException.NotFound($"No such exec instance: {id}");
    }

    private void SweepExecs()
    {
        long now = Environment.TickCount64, last = Volatile.Read(ref lastExecSweep);
        if (now - last < 60_000 || Interlocked.CompareExchange(ref lastExecSweep, now, last) != last) return;
        foreach (var exec in execs.Values)
        {
            bool old = exec.FinishedAt is { } end && DateTimeOffset.UtcNow - end > ExecKept;
            if (old || (!exec.Running && store.Find(exec.Container.Id) is null)) execs.TryRemove(exec.Id, out _);
        }
    }

    public ExecInspect InspectExec(ExecReference request)
    {
        var exec = FindExec(request.Id);
        return new ExecInspect
        {
            ID = exec.Id,
            Running = exec.Running,
            ExitCode = exec.ExitCode,
            ProcessConfig = new ExecProcessConfig
            {
                Tty = exec.Request.Tty, Entrypoint = exec.Request.Cmd![0], Arguments = exec.Request.Cmd[1..], Privileged = exec.Request.Privileged,
                User = exec.Request.User.Length == 0 ? null : exec.Request.User,
            },
            OpenStdin = exec.Request.AttachStdin,
            OpenStderr = exec.Request.AttachStderr,
            OpenStdout = exec.Request.AttachStdout,
            CanRemove = false,
            ContainerID = exec.Container.Id,
            DetachKeys = exec.Request.DetachKeys,
            Pid = exec.Pid,
        };
    }

    /// <summary>Runs the process: detached, or with the client's connection as its streams (reference 4.7).</summary>
    public async Task StartExecAsync(Job job, ExecStartArguments request, CancellationToken cancellation)
    {
        var exec = FindExec(request.Id);
        RefuseExecUnlessRunning(exec.Container, exec.Container.Id);
        var options = request.Body ?? new ExecStartRequest();
        var size = (options.Tty && job.Client.ApiVersion >= ConsoleSizeBegins ? options.ConsoleSize : null) ?? exec.Request.ConsoleSize;
        if (options.Detach)
        {
            await BeginExecAsync(exec, size, null, cancellation).ConfigureAwait(false);
            return;
        }
        var connection = job.Connection ?? throw EngineException.InvalidParameter("exec start needs a connection that can be taken over, or Detach");
        bool framed = !options.Tty;   // what start says, not what create said, decides how the output comes
        string type = framed && job.Client.ApiVersion >= new Version(1, 42) ? "application/vnd.docker.multiplexed-stream" : "application/vnd.docker.raw-stream";
        await using var client = await connection.TakeOverAsync(type, standardHeaders: true, cancellation).ConfigureAwait(false);
        using var session = StreamSession.Create(framed);
        session.HasLostSupervisor = stop => HasLostSupervisorAsync(exec.Process, stop);
        try
        {
            await BeginExecAsync(exec, size, session, cancellation).ConfigureAwait(false);
        }
        catch (EngineException e)
        {
            await TellFailureAsync(client, framed, e.Message, cancellation).ConfigureAwait(false);
            return;
        }
        var keys = exec.Request.Tty ? DetachKeys.Parse(exec.Request.DetachKeys) : null;
        var end = await session.RunAsync(client, exec.Request.AttachStdin, keys, cancellation, exec.Ended.Task).ConfigureAwait(false);   // it asks for the exit code right afterwards
        exec.Sessions.Remove(session);
        if (end == StreamSession.End.Detached) Publish(exec.Container, "exec_detach", ("execID", exec.Id));
    }

    /// <summary>HTTP is over: the reason goes where the output would have gone (golden 060).</summary>
    private static async Task TellFailureAsync(IDuplexStream client, bool framed, string message, CancellationToken cancellation)
    {
        byte[] text = Encoding.UTF8.GetBytes(message + "\r\n");
        byte[] head = new byte[framed ? StreamFrame.HeaderSize : 0];
        if (framed) StreamFrame.WriteHeader(head, StreamKind.Stdout, text.Length);
        await client.WriteAsync(head.Concat(text).ToArray(), cancellation).ConfigureAwait(false);
        await client.CompleteWritesAsync().ConfigureAwait(false);
    }

    /// <param name="session">Where its streams go; null leaves them to nobody.</param>
    /// <exception cref="EngineException">409: it runs already, or has run; 400, 409 or 500: it cannot be run.</exception>
    private async Task BeginExecAsync(ExecInstance exec, int[]? size, StreamSession? session, CancellationToken cancellation)
    {
        exec.Begin();
        try
        {
            await RescuedAsync(exec.Container, cancellation).ConfigureAwait(false);
            RunningProcess? process;
            lock (exec.Container.Gate) process = exec.Container.Process;
            Publish(exec.Container, "exec_start: " + exec.CommandText, ("execID", exec.Id));
            if (process is null) throw EngineException.Conflict($"container {exec.Container.Id} is not running");
            if (exec.Request.WorkingDir is { Length: > 0 } folder && folder[0] != '/') throw EngineException.System(DirectoryNotAbsolute);
            var (spec, seccomp) = specs.BuildExec(exec.Container.Record, exec.Container.Status.Pid, exec.Request, size, LinkVariablesOf(exec.Container.Record));
            var message = new Request
            {
                Exec = new ExecRequest
                {
                    Container = exec.Container.Id,
                    Exec = exec.Id,
                    Process = spec,
                    Seccomp = seccomp,
                    Stdio = new StdioRequest { OpenStdin = exec.Request.AttachStdin, StdinOnce = true },
                    Client = session is null ? null : new AttachedClient { Stdin = exec.Request.AttachStdin, Stdout = exec.Request.AttachStdout, Stderr = exec.Request.AttachStderr, Framed = session.IsFramed },
                },
            };
            var answer = await process.Supervisor.AskAsync(message, session is null ? [] : [session.Remote], cancellation).ConfigureAwait(false);
            var running = RunningProcess.Of(process.Supervisor, answer);
            exec.Pid = answer.Reply.Started!.Pid;
            if (session is not null) exec.Sessions.Add(session, message.Exec.Client!);
            if (!exec.TryKeep(running)) running.Dispose();   // it has ended before this answer was read
            else if (running.Supervisor.IsLost) background.Run($"rescue of exec {exec.Id}", stop => RescueExecsAsync(exec.Container, stop));
        }
        catch (Exception e)
        {
            var failure = ExecFailure(exec, e);
            EndExec(exec, failure.ExitCode ?? NotExecutable);
            throw failure.Error;
        }
    }

    private static Failed ExecFailure(ExecInstance exec, Exception error)
    {
        // A runtime that is a program says the rest of the sentence itself.
        bool itself = exec.Container.Record.ExecDriver == "oci" && error is SupervisorFailure { Failure.Step: null };
        string prefix = itself ? "OCI runtime exec failed: " : "OCI runtime exec failed: exec failed: unable to start container process: ";
        return error switch
        {
            SupervisorFailure { Failure.Kind: FailureKind.CommandNotFound } e => new(EngineException.InvalidParameter(prefix + e.Message), NotFoundCode),
            SupervisorFailure { Failure.Kind: FailureKind.CommandNotExecutable } e => new(EngineException.InvalidParameter(prefix + e.Message), NotExecutable),
            // Its working directory, then: dockerd takes every such word of a runtime for a command that is not there.
            SupervisorFailure { Failure.Errno: (int)Errno.ENOENT or (int)Errno.ENOTDIR } e => new(EngineException.InvalidParameter(prefix + e.Message), NotFoundCode),
            SupervisorFailure { Failure.Errno: (int)Errno.EACCES } e => new(EngineException.InvalidParameter(prefix + e.Message), NotExecutable),
            SupervisorFailure { Failure.Kind: FailureKind.NotFound } => new(EngineException.Conflict($"container {exec.Container.Id} is not running"), null),
            SupervisorFailure e => new(EngineException.System(prefix + e.Message, e), GenericFailure),
            EngineException { Message: DirectoryNotAbsolute } e => new(e, GenericFailure),
            EngineException e => new(e, null),
            _ => new(EngineException.System($"{prefix}{error.Message}", error), null),
        };
    }

    private void OnExecExit(ExitNotice exit)
    {
        if (!execs.TryGetValue(exit.Exec!, out var exec)) return;
        EndExec(exec, exit.ExitCode);
        Publish(exec.Container, "exec_die", ("execID", exec.Id), ("exitCode", exit.ExitCode.ToString(CultureInfo.InvariantCulture)));
    }

    private static void EndExec(ExecInstance exec, int code)
    {
        exec.ExitCode = code;
        exec.Running = false;
        exec.FinishedAt = DateTimeOffset.UtcNow;
        exec.Drop();
        EndSessions(exec.Sessions);
        exec.Ended.TrySetResult(code);
    }

    private List<string>? RunningExecs(string containerId)
    {
        var running = execs.Values.Where(e => e.Running && e.Container.Id == containerId).Select(e => e.Id).ToList();
        return running.Count == 0 ? null : running;
    }

    /// <summary>How long a resize waits for the start of its exec, as dockerd does.</summary>
    private static readonly TimeSpan ExecStartLimit = TimeSpan.FromSeconds(10);

    public async Task ResizeExecAsync(ResizeArguments request, CancellationToken cancellation)
    {
        var exec = FindExec(request.Name);
        try
        {
            await exec.Started.Task.WaitAsync(ExecStartLimit, cancellation).ConfigureAwait(false);   // clients are answered before it has started
        }
        catch (TimeoutException)
        {
            throw EngineException.System("timeout waiting for exec session ready");
        }
        if (!exec.Running) throw EngineException.System($"exec process {exec.Id} is not running");
        await ResizeAsync(exec.Container, exec.Id, request, cancellation).ConfigureAwait(false);
    }

    /// <summary>Sets the size of a container's terminal.</summary>
    public async Task ResizeAsync(ResizeArguments request, CancellationToken cancellation)
    {
        var container = store.Get(request.Name);
        if (!container.Status.HasProcess) throw EngineException.Conflict($"container {container.Id} is not running");
        await ResizeAsync(container, null, request, cancellation).ConfigureAwait(false);
        Publish(container, "resize", ("height", request.Height.ToString(CultureInfo.InvariantCulture)), ("width", request.Width.ToString(CultureInfo.InvariantCulture)));
    }

    private static async Task ResizeAsync(Container container, string? exec, ResizeArguments request, CancellationToken cancellation)
    {
        await RescuedAsync(container, cancellation).ConfigureAwait(false);
        RunningProcess? process;
        lock (container.Gate) process = container.Process;
        if (process is null) throw EngineException.Conflict($"container {container.Id} is not running");
        var size = new ConsoleSize { Height = (uint)request.Height, Width = (uint)request.Width };
        try
        {
            await process.Supervisor.AskAsync(new Request { Resize = new ResizeRequest { Container = container.Id, Exec = exec, Size = size } }, [], cancellation).ConfigureAwait(false);
        }
        catch (SupervisorFailure e)
        {
            throw EngineException.System(e.Message, e);
        }
    }
}
