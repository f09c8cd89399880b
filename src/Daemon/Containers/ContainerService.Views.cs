using Gantry.Daemon.Execution;
using Gantry.Daemon.Storage;
using Gantry.Protocol.Containers;
using Gantry.Protocol.Json;
using Gantry.Protocol.Networks;

namespace Gantry.Daemon.Containers;

/// <param name="Limit">At most so many, newest first, running or not; 0 is no limit.</param>
public sealed record ListRequest(bool All, int Limit, bool Size, string? Filters);

public sealed partial class ContainerService
{
    /// <summary>Containers, newest first (reference 4.5).</summary>
    public async Task<List<ContainerSummary>> ListAsync(ListRequest request, CancellationToken cancellation)
    {
        var filters = new ContainerFilters(request.Filters, store, AncestorsOf);
        bool all = request.All || request.Limit > 0 || filters.ImpliesAll;
        var now = DateTimeOffset.UtcNow;
        var rows = new List<ContainerSummary>();
        var linkNames = LinkNames();
        foreach (var container in store.All)
        {
            if ((!all && !container.Status.Running) || !filters.Matches(container)) continue;
            var row = Summarise(container, linkNames[container.Id], now);
            if (request.Size) await AddSizesAsync(container.Record, (rw, root) => (row.SizeRw, row.SizeRootFs) = (rw == 0 ? null : rw, root), cancellation).ConfigureAwait(false);
            rows.Add(row);
            if (request.Limit > 0 && rows.Count == request.Limit) break;
        }
        return rows;
    }

    /// <summary>All containers with the bytes that they take, for <c>system df</c>; nothing is said of one that has written nothing.</summary>
    public async Task<List<ContainerSummary>> UsagesAsync(CancellationToken cancellation)
    {
        var rows = await ListAsync(new ListRequest(All: true, Limit: 0, Size: true, Filters: null), cancellation).ConfigureAwait(false);
        foreach (var row in rows)
        {
            if (row.SizeRw == 0) row.SizeRw = null;
        }
        return rows;
    }

    private IEnumerable<string> AncestorsOf(string reference)
    {
        try
        {
            return images.IdsOf(reference);
        }
        catch (Engine.EngineException)
        {
            return [];   // an image that is not there is nobody's ancestor
        }
    }

    private async Task AddSizesAsync(ContainerRecord record, Action<long, long> set, CancellationToken cancellation)
    {
        long written = await SizeOfWritableLayerAsync(record, cancellation).ConfigureAwait(false);
        set(written, written + images.SizeOf(record.Id));
    }

    private ContainerSummary Summarise(Container container, IEnumerable<string> linkNames, DateTimeOffset now)
    {
        var record = container.Record;
        var status = container.Status;
        return new ContainerSummary
        {
            Id = record.Id,
            Names = ["/" + record.Name, .. linkNames],
            Image = images.DisplayName(record.Config.Image, record.ImageId),
            ImageID = record.ImageId,
            Command = CommandText(record),
            Created = record.Created.ToUnixTimeSeconds(),
            Ports = PortViews.Summaries(record, status),
            Labels = record.Config.Labels ?? [],
            State = status.Name,
            Status = StatusText.Of(status, now),
            HostConfig = new SummaryHostConfig { NetworkMode = record.HostConfig.NetworkMode, Annotations = record.HostConfig.Annotations },
            NetworkSettings = new SummaryNetworkSettings { Networks = Endpoints(record, status) },
            Mounts = [.. record.Mounts.Where(m => m.Type != "tmpfs" || m.Spec is not null).Select(MountView)],
        };
    }

    /// <summary>The command as a shell would take it: words with special characters are quoted.</summary>
    private static string CommandText(ContainerRecord record) => string.Join(' ', new[] { record.Path }.Concat(record.Args).Select((word, i) => i == 0 || !NeedsQuotes(word) ? word : $"'{word}'"));

    private static bool NeedsQuotes(string word) => word.Contains(' ', StringComparison.Ordinal);

    private static SortedDictionary<string, EndpointSettings> Endpoints(ContainerRecord record, ContainerStatus status) =>
        status.Network is { Endpoints: { Count: > 0 } live } ? live : record.Networks;

