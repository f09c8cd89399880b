using Gantry.Daemon.Images;
using Gantry.Daemon.Options;
using Gantry.Daemon.Registries;

namespace Gantry.Daemon.Hosting;

/// <summary>The daemon's options as the registry client and the image store need them.</summary>
internal static class RegistryOptions
{
    /// <summary>Where dockerd looks: machines that change over keep their certificates there.</summary>
    private const string DockerCertificates = "/etc/docker/certs.d";

    public static RegistrySettings Settings(DaemonOptions options) => new()
    {
        Insecure = options.InsecureRegistries,
        Mirrors = options.RegistryMirrors,
        CertificateFolders = [Path.Combine(options.ConfigFolder, "certs.d"), DockerCertificates],
    };

    public static ImageServiceOptions Images(DaemonOptions options, RegistryAccess registries) => new(options.DataRoot, BuildInfo.Version)
    {
        Registries = registries,
        Downloads = options.MaxConcurrentDownloads,
        Uploads = options.MaxConcurrentUploads,
        Retries = new RetryPolicy(options.MaxDownloadAttempts),
    };
}
