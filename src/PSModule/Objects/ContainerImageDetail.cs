using System.Collections.ObjectModel;
using Gantry.PowerShell.Objects.Specs;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.PowerShell.Objects;

/// <summary>All that an engine knows about one image.</summary>
public sealed class ContainerImageDetail
{
    internal ContainerImageDetail(ImageInspect data, EngineSession session)
    {
        var config = data.Config ?? new ImageConfig();
        Id = data.Id;
        Tags = [.. data.RepoTags ?? []];
        Digests = [.. data.RepoDigests ?? []];
        Name = Tags.Concat(Digests).FirstOrDefault() ?? Id;
        ParentId = data.Parent;
        Comment = data.Comment;
        Author = data.Author;
        CreatedAt = WireTime.Parse(data.Created);
        OperatingSystem = data.Os;
        Architecture = string.IsNullOrEmpty(data.Variant) ? data.Architecture : $"{data.Architecture}/{data.Variant}";
        Size = data.Size;
        Layers = [.. data.RootFS.Layers ?? []];
        StorageDriver = data.GraphDriver.Name;
        Entrypoint = [.. config.Entrypoint ?? []];
        Command = [.. config.Cmd ?? []];
        Environment = new ReadOnlyDictionary<string, string>((config.Env ?? []).Select(Pairs.Split).GroupBy(p => p.Name).ToDictionary(g => g.Key, g => g.Last().Value ?? "", StringComparer.Ordinal));
        WorkingDirectory = config.WorkingDir;
        User = config.User;
        ExposedPorts = [.. config.ExposedPorts?.Keys ?? Enumerable.Empty<string>()];
        Volumes = [.. config.Volumes?.Keys ?? Enumerable.Empty<string>()];
        Labels = new ReadOnlyDictionary<string, string>(config.Labels ?? []);
        StopSignal = config.StopSignal ?? "";
        HealthCheck = ContainerHealthCheck.From(config.Healthcheck);
        Session = session;
    }

    /// <summary>The first of its names, or its id.</summary>
    public string Name { get; }

    public string Id { get; }

    public string[] Tags { get; }

    /// <summary>Every <c>repository@digest</c> under which a registry has had it.</summary>
    public string[] Digests { get; }

    public string ParentId { get; }

    public string Comment { get; }

    public string Author { get; }

    /// <summary>Null when the image does not say.</summary>
    public DateTimeOffset? CreatedAt { get; }

    public string OperatingSystem { get; }

    /// <summary>With its variant: <c>arm64/v8</c>.</summary>
    public string Architecture { get; }

    /// <summary>Bytes of all its layers.</summary>
    public long Size { get; }

    /// <summary>Digests of the layers' archives, bottom first.</summary>
    public string[] Layers { get; }

    public string StorageDriver { get; }

    public string[] Entrypoint { get; }

    public string[] Command { get; }

    public ReadOnlyDictionary<string, string> Environment { get; }

    public string WorkingDirectory { get; }

    public string User { get; }

    /// <summary><c>80/tcp</c>.</summary>
    public string[] ExposedPorts { get; }

    public string[] Volumes { get; }

    public ReadOnlyDictionary<string, string> Labels { get; }

    public string StopSignal { get; }

    public ContainerHealthCheck? HealthCheck { get; }

    public EngineSession Session { get; }

    public override string ToString() => Name;
}

/// <summary>One step by which an image was made.</summary>
public sealed class ContainerImageHistory
{
    internal ContainerImageHistory(string image, ImageHistoryItem item, EngineSession session)
    {
        Image = image;
        Id = item.Id == "<missing>" ? "" : item.Id;
        CreatedAt = DateTimeOffset.FromUnixTimeSeconds(item.Created);
        CreatedBy = item.CreatedBy;
        Comment = item.Comment;
        Size = item.Size;
        Tags = [.. item.Tags ?? []];
        Session = session;
    }

    /// <summary>The image that was asked for.</summary>
    public string Image { get; }

    /// <summary>The image of this step, where the engine has it; else empty.</summary>
    public string Id { get; }

    public DateTimeOffset CreatedAt { get; }

    /// <summary>The command or instruction.</summary>
    public string CreatedBy { get; }

    public string Comment { get; }

    /// <summary>Bytes that the step has added; 0 for one that only changes the configuration.</summary>
    public long Size { get; }

    public string[] Tags { get; }

    public EngineSession Session { get; }

    public override string ToString() => CreatedBy;
}
