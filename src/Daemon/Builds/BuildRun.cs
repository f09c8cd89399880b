using System.Security.Cryptography;
using Gantry.Daemon.Builds.Contexts;
using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images;
using Gantry.Daemon.Images.Dockerfile;
using Gantry.Daemon.Images.Queries;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Builds;

/// <summary>What a build works with.</summary>
internal sealed record BuildTools(Engine.Engine Engine, ImageService Images, ContainerService Containers, HttpClient Http, string EngineVersion);

/// <summary>Runs one Dockerfile, step by step. Each step makes an image on top of the one before, or finds the one that an earlier build has made.</summary>
internal sealed partial class BuildRun(BuildTools tools, Job job, BuildRequest request, BuildPlan plan, BuildContext? context, BuildFolder folder, BuildOutput output) : IDisposable
{
    private readonly ImageStore store = tools.Images.Store;
    private readonly BuildCache cache = new(tools.Images.Store, tools.EngineVersion, request.NoCache, request.CacheFrom);
    private readonly List<(string Name, StageState State)> finished = [];
    private readonly List<string> leftContainers = [];
    private readonly HashSet<string> held = new(StringComparer.Ordinal);
    private readonly OciPlatform? requestedPlatform = request.Platform.Length > 0 ? Platforms.Parse(request.Platform) : null;
    private int step;

    /// <returns>The image's id.</returns>
    /// <exception cref="EngineException">What a step said; its text ends the stream.</exception>
    public async Task<string> RunAsync(CancellationToken cancellation)
    {
        foreach (string warning in plan.Warnings) await output.WarnAsync($"[WARNING]: {warning}\n", cancellation).ConfigureAwait(false);
        if (plan.Warnings.Count > 0) await output.WarnAsync("[WARNING]: Empty continuation lines will become errors in a future release.\n", cancellation).ConfigureAwait(false);
        var arguments = new BuildArguments(request.Arguments);
        foreach (var declaration in plan.Arguments)
        {
            await NextStepAsync(declaration.Text, cancellation).ConfigureAwait(false);
            Declare(declaration, arguments.Besides([]), arguments.DeclareGlobal);
        }
        string image = "";
        foreach (var stage in plan.Stages) image = await RunStageAsync(stage, arguments, cancellation).ConfigureAwait(false);
        if (arguments.Unused is { Count: > 0 } unused) await output.WriteAsync($"[Warning] One or more build-args {GoText.List(unused)} were not consumed\n", cancellation).ConfigureAwait(false);
        return image.Length > 0 ? image : throw EngineException.System("No image was generated. Is your Dockerfile empty?");
    }

    private Task NextStepAsync(string text, CancellationToken cancellation) => output.StepAsync(++step, plan.Steps, text, cancellation);

    private async Task<string> RunStageAsync(BuildStage stage, BuildArguments arguments, CancellationToken cancellation)
    {
        string name = stage.From.StageName;
        if (name.Length > 0 && finished.Exists(f => f.Name == name)) throw EngineException.System($"{name} stage name already used");
        await NextStepAsync(stage.From.Text, cancellation).ConfigureAwait(false);
        cache.Reset();
        var state = await BeginStageAsync(stage.From, arguments, cancellation).ConfigureAwait(false);
        if (state.Config.OnBuild is { Count: > 0 } triggers)
        {
            state.Config.OnBuild = null;
            await RunTriggersAsync(state, triggers, cancellation).ConfigureAwait(false);
        }
        await ShowImageAsync(state, cancellation).ConfigureAwait(false);
        foreach (var command in stage.Commands)
        {
            cancellation.ThrowIfCancellationRequested();
            await NextStepAsync(command.Text, cancellation).ConfigureAwait(false);
            await RunCommandAsync(state, command, cancellation).ConfigureAwait(false);
            await ShowImageAsync(state, cancellation).ConfigureAwait(false);
        }
        await output.ImageAsync(state.ImageId, cancellation).ConfigureAwait(false);
        finished.Add((name, state));
        return state.ImageId;
    }

    private Task ShowImageAsync(StageState state, CancellationToken cancellation)
    {
        if (state.ImageId.Length > 0 && !TryKeep(state.ImageId)) throw NotFound(state.ImageId);
        return output.WriteAsync($" ---> {Short(state.ImageId)}\n", cancellation);
    }

