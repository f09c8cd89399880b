using System.Text.RegularExpressions;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Protocol.Containers;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Containers;

public sealed record CheckpointCreateArguments(string Name, CheckpointCreateRequest? Body);

/// <param name="Directory">Empty for the engine's own place.</param>
public sealed record CheckpointListArguments(string Name, string Directory);

/// <param name="Directory">Empty for the engine's own place.</param>
public sealed record CheckpointReference(string Name, string Checkpoint, string Directory);

public sealed partial class ContainerService
{
    /// <summary>A checkpoint is whole when this is in its directory: written last.</summary>
    private const string CheckpointMark = "gantry.json";

    [GeneratedRegex("^[a-zA-Z0-9][a-zA-Z0-9_.-]+$")]
    private static partial Regex CheckpointName();

    private string CheckpointsOf(Container container, string directory) => directory.Length > 0 ? directory : Path.Combine(DirectoryOf(container.Id), "checkpoints");

    /// <exception cref="EngineException">501, as dockerd says it, unless the engine was started with <c>--experimental</c>.</exception>
    private void RefuseUnlessExperimental()
    {
        if (!settings.Experimental)
            throw EngineException.NotImplemented("This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.");
    }

    /// <summary>Writes a running container down (reference B2). Its processes end with it when <c>Exit</c> says so, and run on otherwise.</summary>
    public async Task CreateCheckpointAsync(CheckpointCreateArguments request)
    {
        RefuseUnlessExperimental();
        var container = store.Get(request.Name);
        var body = request.Body ?? new CheckpointCreateRequest();
        await container.Operation.WaitAsync().ConfigureAwait(false);
        try
        {
            RunningProcess? process;
            await RescuedAsync(container, CancellationToken.None).ConfigureAwait(false);
            lock (container.Gate) process = container.Process;
            if (process is null || !container.Status.HasProcess) throw EngineException.Conflict($"container {container.Id} is not running");
            if (!CheckpointName().IsMatch(body.CheckpointID)) throw InvalidCheckpoint(body.CheckpointID);
            string criu = CriuPath();
            string directory = NewCheckpoint(container, request.Name, body);
            try
            {
                await DumpAsync(container, process, directory, criu, leaveRunning: !body.Exit).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                Directory.Delete(directory, recursive: true);
                if (e is not (SupervisorFailure or EngineException)) throw;
                throw EngineException.System($"Cannot checkpoint container {request.Name}: {e.Message}", e);
            }
        }
        finally
        {
            container.Operation.Release();
        }
    }

    private static EngineException InvalidCheckpoint(string name) => EngineException.System($"Invalid checkpoint ID ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");

    private string NewCheckpoint(Container container, string reference, CheckpointCreateRequest body)
    {
        string directory = Path.Combine(CheckpointsOf(container, body.CheckpointDir), body.CheckpointID);
        if (Directory.Exists(directory)) throw EngineException.System($"cannot checkpoint container {reference}: checkpoint with name {body.CheckpointID} already exists for container {reference}");
        if (File.Exists(directory)) throw EngineException.System($"cannot checkpoint container {reference}: {directory} exists and is not a directory");
        try
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw EngineException.System($"cannot checkpoint container {reference}: {e.Message}", e);
        }
        return directory;
    }

    /// <summary>While criu is at work the container stands still, and its events say so, as dockerd's do.</summary>
    private async Task DumpAsync(Container container, RunningProcess process, string directory, string criu, bool leaveRunning)
    {
        var message = new Request { Checkpoint = new CheckpointRequest { Container = container.Id, Directory = directory, LeaveRunning = leaveRunning, Criu = criu } };
        Publish(container, "pause");
        bool done = false;
        try
        {
            await process.Supervisor.AskAsync(message, []).ConfigureAwait(false);
            done = true;
        }
        finally
        {
            if (leaveRunning || !done) Publish(container, "unpause");
        }
        if (!leaveRunning) await container.WaitAsync(s => !s.HasProcess, CancellationToken.None).ConfigureAwait(false);
        Publish(container, "checkpoint");
    }

    public List<CheckpointSummary> ListCheckpoints(CheckpointListArguments request)
    {
        RefuseUnlessExperimental();
        var container = store.Get(request.Name);
        string directory = CheckpointsOf(container, request.Directory);
        if (!Directory.Exists(directory))
        {
            if (request.Directory.Length == 0) return [];
            throw EngineException.System(File.Exists(directory) ? $"{directory} exists and is not a directory" : $"checkpoint  does not exist for container {request.Name}");
        }
        return [.. Directory.GetDirectories(directory).Where(d => File.Exists(Path.Combine(d, CheckpointMark))).Select(d => new CheckpointSummary { Name = Path.GetFileName(d) }).OrderBy(c => c.Name, StringComparer.Ordinal)];
    }

    public void DeleteCheckpoint(CheckpointReference request)
    {
        RefuseUnlessExperimental();
        var container = store.Get(request.Name);
        Directory.Delete(FindCheckpoint(container, request.Name, request.Checkpoint, request.Directory), recursive: true);
    }

    /// <exception cref="EngineException">500, as in dockerd: there is no such checkpoint.</exception>
    private string FindCheckpoint(Container container, string reference, string checkpoint, string directory)
    {
        if (!CheckpointName().IsMatch(checkpoint)) throw EngineException.InvalidParameter($"Invalid checkpoint ID ({checkpoint}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
        string path = Path.Combine(CheckpointsOf(container, directory), checkpoint);
        if (Directory.Exists(path)) return path;
        throw EngineException.System(File.Exists(path) ? $"{path} exists and is not a directory" : $"checkpoint {checkpoint} does not exist for container {reference}");
    }

    /// <exception cref="EngineException">501: the program is not on this host.</exception>
    private string CriuPath()
    {
        if (settings.CriuPath.Length > 0)
        {
            if (File.Exists(settings.CriuPath)) return settings.CriuPath;
            throw EngineException.NotImplemented($"checkpoints need the program criu, and {settings.CriuPath} does not exist; correct --criu-path");
        }
        foreach (string directory in (Environment.GetEnvironmentVariable("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin").Split(':'))
        {
            if (Path.Combine(directory, "criu") is var path && File.Exists(path)) return path;
        }
        throw EngineException.NotImplemented("checkpoints need the program criu, which is not on this host: install the package criu (version 3.19 or later), or name the program with --criu-path");
    }
}
