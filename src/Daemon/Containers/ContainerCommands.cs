using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;
using static Gantry.Daemon.Engine.Parameter;
using static Gantry.Daemon.Engine.ParameterType;

namespace Gantry.Daemon.Containers;

/// <summary>A container, by name or id.</summary>
public sealed record ContainerReference(string Name);

public sealed record InspectRequest(string Name, bool Size);

public sealed record WaitRequest(string Name, string Condition);

public sealed record RenameRequest(string Name, string NewName);

public sealed record PruneRequest(string? Filters);

/// <summary>The engine's commands for containers: names of v1.2.0 where it had them (reference §2).</summary>
public static class ContainerCommands
{
    private static readonly Parameter Name = Path("name", "The container: its name, its id or the beginning of its id.");

    public static readonly Command<ListRequest, List<ContainerSummary>> Containers = new("containers", "Lists containers, newest first.")
    {
        Parameters =
        [
            Query("all", ParameterType.Boolean, "Also those that do not run."), Query("limit", Integer, "At most so many, running or not."),
            Query("size", ParameterType.Boolean, "With the bytes that each takes."), Query("filters", ParameterType.Object, "Which to show, as {\"key\": [\"value\"]}."),
        ],
        Routes = ["GET /containers/json"],
        Permission = "read",
        Bind = a => new ListRequest(a.Boolean("all"), a.Integer("limit") ?? 0, a.Boolean("size"), a.Find("filters")),
        Response = WireJson.TypeInfo<List<ContainerSummary>>(),
    };

    public static readonly Command<CreateRequest, ContainerCreateResponse> Create = new("create", "Makes a container from an image.")
    {
        Parameters = [Query("name", ParameterType.String, "A name; otherwise one is made up."), Query("platform", ParameterType.String, "os/architecture of the image."), Body("config", "Config, HostConfig and NetworkingConfig.", required: true)],
        Routes = ["POST /containers/create"],
        SuccessStatus = 201,
        OutlivesClient = true,
        Bind = a => new CreateRequest(a.String("name"), a.String("platform"), a.Body(WireJson.TypeInfo<ContainerCreateRequest>())),
        Response = WireJson.TypeInfo<ContainerCreateResponse>(),
    };

    public static readonly Command<InspectRequest, ContainerInspect> Inspect = new("container_inspect", "Shows everything about a container.")
    {
        Parameters = [Name, Query("size", ParameterType.Boolean, "With the bytes that it takes.")],
        Routes = ["GET /containers/{name*}/json"],
        Permission = "read",
        Bind = a => new InspectRequest(a.Required("name"), a.Boolean("size")),
        Response = WireJson.TypeInfo<ContainerInspect>(),
    };

    public static readonly Command<StartRequest, Nothing> Start = new("start", "Starts a container.")
    {
        Parameters = [Name, Query("checkpoint", ParameterType.String, "A checkpoint to start from."), Query("checkpoint-dir", ParameterType.String, "Where checkpoints are; not supported."), Query("detachKeys", ParameterType.String, "Not used.")],
        Routes = ["POST /containers/{name*}/start"],
        OutlivesClient = true,
        Bind = a => new StartRequest(a.Required("name"), a.String("checkpoint"), a.String("checkpoint-dir"), a.BodyLength is null or > 7),
    };

    public static readonly Command<StopRequest, Nothing> Stop = Stopping("stop", "Asks a container to end, and kills it when it does not in time.");

    public static readonly Command<StopRequest, Nothing> Restart = Stopping("restart", "Stops a container when it runs, and starts it.");

    private static Command<StopRequest, Nothing> Stopping(string command, string synopsis) => new(command, synopsis)
    {
        Parameters = [Name, Query("t", Integer, "Seconds to wait before it is killed; negative waits for ever."), Query("signal", ParameterType.String, "The signal to ask with.")],
        Routes = [$"POST /containers/{{name}}/{command}"],
        OutlivesClient = true,
        Bind = a => new StopRequest(a.Required("name"), a.String("signal"), a.Integer("t")),
    };

    public static readonly Command<KillRequest, Nothing> Kill = new("kill", "Sends a signal to a container; KILL waits for its end.")
    {
        Parameters = [Name, Query("signal", ParameterType.String, "Name or number.", "KILL") with { Position = 1 }],
        Routes = ["POST /containers/{name*}/kill"],
        OutlivesClient = true,
        Bind = a => new KillRequest(a.Required("name"), a.String("signal")),
    };

    public static readonly Command<ContainerReference, Nothing> Pause = new("pause", "Freezes all processes of a container.")
    {
        Parameters = [Name],
        Routes = ["POST /containers/{name*}/pause"],
        Bind = a => new ContainerReference(a.Required("name")),
    };

