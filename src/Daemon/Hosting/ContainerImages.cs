using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images;
using Gantry.Daemon.Images.Dockerfile;
using Gantry.Daemon.Images.Queries;
using Gantry.Daemon.Images.References;
using Gantry.Daemon.Storage;
using Gantry.Protocol.Containers;

namespace Gantry.Daemon.Hosting;

/// <summary>The image store as containers see it.</summary>
internal sealed class ContainerImages(ImageService service) : IContainerImages
{
    private readonly ImageStore store = service.Store;

    public ContainerImage Resolve(string reference, string platform)
    {
        var image = service.Resolve(new ImageNameRequest(reference, platform.Length == 0 ? null : Platforms.Parse(platform)));
        return new ContainerImage(image.Id, image.Config, image.Os);
    }

    public Task PinAsync(string containerId, ContainerImage image, Action<DatabaseWriter> together) => store.PinAsync(containerId, store.Resolve(image.Id), together);

    public Task UnpinAsync(string containerId, Action<DatabaseWriter> together) => store.UnpinAsync(containerId, together);

    public Task ReconcileAsync(IReadOnlySet<string> containerIds, CancellationToken cancellation) => store.ReconcilePinsAsync(containerIds, cancellation);

    public IReadOnlyList<string> LayersOf(ContainerImage image) => Stack(store.Resolve(image.Id).Layers);

    public IReadOnlyList<string> LayersOf(string containerId) => Stack(store.PinnedLayers(containerId) ?? throw EngineException.System($"the layers of container {containerId} are not in the store"));

    public IReadOnlyList<string> MountedLayersOf(string owner) => service.LayerDirectories(store.PinnedLayers(owner) ?? throw EngineException.System($"the layers of the image mount {owner} are not in the store"));

    private IReadOnlyList<string> Stack(IReadOnlyList<Images.Content.Digest> chains) => [service.InitLayer(chains), .. service.LayerDirectories(chains)];

    public void Verify(ContainerCommit commit)
    {
        ImageReference.ForTagging(commit.Repository, commit.Tag);
        ConfigOf(commit);
    }

    public async Task<CommittedImage> CommitAsync(ContainerCommit commit, CancellationToken cancellation)
    {
        var record = commit.Container;
        var name = ImageReference.ForTagging(commit.Repository, commit.Tag);
        var image = await service.CommitAsync(new ImageCommitRequest
        {
            ContainerId = record.Id,
            ParentId = record.ImageId,
            Upper = commit.Upper,
            Below = LayersOf(record.Id)[0],
            Take = commit.Take,
            Config = ConfigOf(commit),
            ContainerConfig = commit.ContainerConfig ?? record.Config,
            IsBuildStep = commit.IsBuildStep,
            Author = commit.Author,
            Comment = commit.Comment,
            CreatedBy = commit.CreatedBy,
            Names = name is null ? [] : [name],
        }, cancellation).ConfigureAwait(false);
        return new CommittedImage(image.Id, name?.Familiar ?? "");
    }

    private static ContainerConfig ConfigOf(ContainerCommit commit) => commit is { IsBuildStep: true, Config: { } config } ? config :
        ImageDefaults.Merge(ConfigChanges.Apply(commit.Config ?? commit.Container.Config, commit.Changes), commit.Container.Config);

    public long SizeOf(string containerId) => (store.PinnedLayers(containerId) ?? []).Sum(chain => store.Layers.Find(chain)?.Size ?? 0);

    public IEnumerable<string> IdsOf(string reference)
    {
        var found = new HashSet<string>(StringComparer.Ordinal) { store.Resolve(reference).Id };
        // Children name their parent; go on until nothing is added.
        for (int before = 0; before != found.Count;)
        {
            before = found.Count;
            foreach (var image in store.Current.Images)
            {
                if (image.Parent is { } parent && found.Contains(parent)) found.Add(image.Id);
            }
        }
        return found;
    }

    public string DisplayName(string reference, string imageId)
    {
        try
        {
            return store.Resolve(reference).Id == imageId ? reference : imageId;
        }
        catch (EngineException)
        {
            return imageId;
        }
    }
}
