using System.Globalization;
using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Dockerfile;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Builds;

// RUN: a command in a container of its own, whose changes become a layer.
internal sealed partial class BuildRun
{
    /// <summary>Marks the containers of builds and their volumes: those that a crash has left are removed at the next start.</summary>
    public const string Mark = "gantry.build";

    private async Task RunAsync(StageState state, RunCommand command, CancellationToken cancellation)
    {
        if (command.Flag.Length > 0)
            throw EngineException.InvalidParameter($"the {command.Flag} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled");
        string? script = Script(command);
        var words = state.Changes.Resolve(script is null ? command.Line : new CommandLine([script], IsJson: false));
        var arguments = state.VisibleArguments;

        var told = state.NextConfig();
        told.Cmd = arguments.Count > 0 ? Prefixed(state, arguments, words) : words;
        if (told.Cmd.Count > 0) told.Entrypoint = null;
        if (await TryUseCacheAsync(state, told, cancellation).ConfigureAwait(false)) return;
        if (words.Count == 0 && state.ImageId.Length == 0) throw EngineException.InvalidParameter("no command specified");
        if (state.ImageId.Length == 0) await RefuseToRunNothingAsync(words, cancellation).ConfigureAwait(false);

        var mount = MountScript(command, ref words, state);
        string container = await CreateAsync(state, words, arguments, mount, cancellation).ConfigureAwait(false);
        await output.WriteAsync($" ---> Running in {Short(container)}\n", cancellation).ConfigureAwait(false);
        long code = await RunToEndAsync(container, cancellation).ConfigureAwait(false);
        if (code != 0)
        {
            throw new EngineException(ErrorKind.System, string.Create(CultureInfo.InvariantCulture, $"The command '{string.Join(' ', words)}' returned a non-zero code: {code}")) { StreamCode = (int)code };
        }
        if (told.Hostname.Length == 0) told.Hostname = Short(container);
        var committed = await tools.Containers.CommitAsync(new ContainerCommit
        {
            Container = tools.Containers.Store.Get(container).Record,
            Config = state.NextConfig(),
            ContainerConfig = told,
            Author = state.Changes.Author,
            Take = true,
            IsBuildStep = true,
        }, addLayer: true, cancellation).ConfigureAwait(false);
        Advance(state, committed.Id);
        state.Forget();
    }

    /// <summary>An image without any file has no program to run: what a container of it would say, without making one.</summary>
    private async Task RefuseToRunNothingAsync(List<string> words, CancellationToken cancellation)
    {
        await output.WriteAsync($" ---> Running in {Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(6))}\n", cancellation).ConfigureAwait(false);
        string program = words.Count > 0 ? words[0] : "";
        string why = program.Contains('/') ? $"stat {program}: no such file or directory" : "executable file not found in $PATH";
        throw EngineException.InvalidParameter(
            "failed to create task for container: failed to create shim task: OCI runtime create failed: native create failed: unable to start container process: error during container init: "
            + $"exec: {GoText.Quote(program)}: {why}");
    }

    /// <summary>
    /// A script that follows the line (Dockerfile reference, "Here-Documents"): the text itself when the line is nothing but its
    /// announcement, otherwise the line with the texts behind it, which the shell reads.
    /// </summary>
    private static string? Script(RunCommand command)
    {
        if (command.Heredocs.Count == 0 || command.Line.IsJson) return null;
        string line = command.Line.Words[0];
        if (command.Heredocs is [var only] && Heredocs.Read(line) is not null) return Text(only);
        return line + string.Concat(command.Heredocs.Select(h => $"\n{h.Content}{h.Name}"));
    }

    /// <summary>A script whose first line names its interpreter is run as a file, which no layer keeps: it is mounted.</summary>
    private MountSpec? MountScript(RunCommand command, ref List<string> words, StageState state)
    {
        const string Interpreter = "#!";
        if (Script(command) is not { } script || !script.StartsWith(Interpreter, StringComparison.Ordinal)) return null;
        string name = command.Heredocs[0].Name;
        if (name is "" or "." or ".." || name.AsSpan().ContainsAnyExcept(FileNames)) name = "script";
        string path = folder.NewPath("script"), target = "/dev/pipes/" + name;
        File.WriteAllText(path, script);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        words = state.Changes.Resolve(new CommandLine([target], IsJson: false));
        return new MountSpec { Type = "bind", Source = path, Target = target, ReadOnly = true };
    }