    public static readonly Command<ContainerReference, Nothing> Unpause = new("unpause", "Lets a paused container run on.")
    {
        Parameters = [Name],
        Routes = ["POST /containers/{name*}/unpause"],
        Bind = a => new ContainerReference(a.Required("name")),
    };

    public static readonly Command<WaitRequest, Nothing> Wait = new("wait", "Waits until a container has ended or is removed, and gives its exit code.")
    {
        Parameters = [Name, Query("condition", ParameterType.String, "not-running, next-exit or removed.", "not-running")],
        Routes = ["POST /containers/{name*}/wait"],
        Permission = "read",
        Observes = true,
        Streams = nameof(ContainerWaitResponse),
        Bind = a => new WaitRequest(a.Required("name"), a.String("condition")),
    };

    public static readonly Command<RemoveRequest, Nothing> Delete = new("delete", "Removes a container.")
    {
        Parameters = [Name, Query("force", ParameterType.Boolean, "Kill it first when it runs."), Query("v", ParameterType.Boolean, "Also its anonymous volumes."), Query("link", ParameterType.Boolean, "Remove a link and not the container.")],
        Routes = ["DELETE /containers/{name*}"],
        OutlivesClient = true,
        Bind = a => new RemoveRequest(a.Required("name"), a.Boolean("force"), a.Boolean("v"), a.Boolean("link")),
    };

    public static readonly Command<RenameRequest, Nothing> Rename = new("rename", "Gives a container another name.")
    {
        Parameters = [Path("container", "The container: its name, its id or the beginning of its id."), Query("name", ParameterType.String, "The new name.") with { Position = 1 }],
        Routes = ["POST /containers/{container}/rename"],
        Bind = a => new RenameRequest(a.String("container"), a.String("name")),
    };

    public static readonly Command<LogsRequest, Nothing> Logs = new("logs", "Shows what a container has written.")
    {
        Parameters =
        [
            Name, Query("follow", ParameterType.Boolean, "Go on as it writes."), Query("stdout", ParameterType.Boolean, "Its standard output."), Query("stderr", ParameterType.Boolean, "Its standard error."),
            Query("since", ParameterType.String, "Only from this time on, in Unix seconds."), Query("until", ParameterType.String, "Only up to this time."),
            Query("timestamps", ParameterType.Boolean, "Each record with its time."), Query("details", ParameterType.Boolean, "Each record with its attributes."), Query("tail", ParameterType.String, "So many last records.", "all"),
        ],
        Routes = ["GET /containers/{name*}/logs"],
        Permission = "read",
        Observes = true,
        Streams = "stream of output",
        Bind = a => new LogsRequest(a.Required("name"), a.Boolean("follow"), a.Boolean("stdout"), a.Boolean("stderr"), a.String("since"), a.String("until"), a.Boolean("timestamps"), a.Boolean("details"), a.String("tail")),
    };

    public static readonly Command<AttachRequestArguments, Nothing> Attach = new("attach", "Connects to the streams of a container.")
    {
        Parameters =
        [
            Name, Query("logs", ParameterType.Boolean, "First what was written so far."), Query("stream", ParameterType.Boolean, "Then what comes."), Query("stdin", ParameterType.Boolean, "Send input."),
            Query("stdout", ParameterType.Boolean, "Receive standard output."), Query("stderr", ParameterType.Boolean, "Receive standard error."), Query("detachKeys", ParameterType.String, "Keys that leave the terminal.", "ctrl-p,ctrl-q"),
        ],
        Routes = ["POST /containers/{name*}/attach"],
        Observes = true,
        Streams = "two-way stream",
        Bind = a => new AttachRequestArguments(a.Required("name"), a.Boolean("logs"), a.Boolean("stream"), a.Boolean("stdin"), a.Boolean("stdout"), a.Boolean("stderr"), a.String("detachKeys")),
    };

    public static readonly Command<AttachRequestArguments, Nothing> AttachWebSocket = new("attach_websocket", "Connects to the streams of a container over a websocket.")
    {
        Parameters = Attach.Parameters,
        Routes = ["GET /containers/{name}/attach/ws"],
        Observes = true,
        Streams = Attach.Streams,
        Bind = Attach.Bind,
    };

    public static readonly Command<CheckpointCreateArguments, Nothing> CheckpointCreate = new("checkpoint_create", "Writes the state of a running container down, so that it can go on from it later.")
    {
        Parameters = [Name, Body("config", "CheckpointID, CheckpointDir, Exit.", required: true)],
        Routes = ["POST /containers/{name}/checkpoints"],
        SuccessStatus = 201,
        OutlivesClient = true,
        Bind = a => new CheckpointCreateArguments(a.Required("name"), a.Body(WireJson.TypeInfo<CheckpointCreateRequest>())),
    };

