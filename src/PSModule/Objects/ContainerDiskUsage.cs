using System.Globalization;
using Gantry.Protocol.SystemInfo;

namespace Gantry.PowerShell.Objects;

/// <summary>Kinds of things that take space.</summary>
public enum ContainerResourceType
{
    Image,
    Container,
    Volume,
    Network,
    BuildCache,
}

/// <summary>What all things of one kind take of the engine's disk, and how much of it could be freed.</summary>
public sealed class ContainerDiskUsage
{
    private ContainerDiskUsage(ContainerResourceType type, IEnumerable<ContainerDiskUsageItem> items, long size, long reclaimable)
    {
        Type = type;
        Items = [.. items];
        Size = size;
        Reclaimable = reclaimable;
    }

    public ContainerResourceType Type { get; }

    /// <summary>How many there are.</summary>
    public int Count => Items.Length;

    /// <summary>How many are in use.</summary>
    public int Active => Items.Count(i => i.IsActive);

    /// <summary>Bytes; what several of them share counts once.</summary>
    public long Size { get; }

    /// <summary>Bytes that nothing in use needs.</summary>
    public long Reclaimable { get; }

    /// <summary>Each of them.</summary>
    public ContainerDiskUsageItem[] Items { get; }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Type}: {Count}, {ByteSize.Format(Size)}");

    internal static IEnumerable<ContainerDiskUsage> From(DiskUsageResponse usage)
    {
        if (usage.Images is { } images)
        {
            long layers = usage.LayersSize ?? 0;
            long used = images.Where(i => i.Containers > 0).Sum(i => i.Size - Math.Max(i.SharedSize, 0));
            yield return new ContainerDiskUsage(ContainerResourceType.Image, images.Select(i => new ContainerDiskUsageItem(
                ContainerResourceType.Image, (i.RepoTags ?? []).FirstOrDefault() ?? i.Id, i.Id, i.Size, Math.Max(i.SharedSize, 0), i.Containers > 0)), layers, Math.Max(layers - used, 0));
        }
        if (usage.Containers is { } containers)
        {
            var items = containers.Select(c => new ContainerDiskUsageItem(
                ContainerResourceType.Container, Container.PrimaryName(c.Names), c.Id, c.SizeRw ?? 0, 0, c.State is "running" or "paused" or "restarting")).ToList();
            yield return Sum(ContainerResourceType.Container, items);
        }
        if (usage.Volumes is { } volumes)
        {
            yield return Sum(ContainerResourceType.Volume, [.. volumes.Select(v => new ContainerDiskUsageItem(
                ContainerResourceType.Volume, v.Name, v.Name, Math.Max(v.UsageData?.Size ?? 0, 0), 0, v.UsageData?.RefCount > 0))]);
        }
        if (usage.BuildCache is { } cache)
            yield return Sum(ContainerResourceType.BuildCache, [.. cache.Select(c => new ContainerDiskUsageItem(ContainerResourceType.BuildCache, c.Description, c.ID, c.Size, c.Shared ? c.Size : 0, c.InUse))]);
    }

    private static ContainerDiskUsage Sum(ContainerResourceType type, List<ContainerDiskUsageItem> items) =>
        new(type, items, items.Sum(i => i.Size), items.Where(i => !i.IsActive).Sum(i => i.Size));
}

/// <summary>What one image, container, volume or piece of build cache takes of the engine's disk.</summary>
public sealed class ContainerDiskUsageItem
{
    internal ContainerDiskUsageItem(ContainerResourceType type, string name, string id, long size, long sharedSize, bool isActive)
    {
        Type = type;
        Name = name;
        Id = id;
        Size = size;
        SharedSize = sharedSize;
        IsActive = isActive;
    }

    public ContainerResourceType Type { get; }

    public string Name { get; }

    public string Id { get; }

    /// <summary>Bytes, with what it shares with others.</summary>
    public long Size { get; }

    /// <summary>Bytes that others have too.</summary>
    public long SharedSize { get; }

    /// <summary>Bytes that are its alone.</summary>
    public long UniqueSize => Size - SharedSize;

    /// <summary>Something uses it.</summary>
    public bool IsActive { get; }

    public override string ToString() => Name;
}

/// <summary>One thing that was removed because nothing needed it.</summary>
public sealed class ContainerPruneResult
{
    internal ContainerPruneResult(ContainerResourceType type, string name, string id, long? size, EngineSession session)
    {
        Type = type;
        Name = name;
        Id = id;
        Size = size;
        Session = session;
    }

    public ContainerResourceType Type { get; }

    public string Name { get; }

    public string Id { get; }

    /// <summary>Bytes that this has freed; null where the engine does not say.</summary>
    public long? Size { get; }

    public EngineSession Session { get; }

    public override string ToString() => $"{Type} {Name}";
}
