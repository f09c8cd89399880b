using Gantry.Daemon.Containers;
using Gantry.Daemon.Storage;
using Gantry.Daemon.Volumes;
using Gantry.Protocol.Volumes;
using Gantry.Unit.Images;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gantry.Unit.Volumes;

/// <summary>A volume service with a database of its own, and containers that tests say there are.</summary>
internal sealed class VolumeEngine : IAsyncDisposable
{
    private readonly string root;
    private readonly Database database;

    private VolumeEngine(string root)
    {
        this.root = root;
        database = Database.Open(Path.Combine(root, "test.db"));
        Service = new VolumeService(database, root, Events, NullLogger<VolumeService>.Instance) { UsersOf = name => Users.GetValueOrDefault(name, []) };
    }

    public VolumeService Service { get; }

    public RecordedEvents Events { get; } = new();

    /// <summary>Ids of containers by the volume that they use.</summary>
    public Dictionary<string, string[]> Users { get; } = [];

    public static async Task<VolumeEngine> StartAsync(string root)
    {
        var engine = new VolumeEngine(root);
        await engine.Service.LoadAsync();
        return engine;
    }

    /// <summary>Makes the database refuse a change of its table of volumes, as a disk that fails would.</summary>
    /// <param name="change"><c>INSERT</c> or <c>DELETE</c>.</param>
    public Task RefuseAsync(string change) => database.WriteAsync(w => w.Execute($"CREATE TRIGGER refuse BEFORE {change} ON volumes BEGIN SELECT RAISE(ABORT, 'refused'); END"));

    public Task AllowAsync() => database.WriteAsync(w => w.Execute("DROP TRIGGER refuse"));

    public string Data(string name) => Path.Combine(root, "volumes", name, "_data");

    public string[] Directories => [.. Directory.GetDirectories(Path.Combine(root, "volumes")).Select(d => Path.GetFileName(d))];

    public string[] Listed => [.. Service.List(null).Volumes!.Select(v => v.Name)];

    public Task CreateAsync(string name) => Service.CreateAsync(new VolumeCreateRequest { Name = name }, CancellationToken.None);

    public Task<VolumeService.Ensured> EnsureAsync(string name, VolumeService.Claims claims) =>
        Service.EnsureAsync(new ContainerMount { Type = "volume", Name = name, Destination = "/c" }, claims, CancellationToken.None);

    /// <summary>What a new container does with a volume before it is there.</summary>
    public async Task PrepareAsync(string container, string name, Action<string>? copy)
    {
        using var claims = Service.ClaimFor(container);
        var volume = await EnsureAsync(name, claims);
        await Service.PrepareAsync(claims, volume, copy is null ? null : () => copy(volume.MountPoint), CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await Service.DisposeAsync();
        await database.DisposeAsync();
    }
}