    private static readonly System.Buffers.SearchValues<char> FileNames = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    /// <summary>Arguments belong to what makes the step: another value is another step. Commands never begin with a bar.</summary>
    private static List<string> Prefixed(StageState state, List<string> arguments, List<string> words)
    {
        var counted = arguments.Where(a => state.Arguments.Counts(a.Split('=', 2)[0])).Order(StringComparer.Ordinal).ToList();
        return [string.Create(CultureInfo.InvariantCulture, $"|{counted.Count}"), .. counted, .. words];
    }

    private async Task<string> CreateAsync(StageState state, List<string> words, List<string> arguments, MountSpec? mount, CancellationToken cancellation)
    {
        var config = state.NextConfig();
        var body = new ContainerCreateRequest
        {
            Image = state.ImageId,
            User = config.User,
            WorkingDir = config.WorkingDir,
            ExposedPorts = config.ExposedPorts,
            Volumes = config.Volumes,
            Labels = config.Labels,
            Shell = config.Shell,
            StopSignal = config.StopSignal,
            Env = [.. config.Env ?? [], .. arguments],
            Cmd = words,
            Entrypoint = words.Count > 0 ? [""] : config.Entrypoint,
            Healthcheck = new HealthConfig { Test = ["NONE"] },
            HostConfig = request.HostConfig with { Annotations = new(StringComparer.Ordinal) { [Mark] = folder.Id }, Mounts = [.. Volumes(config), .. mount is null ? (IEnumerable<MountSpec>)[] : [mount]] },
        };
        // To its end in any case: a container that was made half is removed by nobody.
        var created = await tools.Engine.RunAsync(ContainerCommands.Create, new CreateRequest("", "", body), cancellation: CancellationToken.None).ConfigureAwait(false);
        leftContainers.Add(created.Id);
        foreach (string warning in created.Warnings) await output.WriteAsync($" ---> [Warning] {warning}\n", cancellation).ConfigureAwait(false);
        return created.Id;
    }

    /// <summary>The anonymous volumes of an image, marked as this build's.</summary>
    private IEnumerable<MountSpec> Volumes(ContainerConfig config) => (config.Volumes?.Keys ?? Enumerable.Empty<string>())
        .Select(path => ConfigChanges.JoinPath("/", path))
        .Distinct(StringComparer.Ordinal)
        .Select(path => new MountSpec { Type = "volume", Target = path, VolumeOptions = new VolumeOptions { Labels = new(StringComparer.Ordinal) { [Mark] = folder.Id } } });

    /// <summary>Attaches, starts, and copies the output until the container has ended.</summary>
    /// <returns>The exit code.</returns>
    private async Task<long> RunToEndAsync(string container, CancellationToken cancellation)
    {
        var client = new ContainerOutput(output);
        var attaching = tools.Engine.CreateJob(ContainerCommands.Attach, parent: job, connection: client);
        var attach = new AttachRequestArguments(container, Logs: false, Stream: true, Stdin: false, Stdout: true, Stderr: true, DetachKeys: "");
        var attached = tools.Engine.RunAsync(attaching, ContainerCommands.Attach, attach, cancellation);
        await Task.WhenAny(client.Connected, attached).ConfigureAwait(false);
        try
        {
            await tools.Engine.RunAsync(ContainerCommands.Start, new StartRequest(container, "", "", HasBody: false), parent: job, cancellation: cancellation).ConfigureAwait(false);
        }
        catch
        {
            attaching.Stop();
            await attached.ContinueWith(static t => _ = t.Exception, TaskScheduler.Default).ConfigureAwait(false);
            throw;
        }
        await attached.ConfigureAwait(false);
        var ended = await tools.Containers.WaitAsync(tools.Containers.Store.Get(container), "not-running", cancellation).ConfigureAwait(false);
        return ended.StatusCode;
    }

    /// <summary>Removes the containers of a step, running ones too. Not cancelled: nothing may be left.</summary>
    private async Task RemoveContainersAsync(bool show)
    {
        foreach (string container in leftContainers)
        {
            try
            {
                await tools.Containers.RemoveAsync(new RemoveRequest(container, Force: true, Volumes: true, Link: false), CancellationToken.None).ConfigureAwait(false);
            }
            catch (EngineException e) when (e.Kind == ErrorKind.NotFound)
            {
                continue;
            }
            if (show) await output.WriteAsync($" ---> Removed intermediate container {Short(container)}\n", CancellationToken.None).ConfigureAwait(false);
        }
        leftContainers.Clear();
    }
}