    private static readonly Parameter CheckpointDirectory = Query("dir", ParameterType.String, "Where the checkpoints are kept; the engine's own place otherwise.");

    public static readonly Command<CheckpointListArguments, List<CheckpointSummary>> Checkpoints = new("checkpoints", "Lists the checkpoints of a container.")
    {
        Parameters = [Name, CheckpointDirectory],
        Routes = ["GET /containers/{name}/checkpoints"],
        Permission = "read",
        Bind = a => new CheckpointListArguments(a.Required("name"), a.String("dir")),
        Response = WireJson.TypeInfo<List<CheckpointSummary>>(),
    };

    public static readonly Command<CheckpointReference, Nothing> CheckpointDelete = new("checkpoint_delete", "Removes a checkpoint of a container.")
    {
        Parameters = [Name, Path("checkpoint", "The checkpoint's name."), CheckpointDirectory],
        Routes = ["DELETE /containers/{name}/checkpoints/{checkpoint}"],
        OutlivesClient = true,
        Bind = a => new CheckpointReference(a.Required("name"), a.Required("checkpoint"), a.String("dir")),
    };

    public static readonly Command<PruneRequest, ContainersPruneResponse> Prune = new("containers_prune", "Removes all containers that do not run.")
    {
        Parameters = [Query("filters", ParameterType.Object, "Which: label, label!, until.")],
        Routes = ["POST /containers/prune"],
        Since = "1.25",
        Bind = a => new PruneRequest(a.Find("filters")),
        Response = WireJson.TypeInfo<ContainersPruneResponse>(),
    };

    public static readonly Command<TopRequest, ContainerTopResponse> Top = new("top", "Lists the processes of a container.")
    {
        Parameters = [Name, Query("ps_args", ParameterType.String, "Arguments for ps.", "-ef") with { Position = 1 }],
        Routes = ["GET /containers/{name*}/top"],
        Permission = "read",
        Bind = a => new TopRequest(a.Required("name"), a.String("ps_args")),
        Response = WireJson.TypeInfo<ContainerTopResponse>(),
    };

    public static readonly Command<StatsRequest, Nothing> Stats = new("stats", "Shows what a container uses of CPU, memory, network and disks.")
    {
        Parameters = [Name, Query("stream", ParameterType.Boolean, "Go on, a sample each second.", "true"), Query("one-shot", ParameterType.Boolean, "A single sample, at once.")],
        Routes = ["GET /containers/{name*}/stats"],
        Permission = "read",
        Observes = true,
        Streams = "stream of ContainerStats",
        Bind = a => new StatsRequest(a.Required("name"), a.Boolean("stream", @default: true), a.Boolean("one-shot")),
    };

    public static readonly Command<UpdateArguments, ContainerUpdateResponse> Update = new("update", "Changes limits and restart policy of a container.")
    {
        Parameters = [Name, Body("resources", "What changes.")],
        Routes = ["POST /containers/{name*}/update"],
        Bind = a => new UpdateArguments(a.Required("name"), a.Body(WireJson.TypeInfo<ContainerUpdateRequest>())),
        Response = WireJson.TypeInfo<ContainerUpdateResponse>(),
    };

    public static readonly Command<ResizeArguments, Nothing> Resize = new("resize", "Sets the size of a container's terminal.")
    {
        Parameters = [Name, Query("h", Integer, "Rows.") with { Position = 1 }, Query("w", Integer, "Columns.") with { Position = 2 }],
        Routes = ["POST /containers/{name*}/resize"],
        SuccessStatus = 200,
        Bind = a => new ResizeArguments(a.Required("name"), Dimension(a, "h"), Dimension(a, "w")),
    };

    public static readonly Command<ExecCreateArguments, IdResponse> ExecCreate = new("exec_create", "Prepares another process in a running container.")
    {
        Parameters = [Name, Body("config", "Cmd, User, Env, WorkingDir, Tty, Attach…, Privileged.", required: true)],
        Routes = ["POST /containers/{name*}/exec"],
        SuccessStatus = 201,
        Bind = a => new ExecCreateArguments(a.Required("name"), a.Body(WireJson.TypeInfo<ExecCreateRequest>())),
        Response = WireJson.TypeInfo<IdResponse>(),
    };

    public static readonly Command<ExecStartArguments, Nothing> ExecStart = new("exec_start", "Runs a prepared process, detached or with the client's streams.")
    {
        Parameters = [Path("id", "The exec's id."), Body("config", "Detach, Tty, ConsoleSize.")],
        Routes = ["POST /exec/{id}/start"],
        Observes = true,
        Streams = "two-way stream",
        SuccessStatus = 200,
        Bind = a => new ExecStartArguments(a.Required("id"), a.Body(WireJson.TypeInfo<ExecStartRequest>())),
    };

