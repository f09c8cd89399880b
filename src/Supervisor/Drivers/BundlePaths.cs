using System.Globalization;

namespace Gantry.Supervisor.Drivers;

/// <summary>Where a program of the host finds what the native driver gets as descriptors. All paths are valid in the program's own mount namespace only.</summary>
/// <param name="Bundle">The bundle's directory.</param>
internal sealed record BundlePaths(string Bundle)
{
    public string Config => Path.Combine(Bundle, "config.json");

    public string Root => Path.Combine(Bundle, "rootfs");

    /// <summary>Source of a mount of the spec.</summary>
    public string Mount(int index) => Path.Combine(Bundle, "mounts", index.ToString(CultureInfo.InvariantCulture));

    public string Namespace(string type) => Path.Combine(Bundle, "namespaces", type);
}