    /// <summary>Everything about one container (golden 034, 036, 047).</summary>
    public async Task<ContainerInspect> InspectAsync(string reference, bool size, Version apiVersion, CancellationToken cancellation)
    {
        var container = store.Get(reference);
        var record = container.Record;
        var status = container.Status;
        bool started = status.StartedAt is not null || status.Error.Length > 0;
        string files = SpecFactory.NetworkFilesOf(record, DirectoryOf(record.Id));
        var inspect = new ContainerInspect
        {
            Id = record.Id,
            Created = WireTime.Format(record.Created),
            Path = record.Path,
            Args = record.Args,
            State = StateView(status),
            Image = record.ImageId,
            ResolvConfPath = started ? Path.Combine(files, "resolv.conf") : "",
            HostnamePath = started ? Path.Combine(files, "hostname") : "",
            HostsPath = started ? Path.Combine(files, "hosts") : "",
            LogPath = started && record.HostConfig.LogConfig.Type == "json-file" ? LogPathOf(record) : "",
            Name = "/" + record.Name,
            RestartCount = status.RestartCount,
            Driver = StorageDrivers.NameOf(settings.Storage),
            ExecIDs = RunningExecs(record.Id),
            HostConfig = WithWholeLinks(record),
            GraphDriver = GraphDriver(record),
            Mounts = [.. record.Mounts.Where(m => m.Type != "tmpfs" || m.Spec is not null).Select(MountView)],
            Config = record.Config,
            NetworkSettings = NetworkView(record, status),
        };
        if (size) await AddSizesAsync(record, (rw, root) => (inspect.SizeRw, inspect.SizeRootFs) = (rw, root), cancellation).ConfigureAwait(false);
        return VersionedViews.Adapt(inspect, record.Networks.Values.Select(n => n.MacAddress).FirstOrDefault(m => m.Length > 0), apiVersion);
    }

    private static ContainerState StateView(ContainerStatus status) => new()
    {
        Status = status.Name,
        Running = status.Running,
        Paused = status.Paused,
        Restarting = status.Restarting,
        OOMKilled = status.OutOfMemory,
        Dead = status.Dead,
        Pid = status.Pid,
        ExitCode = status.ExitCode,
        Error = status.Error,
        StartedAt = WireTime.Format(status.StartedAt),
        FinishedAt = WireTime.Format(status.FinishedAt),
        Health = status.Health,
    };

    private GraphDriverData GraphDriver(ContainerRecord record)
    {
        var root = RootOf(record.Id);
        if (settings.Storage == StorageDriver.Vfs) return new GraphDriverData { Name = "vfs", Data = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["ID"] = record.Id } };
        return new GraphDriverData
        {
            Name = "overlay2",
            Data = new SortedDictionary<string, string>(StringComparer.Ordinal)
            {
                ["ID"] = record.Id,
                ["LowerDir"] = string.Join(':', images.LayersOf(record.Id)),
                ["MergedDir"] = Path.Combine(root.Directory, "merged"),
                ["UpperDir"] = root.Upper,
                ["WorkDir"] = root.Work,
            },
        };
    }

    private static MountPoint MountView(ContainerMount mount) => new()
    {
        Type = mount.Type,
        Name = mount.Type == "volume" ? mount.Name : null,
        Source = mount.Source,
        Destination = mount.Destination,
        Driver = mount.Type == "volume" ? "local" : null,
        Mode = mount.Mode,
        RW = !mount.ReadOnly,
        Propagation = mount.Propagation,
    };

    private static NetworkSettings NetworkView(ContainerRecord record, ContainerStatus status)
    {
        var endpoints = Endpoints(record, status);
        var view = new NetworkSettings { Networks = endpoints, Ports = status.Network?.Ports ?? [], SandboxID = status.Network?.SandboxId ?? "" };
        if (view.SandboxID.Length > 0) view.SandboxKey = $"/proc/{status.Pid}/ns/net";
        // The fields beside the list are those of the default network, for clients that know no other.
        if (status.Network is not null && endpoints.TryGetValue("bridge", out var bridge))
        {
            view.EndpointID = bridge.EndpointID;
            view.Gateway = bridge.Gateway;
            view.IPAddress = bridge.IPAddress;
            view.IPPrefixLen = bridge.IPPrefixLen;
            view.IPv6Gateway = bridge.IPv6Gateway;
            view.GlobalIPv6Address = bridge.GlobalIPv6Address;
            view.GlobalIPv6PrefixLen = bridge.GlobalIPv6PrefixLen;
            view.MacAddress = bridge.MacAddress;
        }
        return view;
    }
}
