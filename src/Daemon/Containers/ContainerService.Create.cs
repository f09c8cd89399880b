using Gantry.Daemon.Engine;
using Gantry.Daemon.Execution;
using Gantry.Daemon.Volumes;
using Gantry.Linux.Files;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Networks;

namespace Gantry.Daemon.Containers;

/// <param name="Name">Wanted name, or empty for a generated one.</param>
public sealed record CreateRequest(string Name, string Platform, ContainerCreateRequest? Body);

public sealed partial class ContainerService
{
    /// <summary>Makes a container. It exists when this completes; a failure or a crash on the way leaves nothing (reference B14–B19).</summary>
    public async Task<ContainerCreateResponse> CreateAsync(CreateRequest request, Version apiVersion, CancellationToken cancellation)
    {
        var body = request.Body;
        if (body is null) throw EngineException.InvalidParameter("invalid JSON: got EOF while reading request body");
        if (body.Image.Length == 0 && body == new ContainerCreateRequest()) throw EngineException.InvalidParameter("config cannot be empty in order to create a container");
        string name = request.Name.Length == 0 ? "" : ContainerNames.Check(request.Name);
        var host = CreateDefaults.ForVersion(body.HostConfig ?? new HostConfig(), apiVersion);
        var warnings = new List<string>();
        host = SupportedResources.Keep(host, settings.Facts.Features, warnings);
        SettingsVerification.Verify(body, host, settings.Facts, warnings);
        var endpoints = CreateDefaults.Endpoints(body, host);
        VerifyLinks(host);

        var image = images.Resolve(body.Image, request.Platform);
        var config = ImageDefaults.Merge(body.ToConfig(), image.Config);
        SettingsVerification.Verify(config, host, settings.Facts, []);   // the image's part too
        var (path, args) = ImageDefaults.CommandLine(config);

        string id = ContainerNames.NewId();
        if (name.Length == 0) name = ContainerNames.Generate(id, candidate => store.TryReserve(candidate, id));
        else store.Reserve(name, id);
        try
        {
            return await CreateReservedAsync(id, name, image, config, host, endpoints, (path, args), warnings, cancellation).ConfigureAwait(false);
        }
        catch
        {
            store.Release(name, id);
            throw;
        }
    }

    private async Task<ContainerCreateResponse> CreateReservedAsync(string id, string name, ContainerImage image, ContainerConfig config, HostConfig host,
        SortedDictionary<string, EndpointSettings> endpoints, (string Path, List<string> Args) command, List<string> warnings, CancellationToken cancellation)
    {
        host = CreateDefaults.Fill(host, settings.Facts, store);
        config = config with { Hostname = CreateDefaults.Hostname(config, host, id), WorkingDir = config.WorkingDir.Length == 0 ? "" : MountSettings.Normalise(config.WorkingDir) };
        var mounts = MountSettings.Collect(config, host, store);
        var root = RootOf(id);
        var made = new List<string>();
        using var claims = volumes.ClaimFor(id);
        var pinned = new List<ContainerMount>();
        try
        {
            await Task.Run(() => root.Create(images.LayersOf(image), LimitOf(host), cancellation), cancellation).ConfigureAwait(false);
            if (config.WorkingDir.Length > 1)
            {
                using var mounted = root.Mount(images.LayersOf(image));
                WorkingDirectory.Make(mounted, config.WorkingDir);
            }
            mounts = await PrepareVolumesAsync(id, image, mounts, claims, made, cancellation).ConfigureAwait(false);
            var record = new ContainerRecord
            {
                Id = id,
                Name = name,
                Created = DateTimeOffset.UtcNow,
                ImageId = image.Id,
                Config = config,
                HostConfig = host,
                Path = command.Path,
                Args = command.Args,
                Networks = endpoints,
                Mounts = mounts,
                ExecDriver = settings.Facts.DriverOf(host.Runtime),
            };
            var container = new Container(record, ContainerStatus.New);
            foreach (var mount in mounts.Where(m => m.Type == "image"))
            {
                await images.PinAsync(ImageMountOwner(id, mount), images.Resolve(mount.ImageId!), _ => { }).ConfigureAwait(false);
                pinned.Add(mount);
            }
            await store.AddAsync(container, change => images.PinAsync(id, image, change)).ConfigureAwait(false);
            Publish(container, "create");
            return new ContainerCreateResponse { Id = id, Warnings = warnings };
        }
        catch
        {
            claims.Dispose();
            foreach (string volume in made) await volumes.TryRemoveAsync(volume).ConfigureAwait(false);
            foreach (var mount in pinned) await images.UnpinAsync(ImageMountOwner(id, mount), _ => { }).ConfigureAwait(false);
            TryDeleteDirectory(root.Directory);
            throw;
        }
    }

    /// <summary>What limits the container's own files; null for no limit.</summary>
    private Action<IEnumerable<string>>? LimitOf(HostConfig host)
    {
        string? size = host.StorageOpt?.FirstOrDefault(o => o.Key.Equals("size", StringComparison.OrdinalIgnoreCase)).Value;
        long bytes = size is null ? settings.DefaultSize : SettingsVerification.SizeOf(size);
        return bytes > 0 ? directories => sizeLimits.Apply(bytes, directories) : null;
    }

    /// <summary>Makes anonymous and named volumes that are missing, and fills empty ones with what the image has at their place (reference 5.12).</summary>
    private async Task<List<ContainerMount>> PrepareVolumesAsync(string id, ContainerImage image, List<ContainerMount> mounts, VolumeService.Claims claims, List<string> made, CancellationToken cancellation)
    {
        var prepared = new List<ContainerMount>(mounts.Count);
        foreach (var mount in mounts)
        {
            if (mount.Type != "volume")
            {
                prepared.Add(mount.Type == "image" ? mount with { ImageId = images.Resolve(mount.Source).Id } : mount);
                continue;
            }
            var volume = await volumes.EnsureAsync(mount, claims, cancellation).ConfigureAwait(false);
            if (volume.Created) made.Add(volume.Name);
            prepared.Add(mount with { Name = volume.Name, Source = volume.MountPoint });
            bool copies = !mount.Mode.Split(',').Contains("nocopy") && mount.Spec?.VolumeOptions?.NoCopy != true;
            await volumes.PrepareAsync(claims, volume, copies ? () => CopyUp(volume, mount) : null, cancellation).ConfigureAwait(false);
        }
        return prepared;

        void CopyUp(VolumeService.Ensured volume, ContainerMount mount)
        {
            using var mounted = RootOf(id).Mount(images.LayersOf(image));
            VolumeCopy.CopyUp(mounted, mount.Destination, volume.MountPoint, cancellation);
        }
    }

    /// <summary>Under which name the layers of an image that a container mounts are kept for it.</summary>
    private static string ImageMountOwner(string id, ContainerMount mount) => $"{id}:{mount.Destination}";

    private static void TryDeleteDirectory(string path)
    {
        using var parent = DirectoryFd.Open(Path.GetDirectoryName(path)!);
        TreeRemoval.Remove(parent, Path.GetFileName(path));
    }
}