    public static readonly Command<ExecReference, ExecInspect> ExecInspect = new("exec_inspect", "Shows a process that was started in a container, and its exit code.")
    {
        Parameters = [Path("id", "The exec's id.")],
        Routes = ["GET /exec/{id}/json"],
        Permission = "read",
        Bind = a => new ExecReference(a.Required("id")),
        Response = WireJson.TypeInfo<ExecInspect>(),
    };

    public static readonly Command<ResizeArguments, Nothing> ExecResize = new("exec_resize", "Sets the size of an exec's terminal.")
    {
        Parameters = [Path("id", "The exec's id."), Query("h", Integer, "Rows."), Query("w", Integer, "Columns.")],
        Routes = ["POST /exec/{id}/resize"],
        SuccessStatus = 200,
        Bind = a => new ResizeArguments(a.Required("id"), Dimension(a, "h"), Dimension(a, "w")),
    };

    private static int Dimension(CommandArguments arguments, string name) =>
        arguments.Integer(name) is { } size and >= 0 and <= ushort.MaxValue ? size : throw EngineException.InvalidParameter($"invalid value for '{name}': a terminal has 0 to {ushort.MaxValue} rows and columns");

    public static void RegisterContainerCommands(this Engine.Engine engine, ContainerService service)
    {
        engine.Register(Containers, (_, request, cancellation) => service.ListAsync(request, cancellation));
        engine.Register(Create, (job, request, cancellation) => service.CreateAsync(request, job.Client.ApiVersion, cancellation));
        engine.Register(Inspect, (job, request, cancellation) => service.InspectAsync(request.Name, request.Size, job.Client.ApiVersion, cancellation));
        engine.Register(Start, Doing<StartRequest>((_, request, cancellation) => service.StartAsync(request, cancellation)));
        engine.Register(Stop, Doing<StopRequest>((_, request, _) => service.StopAsync(request)));
        engine.Register(Restart, Doing<StopRequest>((_, request, _) => service.RestartAsync(request)));
        engine.Register(Kill, Doing<KillRequest>((_, request, _) => service.KillAsync(request)));
        engine.Register(Pause, Doing<ContainerReference>((_, request, cancellation) => service.PauseAsync(request.Name, cancellation)));
        engine.Register(Unpause, Doing<ContainerReference>((_, request, cancellation) => service.UnpauseAsync(request.Name, cancellation)));
        engine.Register(Wait, Doing<WaitRequest>(service.WaitAsync));
        engine.Register(Delete, Doing<RemoveRequest>((_, request, cancellation) => service.RemoveAsync(request, cancellation)));
        engine.Register(Rename, Doing<RenameRequest>((_, request, cancellation) => service.RenameAsync(request.Name, request.NewName, cancellation)));
        engine.Register(Logs, Doing<LogsRequest>(service.LogsAsync));
        engine.Register(Attach, Doing<AttachRequestArguments>(service.AttachAsync));
        engine.Register(AttachWebSocket, Doing<AttachRequestArguments>(service.AttachWebSocketAsync));
        engine.Register(CheckpointCreate, Doing<CheckpointCreateArguments>((_, request, _) => service.CreateCheckpointAsync(request)));
        engine.Register(Checkpoints, (_, request, _) => Task.FromResult(service.ListCheckpoints(request)));
        engine.Register(CheckpointDelete, Doing<CheckpointReference>((_, request, _) =>
        {
            service.DeleteCheckpoint(request);
            return Task.CompletedTask;
        }));
        engine.Register(Top, (_, request, cancellation) => service.TopAsync(request, cancellation));
        engine.Register(Stats, Doing<StatsRequest>(service.StatsAsync));
        engine.Register(Update, (_, request, cancellation) => service.UpdateAsync(request, cancellation));
        engine.Register(Resize, Doing<ResizeArguments>((_, request, cancellation) => service.ResizeAsync(request, cancellation)));
        engine.Register(ExecCreate, (_, request, _) => Task.FromResult(service.CreateExec(request)));
        engine.Register(ExecStart, Doing<ExecStartArguments>(service.StartExecAsync));
        engine.Register(ExecInspect, (_, request, _) => Task.FromResult(service.InspectExec(request)));
        engine.Register(ExecResize, Doing<ResizeArguments>((_, request, cancellation) => service.ResizeExecAsync(request, cancellation)));
        engine.Register(Prune, (_, request, cancellation) => service.PruneAsync(new PruneFilter(request.Filters), cancellation));
    }

    /// <summary>A handler without a response.</summary>
    private static Func<Job, TRequest, CancellationToken, Task<Nothing>> Doing<TRequest>(Func<Job, TRequest, CancellationToken, Task> work) =>
        async (job, request, cancellation) =>
        {
            await work(job, request, cancellation).ConfigureAwait(false);
            return default;
        };
}