    /// <summary>From here on a prune leaves an image to the next step.</summary>
    /// <returns>False when a prune was faster.</returns>
    private bool TryKeep(string id)
    {
        if (!held.Contains(id))
        {
            if (!store.TryHold(id)) return false;
            held.Add(id);
        }
        return store.Current.ById(id) is not null;
    }

    /// <summary>The next step stands on an image that was made for this build, and so is held for it already.</summary>
    private void Advance(StageState state, string id)
    {
        if (!held.Add(id)) store.Release(id);
        state.ImageId = id;
    }

    public void Dispose()
    {
        foreach (string image in held) store.Release(image);
        held.Clear();
    }

    /// <summary>The first twelve digits of an id.</summary>
    private static string Short(string id)
    {
        string hex = id[(id.IndexOf(':', StringComparison.Ordinal) + 1)..];
        return hex.Length > 12 ? hex[..12] : hex;
    }

    private async Task<StageState> BeginStageAsync(FromCommand from, BuildArguments arguments, CancellationToken cancellation)
    {
        var variables = arguments.Global;
        OciPlatform? platform = null;
        if (from.Platform.Length > 0)
        {
            string text = ShellWords.Process(from.Platform, variables, plan.Escape);
            try
            {
                platform = Platforms.Parse(text);
            }
            catch (EngineException e)
            {
                throw EngineException.InvalidParameter($"failed to parse platform {text}: {e.Message}", e);
            }
        }
        string name = ShellWords.Process(from.BaseName, variables, plan.Escape);
        if (name.Length == 0) throw EngineException.System($"base name ({from.BaseName}) should not be blank");
        platform ??= requestedPlatform;
        var stageArguments = arguments.NextStage();
        if (finished.Find(f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).State is { ImageId.Length: > 0 } stage)
            return new StageState(Held(stage.ImageId).Config, stage.ImageId, plan.Escape, stageArguments) { Platform = platform };
        if (name == "scratch") return new StageState(new ContainerConfig(), "", plan.Escape, stageArguments) { Platform = platform };
        var image = await BaseImageAsync(name, platform, cancellation).ConfigureAwait(false);
        if (!TryKeep(image.Id)) throw NotFound(image.Id);
        if (image.Os.Length > 0 && image.Os != "linux") throw EngineException.InvalidParameter("operating system is not supported");
        return new StageState(image.Config, image.Id, plan.Escape, stageArguments) { Platform = platform };
    }

    private Image Held(string id) => store.Current.ById(id) ?? throw NotFound(id);

    private static EngineException NotFound(string id) => EngineException.NotFound($"No such image: {id}");

