using Gantry.Daemon.Images.Dockerfile;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Builds;

/// <summary>How far one stage has come: the image that its next step stands on, and the configuration that it will have.</summary>
internal sealed class StageState(ContainerConfig config, string imageId, char escape, BuildArguments arguments)
{
    private const string DefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    public ConfigChanges Changes { get; } = new(WithPath(config) with { OpenStdin = false, StdinOnce = false }, escape);

    public ContainerConfig Config => Changes.Config;

    public BuildArguments Arguments { get; } = arguments;

    /// <summary><c>sha256:…</c>; empty on nothing.</summary>
    public string ImageId { get; set; } = imageId;

    /// <summary>The working directory that is known to be in the image.</summary>
    public string KnownDirectory { get; set; } = "";

    /// <summary>Volumes whose places are known to be no files.</summary>
    public HashSet<string> KnownVolumes { get; } = new(StringComparer.Ordinal);

    /// <summary>What is built for, when the file or the request say.</summary>
    public OciPlatform? Platform { get; init; }

    /// <summary>Build arguments that are no variables of the image.</summary>
    public List<string> VisibleArguments => Arguments.Besides(Config.Env);

    /// <summary>What arguments of instructions are filled from.</summary>
    public List<string> Variables => [.. Config.Env ?? [], .. VisibleArguments];

    /// <summary>The image's files have changed.</summary>
    public void Forget()
    {
        KnownDirectory = "";
        KnownVolumes.Clear();
    }

    /// <summary>The configuration for the next image, which names the one before.</summary>
    public ContainerConfig NextConfig()
    {
        Config.Image = ImageId;
        return ConfigChanges.Copy(Config);
    }

    private static ContainerConfig WithPath(ContainerConfig config) =>
        config.Env?.Exists(e => e.StartsWith("PATH=", StringComparison.Ordinal)) == true ? config : config with { Env = [.. config.Env ?? [], DefaultPath] };
}
