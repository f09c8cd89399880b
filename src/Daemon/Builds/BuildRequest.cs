using Gantry.Protocol.Containers;
using Gantry.Protocol.Images;

namespace Gantry.Daemon.Builds;

/// <summary>What one build is asked to do (reference 4.1, <c>POST /build</c>).</summary>
public sealed record BuildRequest
{
    /// <summary>Path of the Dockerfile in the context.</summary>
    public string Dockerfile { get; init; } = "Dockerfile";

    /// <summary>Names for the image.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>A Git repository or a URL to build from; empty for the archive that is sent along.</summary>
    public string Remote { get; init; } = "";

    /// <summary>The last stage to build; empty for all.</summary>
    public string Target { get; init; } = "";

    /// <summary>Build arguments. One without a value was named only, and has its default.</summary>
    public IReadOnlyDictionary<string, string?> Arguments { get; init; } = new Dictionary<string, string?>();

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Images whose history may answer for steps.</summary>
    public IReadOnlyList<string> CacheFrom { get; init; } = [];

    /// <summary><c>os/architecture[/variant]</c> of base images; empty for this machine's.</summary>
    public string Platform { get; init; } = "";

    /// <summary>Print the image's id alone.</summary>
    public bool Quiet { get; init; }

    public bool NoCache { get; init; }

    /// <summary>Ask the registry for newer base images.</summary>
    public bool Pull { get; init; }

    /// <summary>Remove the container of a step that went well.</summary>
    public bool Remove { get; init; } = true;

    /// <summary>Remove the container of any step.</summary>
    public bool ForceRemove { get; init; }

    /// <summary>Limits, network and the like for the containers of <c>RUN</c>.</summary>
    public HostConfig HostConfig { get; init; } = new();

    /// <summary>Credentials for registries, by their names; base64 of JSON, as the client sends it.</summary>
    public string RegistryConfig { get; init; } = "";
}

/// <param name="All">Everything, and not only what nobody used lately; without meaning here, where all of the cache are images.</param>
public sealed record BuildPruneRequest(bool All, Engine.Filters Filters, DateTimeOffset? Until, long KeepBytes);
