using System.Collections;
using System.Management.Automation;
using Gantry.PowerShell.Client;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Objects.Specs;
using Gantry.PowerShell.References;
using Gantry.Protocol.SystemInfo;

namespace Gantry.PowerShell.Cmdlets;

/// <summary>Removes what nothing needs: stopped containers, unused networks, images and build cache, and volumes when that is asked for.</summary>
[Cmdlet(VerbsCommon.Optimize, "ContainerEngine", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[Alias("Prune-ContainerEngine")]
[OutputType(typeof(ContainerPruneResult))]
public sealed class OptimizeContainerEngineCommand : EngineCmdlet
{
    /// <summary>What to remove: Container, Network, Image, BuildCache, Volume. Default: all but volumes, whose data cannot be made again.</summary>
    [Parameter(Position = 0)]
    public ContainerResourceType[] Type { get; set; } = [ContainerResourceType.Container, ContainerResourceType.Network, ContainerResourceType.Image, ContainerResourceType.BuildCache];

    /// <summary>Images with names too, and volumes with names: everything that no container uses.</summary>
    [Parameter]
    public SwitchParameter All { get; set; }

    /// <summary>Only what has these labels: <c>@{env = 'test'}</c> or <c>'env=test', 'temporary'</c>.</summary>
    [Parameter]
    [Alias("Filter")]
    [PairsTransformation]
    public IDictionary? Label { get; set; }

    /// <summary>Only what was made before this: a date, or how long ago (<c>24h</c>, <c>7d</c>, a TimeSpan). Volumes have no such limit.</summary>
    [Parameter]
    [PointInTimeTransformation]
    public DateTimeOffset? OlderThan { get; set; }

    /// <summary>Do not ask.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    internal override async Task ProcessAsync(CancellationToken cancellation)
    {
        var session = await SessionForAsync(null, cancellation);
        var removed = new HashSet<string>(StringComparer.Ordinal);
        // What uses others goes first.
        if (Type.Contains(ContainerResourceType.Container)) await ContainersAsync(session, removed, cancellation);
        if (Type.Contains(ContainerResourceType.Network)) await NetworksAsync(session, cancellation);
        if (Type.Contains(ContainerResourceType.Volume)) await VolumesAsync(session, cancellation);
        if (Type.Contains(ContainerResourceType.Image)) await ImagesAsync(session, removed, cancellation);
        if (Type.Contains(ContainerResourceType.BuildCache)) await BuildCacheAsync(session, cancellation);
    }

    private Filters NewFilters()
    {
        var filters = new Filters();
        foreach (DictionaryEntry label in Label ?? new Hashtable())
        {
            string value = Pairs.Text(label.Value);
            filters.Add("label", value.Length > 0 ? $"{Pairs.Text(label.Key)}={value}" : Pairs.Text(label.Key));
        }
        return filters;
    }

    private bool IsOldEnough(DateTimeOffset created) => OlderThan is null || created < OlderThan;

    private async Task RemoveAsync(ContainerResourceType type, string name, string id, long? size, EngineSession session, Func<CancellationToken, Task> remove, CancellationToken cancellation, Action? afterwards = null)
    {
        if (!Approve($"{type} {name}", "Remove", Force)) return;
        await SubmitInOrderAsync(name, async token =>
        {
            await remove(token);
            WriteObject(new ContainerPruneResult(type, name, id, size, session));
            afterwards?.Invoke();
        }, cancellation);
    }

    /// <param name="removed">Gets the ids of those that are gone.</param>
    private async Task ContainersAsync(EngineSession session, HashSet<string> removed, CancellationToken cancellation)
    {
        var stopped = new List<Container>();
        await foreach (var row in session.Client.ListContainersAsync(NewFilters().Add("status", ["created", "exited", "dead"]), size: true, cancellation)) stopped.Add(Objects.Container.From(row, session));
        foreach (var container in stopped.Where(c => IsOldEnough(c.CreatedAt)))
            await RemoveAsync(ContainerResourceType.Container, container.Name, container.Id, container.SizeWritten, session, token => session.Client.RemoveContainerAsync(container.Id, force: false, volumes: false, token), cancellation, () => removed.Add(container.Id));
    }

    private Task NetworksAsync(EngineSession session, CancellationToken cancellation) => SupportedAsync("Network", async () =>
    {
        foreach (var network in await session.Client.ListUnusedNetworksAsync(NewFilters(), cancellation))
        {
            if (!IsOldEnough(Protocol.Json.WireTime.Parse(network.Created) ?? DateTimeOffset.MinValue)) continue;
            await RemoveAsync(ContainerResourceType.Network, network.Name, network.Id, null, session, token => session.Client.DeleteNetworkAsync(network.Id, token), cancellation);
        }
    });

    private async Task VolumesAsync(EngineSession session, CancellationToken cancellation)
    {
        const string anonymous = "com.docker.volume.anonymous";
        var usage = await session.Client.ReadDiskUsageAsync(["volume"], cancellation);
        foreach (var volume in (usage.Volumes ?? []).Where(v => v.UsageData?.RefCount == 0 && (All || v.Labels?.ContainsKey(anonymous) == true) && HasLabels(v.Labels)))
            await RemoveAsync(ContainerResourceType.Volume, volume.Name, volume.Name, volume.UsageData?.Size, session, token => session.Client.DeleteVolumeAsync(volume.Name, token), cancellation);
    }

    private bool HasLabels(IReadOnlyDictionary<string, string>? labels) => Label is null || Label.Cast<DictionaryEntry>().All(wanted =>
        labels is not null && labels.TryGetValue(Pairs.Text(wanted.Key), out string? value) && (Pairs.Text(wanted.Value).Length == 0 || value == Pairs.Text(wanted.Value)));

    private async Task ImagesAsync(EngineSession session, HashSet<string> removed, CancellationToken cancellation)
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var row in session.Client.ListContainersAsync(null, size: false, cancellation))
        {
            if (!removed.Contains(row.Id)) used.Add(row.ImageID);
        }
        var sizes = (await UsageAsync(session, cancellation)).ToDictionary(i => i.Id, i => i.Size - Math.Max(i.SharedSize, 0), StringComparer.Ordinal);
        var unused = (await ImageQuery.ListAsync(session, NewFilters(), all: false, cancellation)).Where(i => !used.Contains(i.Id) && (All || i.IsDangling) && IsOldEnough(i.CreatedAt));
        foreach (var image in unused.ToList())
        {
            bool last = image.Tags.Length < 2;
            await RemoveAsync(ContainerResourceType.Image, image.Name, image.Id, last ? sizes.GetValueOrDefault(image.Id) : 0, session, token => session.Client.RemoveImageAsync(image.Name, force: false, keepParents: false, token), cancellation);
        }
    }

    private static async Task<List<Protocol.Images.ImageSummary>> UsageAsync(EngineSession session, CancellationToken cancellation) =>
        (await session.Client.ReadDiskUsageAsync(["image"], cancellation)).Images ?? [];

    private Task BuildCacheAsync(EngineSession session, CancellationToken cancellation) => SupportedAsync("BuildCache", async () =>
    {
        var cache = (await session.Client.ReadDiskUsageAsync(["build-cache"], cancellation)).BuildCache ?? [];
        if (cache.All((BuildCacheItem c) => c.InUse)) return;
        if (!Approve("the build cache", "Remove", Force)) return;
        var filters = new Filters();
        if (OlderThan is { } limit) filters.Add("until", $"{(long)(DateTimeOffset.Now - limit).TotalSeconds}s");
        long bytes = await session.Client.PruneBuildCacheAsync(filters, All, cancellation);
        WriteObject(new ContainerPruneResult(ContainerResourceType.BuildCache, "build cache", "", bytes, session));
    });

    /// <summary>A kind of thing that the engine does not have needs no cleaning; when it was asked for by name, that is said.</summary>
    private async Task SupportedAsync(string what, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (ContainerEngineException e) when (e.Kind == EngineErrorKind.NotSupported && !MyInvocation.BoundParameters.ContainsKey(nameof(Type)))
        {
            WriteVerbose($"{what}: {e.Message}");
        }
    }
}
