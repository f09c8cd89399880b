using System.Globalization;
using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Linux.Files;
using Gantry.Protocol.Json;
using Gantry.Protocol.Volumes;

namespace Gantry.Daemon.Volumes;

public sealed partial class VolumeService
{
    private static readonly HashSet<string> ListFilters = new(StringComparer.Ordinal) { "dangling", "driver", "label", "name" };
    private static readonly HashSet<string> PruneFilters = new(StringComparer.Ordinal) { "label", "label!", "all", "until" };
    private readonly SemaphoreSlim pruning = new(1, 1);

    /// <summary>Makes a volume. One of that name with the same driver is given back as it is.</summary>
    public async Task<Volume> CreateAsync(VolumeCreateRequest request, CancellationToken cancellation)
    {
        string name = request.Name;
        if (name.Length > 0 && !VolumeName.IsValid(name))
            throw EngineException.InvalidParameter(name.Length == 1
                ? $"create {name}: volume name is too short, names should be at least two alphanumeric characters"
                : $"create {Shorten(name)}: \"{Shorten(name)}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path");
        if (name.Length > 0 && volumes.TryGetValue(name, out var existing)) return View(existing);
        LocalOptions.Verify(request.Name, request.DriverOpts);
        bool anonymous = name.Length == 0;
        if (anonymous) name = ContainerNames.NewId();
        var labels = request.Labels;
        if (anonymous) labels = new SortedDictionary<string, string>(labels ?? [], StringComparer.Ordinal) { [AnonymousLabel] = "" };
        await CreateAsync(name, request.Driver, labels, request.DriverOpts, cancellation).ConfigureAwait(false);
        return View(volumes[name]);
    }

    private static string Shorten(string name) => name.Length <= 256 ? name : name[..256] + "…";

    /// <exception cref="EngineException">404 <c>get X: no such volume</c>.</exception>
    public Volume Inspect(string name) => View(Find(name));

    private VolumeRecord Find(string name) => volumes.GetValueOrDefault(name) ?? throw EngineException.NotFound($"get {Shorten(name)}: no such volume");

    public VolumeListResponse List(string? filterText)
    {
        var filters = Filters.Parse(filterText, ListFilters);
        bool? dangling = filters.Boolean("dangling");
        var rows = volumes.Values.Where(v => filters.MatchesPattern("name", v.Name) && filters.MatchesExactly("driver", "local") && filters.MatchesLabels("label", v.Labels)
            && (dangling is null || (UsersOf(v.Name).Count == 0) == dangling));
        return new VolumeListResponse { Volumes = [.. rows.OrderBy(v => v.Name, StringComparer.Ordinal).Select(View)] };
    }

    private Volume View(VolumeRecord record) => new()
    {
        CreatedAt = record.Created.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        Labels = record.Labels,
        Mountpoint = MountPointOf(record.Name),
        Name = record.Name,
        Options = record.Options,
    };

    /// <summary>With sizes and numbers of users, for <c>system df</c>.</summary>
    public IReadOnlyList<Volume> Usage(CancellationToken cancellation) => [.. volumes.Values.OrderBy(v => v.Name, StringComparer.Ordinal).Select(v => View(v) with
    {
        UsageData = new VolumeUsage { RefCount = UsersOf(v.Name).Count, Size = SizeOf(v.Name, cancellation) },
    })];

    private long SizeOf(string name, CancellationToken cancellation)
    {
        try
        {
            using var directory = DirectoryFd.Open(MountPointOf(name));
            return DiskUsage.Of(directory, cancellation).ContentBytes;
        }
        catch (Gantry.Linux.Kernel.KernelException e) when (e.Errno == Gantry.Linux.Kernel.Errno.ENOENT)
        {
            return 0;   // it was removed in the meantime
        }
    }

    /// <exception cref="EngineException">404; 409 <c>remove X: volume is in use - [ids]</c>.</exception>
    public async Task RemoveAsync(string name, bool force)
    {
        if (!volumes.ContainsKey(name))
        {
            if (force) return;
            Find(name);
        }
        var users = UsersOf(name);
        if (users.Count > 0) throw EngineException.Conflict($"remove {name}: volume is in use - [{string.Join(", ", users)}]");
        if (TryRemove(name)) await database.WriteAsync(static _ => { }).ConfigureAwait(false);
    }

    /// <summary>Removes volumes that nobody uses: anonymous ones, and with <c>all</c> named ones too (reference 4.1; API 1.42).</summary>
    public async Task<VolumesPruneResponse> PruneAsync(string? filterText, Version apiVersion, CancellationToken cancellation)
    {
        var filters = Filters.Parse(filterText, PruneFilters);
        bool all = filters.Boolean("all") ?? apiVersion < new Version(1, 42);
        if (!await pruning.WaitAsync(0, cancellation).ConfigureAwait(false)) throw EngineException.Conflict("a prune operation is already running");
        try
        {
            var response = new VolumesPruneResponse { VolumesDeleted = [] };
            foreach (var volume in volumes.Values)
            {
                if (!all && volume.Labels?.ContainsKey(AnonymousLabel) != true) continue;
                if (!filters.MatchesLabels("label", volume.Labels) || (filters.Contains("label!") && filters.MatchesLabels("label!", volume.Labels))) continue;
                if (UsersOf(volume.Name).Count > 0) continue;
                long size = SizeOf(volume.Name, cancellation);
                if (!TryRemove(volume.Name)) continue;
                response.VolumesDeleted.Add(volume.Name);
                response.SpaceReclaimed += size;
            }
            await database.WriteAsync(static _ => { }).ConfigureAwait(false);
            events.Publish("volume", "prune", "", [new("reclaimed", response.SpaceReclaimed.ToString(CultureInfo.InvariantCulture))]);
            return response;
        }
        finally
        {
            pruning.Release();
        }
    }
}
