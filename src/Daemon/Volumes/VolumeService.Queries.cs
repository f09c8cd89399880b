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
        var (volume, _) = await AddAsync(name, request.Driver, labels, request.DriverOpts, cancellation).ConfigureAwait(false);
        return View(volume);
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
}
