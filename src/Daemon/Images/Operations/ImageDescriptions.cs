using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Layers;
using Gantry.Daemon.Images.Queries;
using Gantry.Daemon.Storage;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Images;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Images.Operations;

/// <summary>What inspect and history say of one image (golden 019, 020, 021, 079; reference 4.6).</summary>
internal sealed class ImageDescriptions(ImageStore store, ContainerLayers containerLayers, StorageDriver driver)
{
    private static readonly Version VirtualSizeEnds = new(1, 44), ContainerConfigEnds = new(1, 45), ShortConfigBegins = new(1, 50);

    /// <exception cref="EngineException">404: no such image, or it is for another platform.</exception>
    public Image Resolve(ImageNameRequest request)
    {
        var image = store.Resolve(request.Name);
        if (request.Platform is not { } wanted || Platforms.Matches(wanted, image.Os, image.Architecture, image.Variant)) return image;
        throw EngineException.NotFound(
            $"image with reference {request.Name} was found but its platform ({Platforms.Format(image.Os, image.Architecture, image.Variant)}) " +
            $"does not match the specified platform ({Platforms.Format(wanted.Os, wanted.Architecture, wanted.Variant)})");
    }

    public ImageInspect Inspect(Image image, Version client)
    {
        var document = image.Document;
        bool old = client < VirtualSizeEnds;
        return new ImageInspect
        {
            Id = image.Id,
            RepoTags = [.. image.Tags.Select(n => n.Familiar)],
            RepoDigests = [.. image.Digests.Select(n => n.Familiar)],
            Parent = image.Parent ?? "",
            Comment = document.Comment is { Length: > 0 } comment ? comment : document.History is [.., var last] ? last.Comment ?? "" : "",
            Created = image.Created is null ? (old ? WireTime.Never : null) : TrimFraction(document.Created!),
            Container = client < ContainerConfigEnds ? document.Container ?? "" : null,
            ContainerConfig = client < ContainerConfigEnds ? document.ContainerConfig ?? new ContainerConfig() : null,
            DockerVersion = document.DockerVersion ?? "",
            Author = document.Author ?? "",
            Architecture = image.Architecture,
            Variant = string.IsNullOrEmpty(document.Variant) ? null : document.Variant,
            Os = image.Os,
            Size = image.Size,
            VirtualSize = old ? image.Size : null,
            GraphDriver = Storage(image),
            RootFS = new ImageRootFs { Layers = document.RootFs?.DiffIds },
            Metadata = new ImageMetadata { LastTagTime = WireTime.Format(image.LastTagged) },
            Config = Config(image.Config, client < ShortConfigBegins),
        };
    }

    /// <summary>Go prints no trailing zeros of a fraction.</summary>
    private static string TrimFraction(string time)
    {
        int point = time.IndexOf('.', StringComparison.Ordinal);
        if (point < 0) return time;
        int end = point + 1;
        while (end < time.Length && char.IsAsciiDigit(time[end])) end++;
        return time[..end].TrimEnd('0').TrimEnd('.') + time[end..];
    }

    /// <summary>In dockerd's terms: the topmost layer is the upper one, and has places for a mount that is made when a container starts.</summary>
    private GraphDriverData Storage(Image image)
    {
        if (driver == StorageDriver.Vfs || image.TopLayer is not { } top) return new GraphDriverData { Name = StorageDrivers.NameOf(driver) };
        string layer = store.Layers.PathOf(top);
        var data = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["MergedDir"] = Path.Combine(layer, "merged"),
            ["UpperDir"] = Path.Combine(layer, PendingLayer.FilesName),
            ["WorkDir"] = Path.Combine(layer, "work"),
        };
        var below = containerLayers.Directories(image.Layers).Skip(1).ToList();
        if (below.Count > 0) data["LowerDir"] = string.Join(':', below);
        return new GraphDriverData { Name = "overlay2", Data = data };
    }

    private static ImageConfig Config(ContainerConfig config, bool longForm)
    {
        var shown = new ImageConfig
        {
            ArgsEscaped = config.ArgsEscaped,
            Cmd = config.Cmd,
            Entrypoint = config.Entrypoint,
            Env = config.Env,
            ExposedPorts = config.ExposedPorts,
            Healthcheck = config.Healthcheck,
            Labels = config.Labels,
            OnBuild = config.OnBuild,
            Shell = config.Shell,
            StopSignal = config.StopSignal,
            User = config.User ?? "",
            Volumes = config.Volumes,
            WorkingDir = config.WorkingDir ?? "",
        };
        if (!longForm) return shown;
        // What concerns a container alone is listed, whatever the configuration says of it.
        return shown with
        {
            AttachStderr = false,
            AttachStdin = false,
            AttachStdout = false,
            Domainname = "",
            Hostname = "",
            Image = "",
            OpenStdin = false,
            StdinOnce = false,
            Tty = false,
        };
    }

    /// <summary>One line for each step, newest first. Only images of this engine have ids below the first line.</summary>
    /// <exception cref="EngineException">500: the configuration's history tells of more layers than there are.</exception>
    public List<ImageHistoryItem> History(Image image)
    {
        var lines = new List<ImageHistoryItem>();
        int layer = 0;
        foreach (var step in image.Document.History ?? [])
        {
            long size = 0;
            if (!step.EmptyLayer)
            {
                if (layer == image.Layers.Count) throw EngineException.System("too many non-empty layers in History section");
                size = store.Layers.Find(image.Layers[layer++])?.Size ?? 0;
            }
            lines.Insert(0, new ImageHistoryItem
            {
                Id = "<missing>",
                Created = WireTime.Parse(step.Created)?.ToUnixTimeSeconds() ?? 0,
                CreatedBy = step.CreatedBy ?? "",
                Comment = step.Comment ?? "",
                Size = size,
            });
        }
        var snapshot = store.Current;
        var current = image;
        foreach (var line in lines)
        {
            line.Id = current.Id;
            List<string> tags = [.. current.Tags.Select(n => n.Familiar)];
            line.Tags = tags.Count > 0 ? tags : null;
            if (current.Parent is null || snapshot.ById(current.Parent) is not { } parent) break;
            current = parent;
        }
        return lines;
    }
}
