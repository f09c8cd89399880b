using System.Collections.ObjectModel;
using Gantry.Protocol.Containers;

namespace Gantry.PowerShell.Objects;

/// <summary>A container as a list shows it, at the moment when it was asked for.</summary>
public sealed class Container
{
    private Container(EngineSession session)
    {
        Session = session;
    }

    /// <summary>64 hexadecimal digits.</summary>
    public string Id { get; private init; } = "";

    public string Name { get; private init; } = "";

    /// <summary>The image's name when the container was made, or its id when no name refers to it any more.</summary>
    public string Image { get; private init; } = "";

    public string ImageId { get; private init; } = "";

    /// <summary>The command line, joined.</summary>
    public string Command { get; private init; } = "";

    public DateTimeOffset CreatedAt { get; private init; }

    public ContainerState State { get; private init; }

    /// <summary>The engine's own words: <c>Up 3 minutes (healthy)</c>.</summary>
    public string Status { get; private init; } = "";

    public ContainerHealth Health { get; private init; }

    /// <summary>Of a container that has ended; otherwise null.</summary>
    public int? ExitCode { get; private init; }

    /// <summary>Published ports first, then the ones that are only exposed.</summary>
    public ContainerPortBinding[] Ports { get; private init; } = [];

    public ReadOnlyDictionary<string, string> Labels { get; private init; } = ReadOnlyDictionary<string, string>.Empty;

    public string NetworkMode { get; private init; } = "";

    public ContainerEndpoint[] Networks { get; private init; } = [];

    public ContainerMount[] Mounts { get; private init; } = [];

    /// <summary>Bytes that the container has written; only with <c>Get-Container -Size</c>.</summary>
    public long? SizeWritten { get; private init; }

    /// <summary>Bytes of its whole root file system; only with <c>Get-Container -Size</c>.</summary>
    public long? SizeRoot { get; private init; }

    /// <summary>The session that it was read through: cmdlets use it when the object is piped to them.</summary>
    public EngineSession Session { get; }

    internal static Container From(ContainerSummary row, EngineSession session) => new(session)
    {
        Id = row.Id,
        Name = PrimaryName(row.Names),
        Image = row.Image,
        ImageId = row.ImageID,
        Command = row.Command,
        CreatedAt = DateTimeOffset.FromUnixTimeSeconds(row.Created),
        State = WireText.State(row.State),
        Status = row.Status,
        Health = WireText.HealthOfStatus(row.Status),
        ExitCode = WireText.ExitCodeOfStatus(row.Status),
        Ports = ContainerPortBinding.From(row.Ports ?? []),
        Labels = new ReadOnlyDictionary<string, string>(row.Labels ?? []),
        NetworkMode = row.HostConfig?.NetworkMode ?? "",
        Networks = ContainerEndpoint.From(row.NetworkSettings?.Networks),
        Mounts = [.. (row.Mounts ?? []).Select(ContainerMount.From)],
        SizeWritten = row.SizeRw,
        SizeRoot = row.SizeRootFs,
    };

    /// <summary>The container's own name among the aliases that links make, which have a second slash.</summary>
    internal static string PrimaryName(IReadOnlyList<string>? names) =>
        (names?.FirstOrDefault(n => n.LastIndexOf('/') == 0) ?? names?.FirstOrDefault() ?? "").TrimStart('/');

    public override string ToString() => Name;
}
