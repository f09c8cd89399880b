using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Pull;
using Gantry.Daemon.Images.References;
using Gantry.Daemon.Images.Transfers;
using Gantry.Daemon.Registries;
using Gantry.Protocol.Images;
using Gantry.Protocol.SystemInfo;

namespace Gantry.Daemon.Images.Operations;

internal sealed record RegistryInspectRequest(string Name, AuthConfig Credentials);

/// <summary>What a registry has under a name, without pulling it (golden 150).</summary>
internal sealed class RegistryInspect(RegistryAccess access, RetryPolicy retries)
{
    /// <summary>A configuration is looked at for its platform; one that is larger is not looked at.</summary>
    private const long LargestConfiguration = 16 << 20;

    public async Task<DistributionInspect> RunAsync(RegistryInspectRequest request, CancellationToken cancellation)
    {
        if (Content.Digest.IsHex(request.Name)) throw EngineException.System("no manifest found for full image ID");
        var name = ImageReference.Parse(request.Name).WithDefaultTag();
        try
        {
            return await RegistryTransfer.RunAsync(access, name, request.Credentials, reads: true, repository => ReadAsync(repository, name, cancellation), cancellation).ConfigureAwait(false);
        }
        catch (RegistryException e)
        {
            throw e.ToEngine();
        }
    }

    private async Task<DistributionInspect> ReadAsync(RemoteRepository repository, ImageReference name, CancellationToken cancellation)
    {
        var manifest = await ManifestReader.ReadAsync(repository, name, cancellation).ConfigureAwait(false);
        return new DistributionInspect
        {
            Descriptor = new OciDescriptor { MediaType = manifest.MediaType, Digest = manifest.Digest.ToString(), Size = manifest.Content.Length },
            Platforms = manifest.IsIndex
                ? [.. ManifestReader.ReadIndex(manifest).Select(m => m.Platform).OfType<OciPlatform>()]
                : await PlatformAsync(repository, ManifestReader.ReadImage(manifest).Config, cancellation).ConfigureAwait(false),
        };
    }

    private async Task<List<OciPlatform>> PlatformAsync(RemoteRepository repository, OciDescriptor config, CancellationToken cancellation)
    {
        if (config.Size is <= 0 or > LargestConfiguration) return [];
        byte[] content = new byte[config.Size];
        var stream = new BlobStream(repository, config.Digest, config.Size, retries, null);
        await using (stream.ConfigureAwait(false)) await stream.ReadExactlyAsync(content, cancellation).ConfigureAwait(false);
        if (Content.Digest.Of(content) != ManifestReader.Parse(config.Digest)) throw EngineException.System($"image config verification failed for digest {config.Digest}");
        return [ImageDocuments.Deserialize<OciPlatform>(content, "image configuration")];
    }
}
