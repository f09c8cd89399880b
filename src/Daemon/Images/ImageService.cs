using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Events;
using Gantry.Daemon.Images.Archives;
using Gantry.Daemon.Images.Content;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Operations;
using Gantry.Daemon.Images.Pull;
using Gantry.Daemon.Images.Push;
using Gantry.Daemon.Images.References;
using Gantry.Daemon.Registries;
using Gantry.Daemon.Storage;
using Gantry.Linux.Kernel;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Images;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Images;

/// <summary>Images: what commands do with them, and what containers are made of.</summary>
public sealed class ImageService : IAsyncDisposable
{
    private readonly ContentStore content;
    private readonly LayerStore layers;
    private readonly ContainerLayers containerLayers;
    private readonly ImageEvents events;
    private readonly HttpClient http = new(new SocketsHttpHandler { AutomaticDecompression = System.Net.DecompressionMethods.None });
    private readonly ImageImport import;
    private readonly ImageLoad load;
    private readonly ImageSave save;
    private readonly ImageSet set;
    private readonly ImageCommit commit;
    private readonly ImageRemoval removal;
    private readonly ImagePrune prune;
    private readonly ImageList list;
    private readonly ImageDescriptions descriptions;
    private readonly LayerBlobs blobs;
    private readonly RegistryAccess registries;
    private readonly bool ownsRegistries;
    private readonly ImagePull pull;
    private readonly ImagePush push;
    private readonly RegistryInspect registryInspect;

    private ImageService(ImageServiceOptions options, Database database, IEventPublisher publisher, ILoggerFactory logs)
    {
        Limits = options.Limits;
        content = new ContentStore(options.DataRoot);
        layers = new LayerStore(options.DataRoot, options.Limits, plainMarks: options.Driver == StorageDriver.Vfs);
        Driver = options.Driver;
        containerLayers = new ContainerLayers(layers);
        Store = new ImageStore(database, content, layers, logs.CreateLogger<ImageStore>());
        events = new ImageEvents(publisher);
        import = new ImageImport(Store, events, http, options.EngineVersion);
        load = new ImageLoad(Store, events, options.Limits);
        save = new ImageSave(Store, events);
        set = new ImageSet(Store, events);
        commit = new ImageCommit(Store, containerLayers, events, options.EngineVersion);
        removal = new ImageRemoval(Store, events, () => Usage);
        prune = new ImagePrune(Store, events, removal);
        list = new ImageList(Store, () => Usage);
        descriptions = new ImageDescriptions(Store, containerLayers, options.Driver);
        blobs = new LayerBlobs(database, layers);
        ownsRegistries = options.Registries is null;
        registries = options.Registries ?? new RegistryAccess(RegistrySettings.Default);
        pull = new ImagePull(Store, blobs, events, registries, new LayerDownloads(layers, options.Downloads, options.Retries), options.Retries, options.Limits);
        push = new ImagePush(Store, new LayerPush(layers, blobs, options.Uploads, options.Retries), events, registries);
        registryInspect = new RegistryInspect(registries, options.Retries);
    }

