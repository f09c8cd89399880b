using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Daemon.Networks;
using Gantry.Linux.Kernel;
using Gantry.Linux.Mounts;
using Gantry.Linux.Processes;
using Gantry.Protocol.Json;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Containers;

/// <param name="HasBody">A body was sent, which has had no meaning since API 1.24.</param>
public sealed record StartRequest(string Name, string Checkpoint, string CheckpointDirectory, bool HasBody);

/// <summary>A checkpoint to start from, and the program that can.</summary>
internal sealed record CheckpointSource(string Directory, string Criu);

public sealed partial class ContainerService
{
    private const int GenericFailure = 128, NotExecutable = 126, NotFoundCode = 127, StartAttempts = 5;

    /// <summary>Starts a container that was created or has ended (reference B1–B12).</summary>
    public async Task StartAsync(StartRequest request, CancellationToken cancellation)
    {
        if (request.HasBody) throw EngineException.InvalidParameter("starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24");
        if (request.Checkpoint.Length > 0 && !settings.Experimental) throw EngineException.InvalidParameter("checkpoint is only supported in experimental mode");
        var container = store.Get(request.Name);
        RefuseUnlessStartable(container);
        await container.Operation.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            RefuseUnlessStartable(container);
            lock (container.Gate) container.Pacing.Reset();
            if (request.CheckpointDirectory.Length > 0) throw EngineException.Forbidden("custom checkpointdir is not supported");
            await StartCoreAsync(container, CancellationToken.None, request.Checkpoint).ConfigureAwait(false);
        }
        finally
        {
            container.Operation.Release();
        }
    }

    /// <summary>The order of the checks is part of the behaviour (reference B3).</summary>
    private static void RefuseUnlessStartable(Container container)
    {
        var status = container.Status;
        if (status.Paused) throw EngineException.Conflict("cannot start a paused container, try unpause instead");
        if (status.Running) throw EngineException.NotModified();
        if (status.Removing || status.Dead) throw EngineException.Conflict("container is marked for removal and cannot be started");
    }

    /// <summary>Starts the process; on failure puts everything back and records why (reference B7). Called with the operation lock held.</summary>
    /// <param name="checkpoint">Where its processes go on; empty for a beginning.</param>
    private async Task StartCoreAsync(Container container, CancellationToken cancellation, string checkpoint = "")
    {
        var starting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        container.Starting = starting;
        try
        {
            var from = checkpoint.Length == 0 ? null : new CheckpointSource(FindCheckpoint(container, "/" + container.Name, checkpoint, ""), CriuPath());
            PublishVolumes(container, "mount");
            await RunSomewhereAsync(container, from, cancellation).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            var failure = StartFailure(container, e);
            await networks.ReleaseSandboxAsync(container.Id).ConfigureAwait(false);
            PublishVolumes(container, "unmount");
            store.Update(container, s => s with
            {
                Running = false, Restarting = false, Pid = 0, Error = failure.Error.Message, Network = null,
                ExitCode = failure.ExitCode is { } code ? code : s.ExitCode == 0 ? GenericFailure : s.ExitCode,
            });
            DropPendingClients(container);
            container.Wake();
            if (container.Record.HostConfig.AutoRemove) background.Run($"removal of {container.Record.ShortId}", _ => RemoveAfterExitAsync(container));
            throw failure.Error;
        }
        finally
        {
            lock (container.Gate) (container.Starting, container.ClientsTaken) = (null, false);
            starting.SetResult();
        }
    }

    /// <summary>A supervisor that dies over a start may have started the process already: whatever it left is taken away, and the next one begins anew.</summary>
    private async Task RunSomewhereAsync(Container container, CheckpointSource? from, CancellationToken cancellation)
    {
        var clients = new List<PendingAttach>();
        try
        {
            for (int attempt = 1; ; attempt++)
            {
                SupervisorConnection? supervisor = null;
                try
                {
                    supervisor = await supervisors.GetAsync(cancellation).ConfigureAwait(false);
                    await RunAsync(container, supervisor, clients, from, cancellation).ConfigureAwait(false);
                    return;
                }
                catch (EngineException e) when (supervisor?.IsLost ?? e.Kind == ErrorKind.Unavailable)
                {
                    await ClearAsync(container.Id, cancellation).ConfigureAwait(false);
                    if (attempt == StartAttempts) throw;
                }
            }
        }
        finally
        {
            foreach (var client in clients) client.Socket.Dispose();
        }
    }

    private async Task RunAsync(Container container, SupervisorConnection supervisor, List<PendingAttach> clients, CheckpointSource? from, CancellationToken cancellation)
    {
        var record = container.Record;
        string directory = DirectoryOf(record.Id);
        var owner = settings.OwnerOf(record.HostConfig);
        await settings.Groups.PrepareAsync(record.HostConfig, cancellation).ConfigureAwait(false);
        using var root = RootOf(record.Id).Mount(images.LayersOf(record.Id), owner);
        // Owners that are shifted for its processes are not shifted for an export: that mounts the layers itself then.
        using var files = owner is null ? new Kept<DetachedMount>(RootFilesystem.CloneForReading(root)) : null;
        var request = new SandboxRequest(record.Id, record.Name, record.Config, record.HostConfig, record.Networks) { Owner = owner };
        using var sandbox = await networks.CreateSandboxAsync(request, this, cancellation).ConfigureAwait(false);
        using var prepared = specs.Prepare(record, root, sandbox, directory, ProcessOf, LinkVariablesOf(record));
        var network = new NetworkStatus { SandboxId = sandbox.Id, Endpoints = sandbox.Endpoints, Ports = sandbox.Ports };
        clients.AddRange(TakePendingClients(container, starting: true));   // as late as possible: they miss nothing
        var message = Message(record, prepared, root, clients, out var descriptors);
        if (from is not null) (message.Run!.CheckpointDirectory, message.Run.Criu) = (from.Directory, from.Criu);
        message.Run!.Note = JsonSerializer.Serialize(network, StoredJson.Default.NetworkStatus);
        var answer = await supervisor.AskAsync(message, descriptors, cancellation).ConfigureAwait(false);
        var started = answer.Reply.Started!;
        lock (container.Gate) (container.Process, container.Files) = (RunningProcess.Of(supervisor, answer), files?.Keep());
        store.Update(container, s => s with
        {
            Running = true, Restarting = false, Paused = false, Dead = false, OutOfMemory = false, Pid = started.Pid, ExitCode = 0, Error = "",
            StoppedByUser = container.Pacing.Cancelled,   // a stop may have come over an automatic start
            StartedAt = WireTime.FromUnixNanoseconds(started.StartedAt), RestartCount = container.Pacing.Count,
            Network = network, CgroupPath = prepared.Spec.Linux.CgroupsPath ?? "",
        });
        Publish(container, "start");
        StartHealth(container);
        container.Wake();
        _ = RescueWhenLost(container);
    }

    /// <summary>The message for the supervisor; descriptors are listed in the order in which it names them.</summary>
    private Request Message(ContainerRecord record, PreparedStart prepared, Fd root, IReadOnlyList<PendingAttach> clients, out List<Fd> descriptors)
    {
        var fds = new List<Fd> { root };
        int Add(Fd fd)
        {
            fds.Add(fd);
            return fds.Count - 1;
        }

        string logPath = LogPathOf(record);
        if (logPath.Length > 0) Directory.CreateDirectory(Path.GetDirectoryName(logPath)!);
        var message = new Request
        {
            Run = new RunRequest
            {
                Container = record.Id,
                Driver = record.ExecDriver,
                Runtime = RuntimeProgram(record),
                Spec = prepared.Spec,
                Stdio = new StdioRequest { OpenStdin = record.Config.OpenStdin, StdinOnce = record.Config.StdinOnce },
                Log = LogOptions.Request(record, logPath),
                ExitFile = Path.Combine(DirectoryOf(record.Id), "exit.json"),
                StateDirectory = StateDirectoryOf(record.Id),
                RootDescriptor = 0,
                NamespaceDescriptors = prepared.Namespaces.ToDictionary(n => n.Key, n => Add(n.Value)),
                MountDescriptors = prepared.MountSources.ToDictionary(m => m.Key, m => Add(m.Value)),
                Clients = [.. clients.Select(c => c.Client with { Descriptor = Add(c.Socket) })],
            },
        };
        descriptors = fds;
        return message;
    }

    /// <summary>Path and arguments of the program that runs the container; null for what the supervisor does itself.</summary>
    private List<string>? RuntimeProgram(ContainerRecord record)
    {
        if (record.ExecDriver != "oci") return null;
        return settings.Facts.RuntimePrograms.TryGetValue(record.HostConfig.Runtime, out var program)
            ? [.. program]
            : throw EngineException.InvalidParameter($"unknown or invalid runtime name: {record.HostConfig.Runtime}");   // it was configured when the container was made
    }

    /// <summary>A volume that is a file system of its own, as another container that runs has it mounted, or anew. Null for one that is a directory.</summary>
    private DetachedMount? OpenVolume(ContainerRecord record, ContainerMount mount)
    {
        if (mount.Name is not { } name || volumes.FileSystemOf(name) is not { } fileSystem) return null;
        if (settings.OwnerOf(record.HostConfig) is not null) return fileSystem.Open();   // what is shifted for one cannot be shifted again
        foreach (string user in volumes.UsersOf(name))
        {
            if (user == record.Id || store.Find(user) is not { Status.HasProcess: true } other || settings.OwnerOf(other.Record.HostConfig) is not null) continue;
            if (other.Record.Mounts.Find(m => m.Name == name && m.Subpath is null or "") is not { } theirs) continue;
            try
            {
                using var process = PidFd.Open(other.Status.Pid);
                var shared = DetachedMount.CloneFrom(process, theirs.Destination);
                if (!fileSystem.Options.Split(',').Contains("ro")) shared.SetAttributes(0, MountAttributes.ReadOnly, 0, recursive: false, $"mount volume {name}");
                return shared;
            }
            catch (KernelException)
            {
                // It has just ended, or its mount point is a link: the next one, or a new mount.
            }
        }
        return fileSystem.Open();
    }

    /// <summary>Pid of a container's first process, for those who share a namespace with it.</summary>
    /// <param name="type"><c>pid</c> or <c>ipc</c>.</param>
    private int ProcessOf(string type, string id)
    {
        EngineException Refused(string reason) => EngineException.InvalidParameter($"failed to join {type.ToUpperInvariant()} namespace: {reason}");
        if (store.Find(id) is not { } container) throw Refused($"No such container: {id}");
        var status = container.Status;
        if (!status.HasProcess) throw Refused($"container {container.Id} is not running");
        if (status.Restarting) throw Refused($"container {container.Id} is restarting");
        if (type == "ipc" && container.Record.HostConfig.IpcMode is "private" or "none") throw Refused($"container {container.Id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)");
        return status.Pid;
    }

    private readonly record struct Failed(EngineException Error, int? ExitCode);

    /// <summary>What a failed start means for the user: text, HTTP status and exit code (reference B12).</summary>
    private static Failed StartFailure(Container container, Exception error)
    {
        const string prefix = "failed to create task for container: failed to create shim task: OCI runtime create failed: ";
        string driver = container.Record.HostConfig.Runtime;
        if (container.Record.ExecDriver == "oci" && error is SupervisorFailure { Failure.Step: null } runtime) return RuntimeFailure(runtime);
        return error switch
        {
            SupervisorFailure { Failure.Kind: FailureKind.CommandNotFound } e => new(EngineException.InvalidParameter(CommandText(e)), NotFoundCode),
            SupervisorFailure { Failure.Kind: FailureKind.CommandNotExecutable } e => new(EngineException.InvalidParameter(CommandText(e)), NotExecutable),
            SupervisorFailure { Failure.Step: not null } e => new(EngineException.System($"{prefix}{driver} create failed: unable to start container process: error during container init: {e.Message}", e), null),
            SupervisorFailure e => new(EngineException.System($"{prefix}{driver} create failed: {e.Message}", e), null),
            EngineException e => new(e, null),
            KernelException e => new(EngineException.System($"failed to start container {container.Record.ShortId}: {e.Message}", e), null),
            _ => new(EngineException.System($"failed to start container {container.Record.ShortId}: {error.Message}", error), null),
        };

        string CommandText(SupervisorFailure e) => $"{prefix}{driver} create failed: unable to start container process: error during container init: {e.Message}";
    }

    /// <summary>A program of its own has failed: its words are kept, and what they mean is the same.</summary>
    private static Failed RuntimeFailure(SupervisorFailure error)
    {
        string text = "failed to create task for container: failed to create shim task: OCI runtime create failed: " + error.Message;
        return error.Failure.Kind switch
        {
            FailureKind.CommandNotFound => new(EngineException.InvalidParameter(text), NotFoundCode),
            FailureKind.CommandNotExecutable => new(EngineException.InvalidParameter(text), NotExecutable),
            _ => new(EngineException.System(text, error), null),
        };
    }

    private void PublishVolumes(Container container, string action)
    {
        foreach (var mount in container.Record.Mounts)
        {
            if (mount is not { Type: "volume", Name: { } name }) continue;
            Dictionary<string, string> attributes = new() { ["container"] = container.Id, ["driver"] = "local" };
            if (action == "mount")
            {
                attributes["destination"] = mount.Destination;
                attributes["propagation"] = mount.Propagation;
                attributes["read/write"] = mount.ReadOnly ? "false" : "true";
            }
            events.Publish("volume", action, name, attributes);
        }
    }
}
