using Gantry.Daemon.Builds.Contexts;
using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images;
using Gantry.Daemon.Images.Dockerfile;
using Gantry.Daemon.Images.References;
using Gantry.Daemon.Volumes;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Protocol.SystemInfo;
using Gantry.Protocol.Images;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Builds;

/// <summary>The classic builder: makes images of Dockerfiles, one step at a time.</summary>
public sealed class BuildService : IAsyncDisposable
{
    private readonly string root;
    private readonly BuildTools tools;
    private readonly ContextSource contexts;
    private readonly ILogger log;
    private readonly ImageEvents events;
    private readonly HttpClient http = new(new SocketsHttpHandler { AutomaticDecompression = System.Net.DecompressionMethods.None }) { Timeout = Timeout.InfiniteTimeSpan };
    private Task cleaned = Task.CompletedTask;

    /// <param name="dataRoot">The engine's data directory; <c>builds</c> is made in it.</param>
    /// <param name="engineVersion">What restored images say of the engine that made them.</param>
    public BuildService(string dataRoot, string engineVersion, Engine.Engine engine, ImageService images, ContainerService containers, ImageEvents events, ILogger<BuildService> log)
    {
        root = Path.Combine(dataRoot, "builds");
        this.log = log;
        this.events = events;
        Directory.CreateDirectory(root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        tools = new BuildTools(engine, images, containers, http, engineVersion);
        contexts = new ContextSource(http, images.Limits);
    }

    /// <summary>Begins to remove what builds have left that a crash has cut off: their containers and their folders. To be called once, when the containers are known.</summary>
    public void CleanUp()
    {
        var left = Directory.GetDirectories(root).Select(d => Path.GetFileName(d)).ToList();
        var containers = tools.Containers.Store.All.Where(c => c.Record.HostConfig.Annotations?.ContainsKey(BuildRun.Mark) == true).Select(c => c.Id).ToList();
        cleaned = Task.Run(async () =>
        {
            foreach (string container in containers) await TryAsync(() => tools.Containers.RemoveAsync(new RemoveRequest(container, Force: true, Volumes: true, Link: false), CancellationToken.None)).ConfigureAwait(false);
            using var directory = DirectoryFd.Open(root);
            foreach (string folder in left)
            {
                // Volumes of a container that had not come to be yet, or was gone already.
                string mine = $$"""{"label":["{{BuildRun.Mark}}={{folder}}"],"all":["1"]}""";
                await TryAsync(() => tools.Engine.RunAsync(VolumeCommands.Prune, new VolumeFilterRequest(mine))).ConfigureAwait(false);
                await TryAsync(() =>
                {
                    TreeRemoval.Remove(directory, folder);
                    return Task.CompletedTask;
                }).ConfigureAwait(false);
            }
        });
    }

    private async Task TryAsync(Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or EngineException)
        {
            BuildLog.LeftoversRemain(log, e);
        }
    }

    /// <summary>Builds an image. What is wrong before anything was printed is the answer; later on it is the stream's last line.</summary>
    /// <exception cref="EngineException">In dockerd's words.</exception>
    public async Task BuildAsync(Job job, BuildRequest request, CancellationToken cancellation)
    {
        var names = Names(request.Tags);
        using var folder = new BuildFolder(root);
        await using var output = new BuildOutput(job, request.Quiet ? folder.NewPath("output") : null);
        try
        {
            string image = await BuildAsync(job, request, names, folder, output, cancellation).ConfigureAwait(false);
            await output.QuietResultAsync(image, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is EngineException or KernelException or InvalidArchiveException or IOException && !cancellation.IsCancellationRequested)
        {
            await output.ReleaseAsync(cancellation).ConfigureAwait(false);
            if (e is EngineException) throw;
            throw EngineException.System(e.Message, e);
        }
    }

    private async Task<string> BuildAsync(Job job, BuildRequest request, List<ImageReference> names, BuildFolder folder, BuildOutput output, CancellationToken cancellation)
    {
        var (context, dockerfile) = await contexts.OpenAsync(request, job.Input, folder, output, cancellation).ConfigureAwait(false);
        using (context)
        {
            var plan = StageParser.Parse(dockerfile, request.Dockerfile);
            if (request.Target.Length > 0) plan = plan.UpTo(request.Target);
            if (plan.Stages.Count == 0) throw EngineException.InvalidParameter("no build stage in current context");
            plan = plan.WithLabels(request.Labels);
            using var run = new BuildRun(tools, job, request, plan, context, folder, output);
            string image = await run.RunAsync(cancellation).ConfigureAwait(false);
            // The run holds the image until it has its names.
            await output.WriteAsync($"Successfully built {image[(image.IndexOf(':', StringComparison.Ordinal) + 1)..][..12]}\n", cancellation).ConfigureAwait(false);
            foreach (var name in names)
            {
                events.Publish("tag", await tools.Images.Store.TagAsync(image, name, cancellation).ConfigureAwait(false), name.Familiar);
                await output.WriteAsync($"Successfully tagged {name.Familiar}\n", cancellation).ConfigureAwait(false);
            }
            return image;
        }
    }

    private static List<ImageReference> Names(IReadOnlyList<string> tags)
    {
        var names = new List<ImageReference>();
        foreach (string tag in tags.Where(t => t.Length > 0))
        {
            var name = ImageReference.Parse(tag);
            if (name.Digest is not null) throw EngineException.InvalidParameter("build tag cannot contain a digest");
            name = ImageReference.ForTagging(name.Name, name.Tag ?? "")!;
            if (!names.Contains(name)) names.Add(name);
        }
        return names;
    }

    /// <summary>What the next <see cref="PruneAsync"/> would delete.</summary>
    internal List<BuildCacheItem> Cache => BuildPrune.List(tools.Images);

    /// <summary>Deletes images that only answer for steps: made here, without a name, with nothing made of them, and used by no container.</summary>
    internal Task<BuildPruneResponse> PruneAsync(BuildPruneRequest request, CancellationToken cancellation) => BuildPrune.RunAsync(tools.Images, request, cancellation);

    public async ValueTask DisposeAsync()
    {
        await cleaned.ConfigureAwait(false);
        http.Dispose();
    }
}