    /// <summary>Opens the store and clears away what a crash has left.</summary>
    public static async Task<ImageService> OpenAsync(
        ImageServiceOptions options, Database database, IEventPublisher publisher, ILoggerFactory logs, CancellationToken cancellation)
    {
        var service = await Task.Run(() => new ImageService(options, database, publisher, logs), cancellation).ConfigureAwait(false);
        try
        {
            await service.Store.LoadAsync(cancellation).ConfigureAwait(false);
            await service.blobs.LoadAsync().ConfigureAwait(false);
            return service;
        }
        catch
        {
            await service.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>How containers get their root of an image's layers.</summary>
    public StorageDriver Driver { get; }

    /// <summary>State, and the operations that other services build on.</summary>
    public ImageStore Store { get; }

    /// <summary>Who uses images: set once the containers are known. Until then nobody does.</summary>
    public IImageUsage Usage { get; set; } = new Nobody();

    /// <summary>How much one archive from outside may ask for.</summary>
    public UnpackLimits Limits { get; }

    /// <summary>All images at this moment.</summary>
    public ImageSnapshot Current => Store.Current;

    /// <summary>Finds the image that a user means: by name, digest, id or the beginning of an id.</summary>
    /// <exception cref="EngineException">404 <c>No such image: X</c>; 400 when the text is neither an id nor a name.</exception>
    public Image Resolve(string reference) => Store.Resolve(reference);

    /// <summary>The directories of an image's layers, topmost first: overlay's <c>lowerdir</c> below <see cref="InitLayer(Image)"/>.</summary>
    public IReadOnlyList<string> LayerDirectories(Image image) => containerLayers.Directories(image.Layers);

    /// <summary>The same for layers that a container has pinned (<see cref="ImageStore.PinnedLayers"/>): their image may have gone.</summary>
    public IReadOnlyList<string> LayerDirectories(IReadOnlyList<Digest> chains) => containerLayers.Directories(chains);

    /// <summary>
    /// The read-only layer on top of an image's own, with the names on which every container has something mounted. Its root directory has
    /// the attributes of the image's root: a container's writable layer should copy them.
    /// </summary>
    public string InitLayer(Image image) => containerLayers.Init(image.Layers);

    /// <inheritdoc cref="InitLayer(Image)"/>
    public string InitLayer(IReadOnlyList<Digest> chains) => containerLayers.Init(chains);

    /// <summary>Sum of the sizes of all layers' files, each layer counted once (<c>GET /system/df</c>).</summary>
    public long LayersSize => layers.List().Sum(l => l.Size);

    internal Task ImportAsync(Job job, ImageImportRequest request, CancellationToken cancellation) => Translate(() => import.RunAsync(job, request, cancellation));

    /// <summary>Pulls an image, or all tags of a repository.</summary>
    internal Task PullAsync(Job job, PullRequest request, CancellationToken cancellation) => Translate(() => pull.RunAsync(job, request, cancellation));

    internal Task PushAsync(Job job, PushRequest request, CancellationToken cancellation) => Translate(() => push.RunAsync(job, request, cancellation));

    internal async Task<DistributionInspect> InspectRemoteAsync(RegistryInspectRequest request, CancellationToken cancellation)
    {
        DistributionInspect? found = null;
        await Translate(async () => found = await registryInspect.RunAsync(request, cancellation).ConfigureAwait(false)).ConfigureAwait(false);
        return found!;
    }

    internal Task LoadAsync(Job job, ImageLoadRequest request, CancellationToken cancellation) => Translate(() => load.RunAsync(job, request, cancellation));

    internal Task ExportAsync(Job job, ImageExportRequest request, CancellationToken cancellation) => Translate(() => save.RunAsync(job, request, cancellation));

    internal async Task<IdResponse> SetAsync(Job job, ImageSetRequest request, CancellationToken cancellation)
    {
        Image? image = null;
        await Translate(async () => image = await set.RunAsync(job, request, cancellation).ConfigureAwait(false)).ConfigureAwait(false);
        return new IdResponse { Id = image!.Id };
    }

    /// <summary>Makes an image of what a container has changed; the container is not looked at, and stays as it is while this runs.</summary>
    /// <exception cref="EngineException">The container's layers are gone, or the disk has refused.</exception>
    public async Task<Image> CommitAsync(ImageCommitRequest request, CancellationToken cancellation)
    {
        Image? image = null;
        await Translate(async () => image = await commit.RunAsync(request, cancellation).ConfigureAwait(false)).ConfigureAwait(false);
        return image!;
    }

    /// <summary>All images with what they share and how many containers they have, for <c>system df</c>.</summary>
    public List<ImageSummary> Usages() => list.Usages();

    internal List<ImageSummary> List(Job job, ImageListRequest request) => list.Run(request, job.Client.ApiVersion);

    /// <exception cref="EngineException">404: no such image, or it is for another platform.</exception>
    internal Image Resolve(ImageNameRequest request) => descriptions.Resolve(request);

    internal ImageInspect Inspect(Job job, ImageNameRequest request) => descriptions.Inspect(descriptions.Resolve(request), job.Client.ApiVersion);

    internal List<ImageHistoryItem> History(ImageNameRequest request) => descriptions.History(descriptions.Resolve(request));

    internal Task<List<ImageDeleteItem>> DeleteAsync(ImageDeleteRequest request, CancellationToken cancellation) =>
        removal.RunAsync(request.Name, request.Force, !request.NoPrune, cancellation);

    /// <summary>Deletes an image for a prune: one that nobody holds and that is still wanted when nothing can change any more.</summary>
    internal Task<List<ImageDeleteItem>> PruneAsync(string id, Func<Image, bool> isWanted, CancellationToken cancellation) =>
        removal.RunAsync(id, force: false, prune: true, cancellation, isWanted);

    internal Task<ImagesPruneResponse> PruneAsync(ImagePruneRequest request, CancellationToken cancellation) => prune.RunAsync(request.Filters, cancellation);

    /// <exception cref="EngineException">404 also for a name that is malformed, as with dockerd; 400 for a bad new name.</exception>
    internal async Task TagAsync(ImageTagRequest request, CancellationToken cancellation)
    {
        var name = ImageReference.ForTagging(request.Repository, request.Tag) ?? throw EngineException.InvalidParameter("repository name must have at least one component");
        Image image;
        try
        {
            image = Resolve(request.Name);
        }
        catch (EngineException e) when (e.Kind == ErrorKind.InvalidParameter)
        {
            throw EngineException.NotFound(e.Message);
        }
        events.Publish("tag", await Store.TagAsync(image.Id, name, cancellation).ConfigureAwait(false), name.Familiar);
    }

    /// <summary>The topmost layer's archive.</summary>
    internal Task LayerArchiveAsync(Job job, ImageNameRequest request, CancellationToken cancellation) => Translate(async () =>
    {
        var image = Resolve(request.Name);
        if (image.TopLayer is not { } top) throw EngineException.NotFound($"image {image.Id} has no layer");
        using var lease = layers.TryLease(top) ?? throw EngineException.NotFound($"No such image: {request.Name}");
        job.Output.ContentType = "application/x-tar";
        await ArchiveWriter.WriteArchiveAsync(layers, lease.Layer, job.Output, cancellation).ConfigureAwait(false);
        await job.Output.FlushAsync(cancellation).ConfigureAwait(false);
    });

    internal async Task DrawAsync(Job job, CancellationToken cancellation)
    {
        job.Output.ContentType = "text/plain; charset=utf-8";
        await job.Output.WriteAsync(Encoding.UTF8.GetBytes(ImageGraph.Draw(Current)), cancellation).ConfigureAwait(false);
        await job.Output.FlushAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>What is wrong with an archive, with the disk or with a download is the answer, in its own words. Trouble with the client's own stream stays what it is.</summary>
    private static async Task Translate(Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception e) when (e is InvalidArchiveException or KernelException or InvalidDataException or HttpIOException or HttpRequestException)
        {
            throw EngineException.System(e.Message, e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Store.Cleaned.ConfigureAwait(false);
        http.Dispose();
        if (ownsRegistries) registries.Dispose();
        layers.Dispose();
        content.Dispose();
    }

    private sealed class Nobody : IImageUsage
    {
        public IReadOnlyList<ImageUser> UsersOf(string imageId) => [];
    }
}
