using System.Text.Json.Serialization;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Networks;

namespace Gantry.Daemon.Containers;

/// <summary>What a container is: fixed at create, but for its name and what update and the network commands change. Immutable; replaced whole.</summary>
public sealed record ContainerRecord
{
    /// <summary>64 hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>Without a leading slash.</summary>
    public required string Name { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary><c>sha256:…</c></summary>
    public required string ImageId { get; init; }

    /// <summary>The image's defaults merged in.</summary>
    public required ContainerConfig Config { get; init; }

    /// <summary>Defaults filled in.</summary>
    public required HostConfig HostConfig { get; init; }

    /// <summary>The program: entrypoint's or command's first word.</summary>
    public required string Path { get; init; }

    public required List<string> Args { get; init; }

    /// <summary>Networks to be on, by name or id, with what was asked for.</summary>
    public required SortedDictionary<string, EndpointSettings> Networks { get; init; }

    public required List<ContainerMount> Mounts { get; init; }

    /// <summary>Name of the exec driver that runs it: <c>native</c>, <c>oci</c>, <c>lxc</c>.</summary>
    public required string ExecDriver { get; init; }

    [JsonIgnore] public string ShortId => Id[..12];
}

/// <summary>A mount of a container that the user asked for, or that its image declares.</summary>
public sealed record ContainerMount
{
    /// <summary><c>bind</c>, <c>volume</c>, <c>tmpfs</c>, <c>image</c>.</summary>
    public required string Type { get; init; }

    /// <summary>A volume's name.</summary>
    public string? Name { get; init; }

    /// <summary>Host path of a bind or volume.</summary>
    public string Source { get; init; } = "";

    /// <summary>Absolute path in the container.</summary>
    public required string Destination { get; init; }

    public bool ReadOnly { get; init; }

    /// <summary>As inspect shows it: <c>ro,z</c>.</summary>
    public string Mode { get; init; } = "";

    public string Propagation { get; init; } = "";

    public bool NonRecursive { get; init; }

    public bool ReadOnlyNonRecursive { get; init; }

    public bool ReadOnlyForceRecursive { get; init; }

    /// <summary>A bind's missing source is made a directory at start.</summary>
    public bool CreateSource { get; init; }

    /// <summary>Of a volume that is made for it: empty or <c>local</c>.</summary>
    public string Driver { get; init; } = "";

    /// <summary>An image's id, for a mount of type <c>image</c>; its layers are kept for the container.</summary>
    public string? ImageId { get; init; }

    /// <summary>A path within a volume or image.</summary>
    public string? Subpath { get; init; }

    /// <summary>A volume that was made for this container alone and goes with it.</summary>
    public bool Anonymous { get; init; }

    /// <summary>tmpfs options as mount(8) writes them.</summary>
    public string? TmpfsOptions { get; init; }

    /// <summary>It came from the API's <c>Mounts</c> field, and inspect shows it in that form.</summary>
    public MountSpec? Spec { get; init; }
}
