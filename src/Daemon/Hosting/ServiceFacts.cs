using Gantry.Daemon.Images;
using Gantry.Daemon.Options;
using Gantry.Daemon.Storage;
using Gantry.Daemon.SystemInfo;

namespace Gantry.Daemon.Hosting;

/// <summary>The image store as <c>info</c> sees it.</summary>
internal sealed class ImageFacts(ImageService images, string dataRoot) : IImageFacts
{
    public int Count => images.Current.Images.Count();

    public string Driver => StorageDrivers.NameOf(images.Driver);

    public IReadOnlyList<KeyValuePair<string, string>> DriverStatus => images.Driver == StorageDriver.Vfs ? [] :
    [
        new("Backing Filesystem", BackingFileSystem()), new("Supports d_type", "true"), new("Using metacopy", "false"), new("Native Overlay Diff", "true"), new("userxattr", "false"),
    ];

    /// <summary>In Docker's words: <c>extfs</c>, <c>xfs</c>, <c>btrfs</c>, <c>tmpfs</c>.</summary>
    private string BackingFileSystem() => new DriveInfo(dataRoot).DriveFormat switch
    {
        "ext2" or "ext3" or "ext4" => "extfs",
        var other => other,
    };
}

/// <summary>The network service as <c>info</c> sees it.</summary>
internal sealed class NetworkFacts(DaemonOptions options) : INetworkFacts
{
    public IReadOnlyList<string> Drivers => ["bridge", "host", "null"];

    public string FirewallBackend => options.Firewall ? "nftables" : "";
}