    private async Task RunTriggersAsync(StageState state, List<string> triggers, CancellationToken cancellation)
    {
        await output.WriteAsync($"# Executing {triggers.Count.ToString(System.Globalization.CultureInfo.InvariantCulture)} build trigger", cancellation).ConfigureAwait(false);
        if (triggers.Count > 1) await output.WriteAsync("s", cancellation).ConfigureAwait(false);
        await output.WriteAsync("\n", cancellation).ConfigureAwait(false);
        foreach (string trigger in triggers)
        {
            var file = DockerfileParser.Parse(trigger);
            if (file.Instructions is not [var instruction]) throw EngineException.System("onbuild trigger should be a single expression");
            await RunCommandAsync(state, CommandParser.Parse(instruction), cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>One step, and the end of the containers that it has used.</summary>
    private async Task RunCommandAsync(StageState state, DockerfileCommand command, CancellationToken cancellation)
    {
        bool succeeded = false;
        try
        {
            switch (command)
            {
                case ArgCommand arg:
                    var declared = Declare(arg, state.Variables, state.Arguments.Declare);
                    await CommitConfigAsync(state, "ARG " + string.Join(' ', declared.Select(d => d.Value is null ? d.Name : $"{d.Name}={d.Value}")), cancellation).ConfigureAwait(false);
                    break;
                case RunCommand run:
                    await RunAsync(state, run, cancellation).ConfigureAwait(false);
                    break;
                case CopyCommand copy:
                    await CopyAsync(state, copy, cancellation).ConfigureAwait(false);
                    break;
                case WorkdirCommand workdir:
                    await CommitDirectoryAsync(state, state.Changes.Apply(workdir, state.VisibleArguments), cancellation).ConfigureAwait(false);
                    break;
                default:
                    if (command is HealthcheckCommand && state.Config.Healthcheck?.Test is [not "NONE", ..] old)
                        await output.WriteAsync($"Note: overriding previous HEALTHCHECK: {GoText.List(old)}\n", cancellation).ConfigureAwait(false);
                    await CommitConfigAsync(state, state.Changes.Apply(command, state.VisibleArguments), cancellation).ConfigureAwait(false);
                    break;
            }
            succeeded = true;
        }
        finally
        {
            if (request.ForceRemove || (request.Remove && succeeded) || cancellation.IsCancellationRequested) await RemoveContainersAsync(show: !cancellation.IsCancellationRequested).ConfigureAwait(false);
            else leftContainers.Clear();
        }
    }

    private List<(string Name, string? Value)> Declare(ArgCommand command, IReadOnlyList<string> variables, Action<string, string?> declare)
    {
        var declared = command.Arguments.Select(a => (Name: ShellWords.Process(a.Name, variables, plan.Escape), Value: a.Value is null ? null : ShellWords.Process(a.Value, variables, plan.Escape))).ToList();
        foreach (var (name, value) in declared) declare(name, value);
        return declared;
    }

    /// <summary>Uses the image that an earlier build has made by this step.</summary>
    private async Task<bool> TryUseCacheAsync(StageState state, ContainerConfig config, CancellationToken cancellation)
    {
        if (await cache.ProbeAsync(state.ImageId, config, state.Platform, cancellation).ConfigureAwait(false) is not { } found) return false;
        if (!TryKeep(found)) return false;
        await output.WriteAsync(" ---> Using cache\n", cancellation).ConfigureAwait(false);
        state.ImageId = found;
        return true;
    }

    /// <summary>A configuration whose command does nothing and tells what was done.</summary>
    private static ContainerConfig Telling(StageState state, params string[] words)
    {
        var config = state.NextConfig();
        config.Cmd = [.. state.Changes.Shell, .. words];
        return config;
    }

    /// <summary>A step that changes the configuration alone. No container is made, though the output names one: clients expect it.</summary>
    private async Task CommitConfigAsync(StageState state, string comment, CancellationToken cancellation)
    {
        var told = Telling(state, "#(nop) ", comment);
        if (await TryUseCacheAsync(state, told, cancellation).ConfigureAwait(false)) return;
        await CommitNamedAsync(state, told, cancellation).ConfigureAwait(false);
    }

    /// <summary><c>WORKDIR</c>: the directory is made too.</summary>
    private async Task CommitDirectoryAsync(StageState state, string comment, CancellationToken cancellation)
    {
        var told = Telling(state, "#(nop) " + comment);
        if (await TryUseCacheAsync(state, told, cancellation).ConfigureAwait(false)) return;
        await CommitNamedAsync(state, told, cancellation).ConfigureAwait(false);
    }

    private async Task CommitNamedAsync(StageState state, ContainerConfig told, CancellationToken cancellation)
    {
        string id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        if (told.Hostname.Length == 0) told.Hostname = Short(id);
        told.Labels ??= new(StringComparer.Ordinal);
        using var draft = await DraftDirectoryAsync(state, cancellation).ConfigureAwait(false);
        await output.WriteAsync($" ---> Running in {Short(id)}\n", cancellation).ConfigureAwait(false);
        await CommitLayerAsync(state, told, id, draft, cancellation).ConfigureAwait(false);
        if (request.Remove) await output.WriteAsync($" ---> Removed intermediate container {Short(id)}\n", cancellation).ConfigureAwait(false);
    }

    /// <param name="containerId">Empty for a step that shows none.</param>
    /// <param name="draft">What it has written; null for a change of the configuration alone.</param>
    private async Task CommitLayerAsync(StageState state, ContainerConfig told, string containerId, LayerDraft? draft, CancellationToken cancellation)
    {
        var config = state.NextConfig();
        var upper = draft?.Close();
        var image = await tools.Images.CommitAsync(new ImageCommitRequest
        {
            ContainerId = containerId,
            ParentId = state.ImageId.Length > 0 ? state.ImageId : null,
            Upper = upper,
            Below = draft?.Below ?? "",
            Take = true,
            IsBuildStep = true,
            Platform = state.Platform,
            Config = config,
            ContainerConfig = told,
            Author = state.Changes.Author,
        }, cancellation).ConfigureAwait(false);
        Advance(state, image.Id);
    }
}
