using Gantry.Daemon.Engine;
using Gantry.Daemon.Events;
using Gantry.Daemon.Execution;
using Gantry.Daemon.Networks;
using Gantry.Daemon.Storage;
using Gantry.Daemon.Volumes;
using Gantry.Linux.Polling;
using Gantry.Linux.Processes;
using Gantry.Protocol.Containers;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Containers;

/// <summary>Owns the containers: their life from create to removal. One partial file for each verb.</summary>
public sealed partial class ContainerService : IAsyncDisposable
{
    private readonly ContainerStore store;
    private readonly ContainerSettings settings;
    private readonly Supervisors supervisors;
    private readonly IContainerImages images;
    private readonly NetworkService networks;
    private readonly VolumeService volumes;
    private readonly SpecFactory specs;
    private readonly IEventPublisher events;
    private readonly ILogger log;
    private readonly BackgroundWork background;
    private readonly SizeLimits sizeLimits;

    public ContainerService(ContainerStore store, ContainerSettings settings, Supervisors supervisors, IContainerImages images, NetworkService networks, VolumeService volumes,
        IEventPublisher events, ILogger<ContainerService> log)
    {
        this.store = store;
        this.settings = settings;
        this.supervisors = supervisors;
        this.images = images;
        this.networks = networks;
        this.volumes = volumes;
        this.events = events;
        this.log = log;
        sizeLimits = new SizeLimits(Path.Combine(settings.DataRoot, "containers"));
        specs = new SpecFactory(settings, volumes.SourceOf, (record, mount) => images.MountedLayersOf(ImageMountOwner(record.Id, mount)), OpenVolume);
        background = new BackgroundWork(log);
        var loop = new EventLoop("daemon events");
        loop.Start();
        fileChanges = new Lazy<FileChanges>(() => new FileChanges(loop), LazyThreadSafetyMode.PublicationOnly);   // a failure is not kept: the host may have more of them later
        ended = new ProcessEnds(loop);
        orphans = new OrphanReaper(IsAwaited);
        supervisors.Notice = OnNotice;
        supervisors.Lost = OnSupervisorLost;
    }

    public ContainerStore Store => store;

    private RootFilesystem RootOf(string id) => new(DirectoryOf(id), settings.Storage);

    /// <summary>Where a container keeps its files: <c>DATA-ROOT/containers/ID</c>.</summary>
    private string DirectoryOf(string id) => Path.Combine(settings.DataRoot, "containers", id);

    /// <summary>Where the supervisor keeps what its successor needs: <c>EXEC-ROOT/containers/ID</c>.</summary>
    private string StateDirectoryOf(string id) => Path.Combine(settings.ExecRoot, "containers", id);

    private string LogPathOf(ContainerRecord record) =>
        record.HostConfig.LogConfig.Type switch
        {
            "none" => "",
            "local" => Path.Combine(DirectoryOf(record.Id), "local-logs", "container.log"),
            _ => Path.Combine(DirectoryOf(record.Id), record.Id + "-json.log"),
        };

    /// <summary>Publishes an event of a container: its labels, image and name come along (reference 4.9).</summary>
    private void Publish(Container container, string action, params ReadOnlySpan<(string Key, string Value)> more)
    {
        var record = container.Record;
        var attributes = new Dictionary<string, string>(record.Config.Labels ?? [], StringComparer.Ordinal) { ["image"] = record.Config.Image, ["name"] = record.Name };
        foreach (var (key, value) in more) attributes[key] = value;
        events.Publish("container", action, record.Id, attributes);
    }

    public async ValueTask DisposeAsync()
    {
        orphans.Dispose();
        restored.TrySetResult();   // for a start that failed half-way
        await background.DisposeAsync().ConfigureAwait(false);
        settings.Groups.Dispose();
    }
}

/// <summary>What the engine's options say about containers.</summary>
public sealed record ContainerSettings
{
    public required string DataRoot { get; init; }

    public required string ExecRoot { get; init; }

    public required HostFacts Facts { get; init; }

    public required ContainerGroups Groups { get; init; }

    public StorageDriver Storage { get; init; }

    /// <summary>Bytes that a container may write when it does not say; 0 is no limit.</summary>
    public long DefaultSize { get; init; }

    public IReadOnlyList<Ulimit> DefaultUlimits { get; init; } = [];

    /// <summary>The user namespace of all containers that do not ask for the host's (<c>--userns-remap</c>); null for none.</summary>
    public UserNamespace? Remap { get; init; }

    /// <summary>The one that a container runs in; null for the host's.</summary>
    public UserNamespace? OwnerOf(HostConfig host) => host.UsernsMode == "host" ? null : Remap;

    /// <summary>Path of the program for <c>--init</c>; found on the PATH when empty.</summary>
    public string InitPath { get; init; } = "";

    /// <summary>A profile as JSON text, <c>unconfined</c>, or null for the built-in one.</summary>
    public string? SeccompProfile { get; init; }

    public TimeSpan DefaultStopTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Checkpoints are allowed.</summary>
    public bool Experimental { get; init; }

    /// <summary>The program that makes checkpoints; found on the PATH when empty.</summary>
    public string CriuPath { get; init; } = "";

    /// <summary>Keep all containers on shutdown and not stop them.</summary>
    public bool LiveRestore { get; init; }

    /// <summary>The least time that shutdown gives to containers that it stops.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(15);
}
