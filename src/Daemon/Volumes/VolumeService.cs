using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Events;
using Gantry.Daemon.Storage;
using Gantry.Linux.Files;
using Microsoft.Extensions.Logging;

namespace Gantry.Daemon.Volumes;

/// <summary>The <c>local</c> volumes: directories below the data root that outlive the containers which use them.</summary>
/// <remarks>
/// Making a volume and removing it each happen in one step under the gate: what the memory lists, the directory of that name, and the order of
/// the changes to the database agree. A container that is being made claims its volumes first (<see cref="Claims"/>), and one that is claimed
/// is not removed. A volume that is removed gives its name free at once, and its files go after the database has forgotten it.
/// </remarks>
public sealed partial class VolumeService(Database database, string dataRoot, IEventPublisher events, ILogger<VolumeService> log) : IAsyncDisposable
{
    /// <summary>Marks volumes that were made for one container (reference 5.12).</summary>
    public const string AnonymousLabel = "com.docker.volume.anonymous";

    private readonly Lock gate = new();
    private readonly ConcurrentDictionary<string, VolumeRecord> volumes = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource stop = new();

    /// <summary>Tells which containers use a volume; set once the containers are there.</summary>
    public Func<string, IReadOnlyList<string>> UsersOf { get; set; } = _ => [];

    private string RootDirectory => Path.Combine(dataRoot, "volumes");

    private string DirectoryOf(string name) => Path.Combine(RootDirectory, name);

    private string MountPointOf(string name) => Path.Combine(DirectoryOf(name), "_data");

    private DirectoryFd OpenRoot() => DirectoryFd.Open(RootDirectory);

    /// <summary>A volume for a container's mount.</summary>
    /// <param name="Name">Also of one that has none in the mount.</param>
    /// <param name="MountPoint">The directory of its data.</param>
    /// <param name="Created">It was made for this mount.</param>
    internal sealed record Ensured(string Name, string MountPoint, bool Created);

    /// <summary>Finds the volume that a mount names, or makes it; one without a name is anonymous. It is among the claims from then on.</summary>
    internal async Task<Ensured> EnsureAsync(ContainerMount mount, Claims claims, CancellationToken cancellation)
    {
        string name = mount.Name ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        claims.Add(name);
        if (volumes.ContainsKey(name)) return new Ensured(name, MountPointOf(name), Created: false);
        var labels = mount.Spec?.VolumeOptions?.Labels;
        if (mount.Name is null) labels = new SortedDictionary<string, string>(labels ?? [], StringComparer.Ordinal) { [AnonymousLabel] = "" };
        var (_, made) = await AddAsync(name, mount.Driver, labels, mount.Spec?.VolumeOptions?.DriverConfig?.Options, cancellation).ConfigureAwait(false);
        return new Ensured(name, MountPointOf(name), made);
    }

    /// <returns>The volume of that name, and whether this call has made it: of several at once one does.</returns>
    private async Task<(VolumeRecord Volume, bool Made)> AddAsync(string name, string driver, SortedDictionary<string, string>? labels, SortedDictionary<string, string>? options, CancellationToken cancellation)
    {
        if (driver is not ("" or "local")) throw EngineException.NotFound($"create {name}: error looking up volume plugin {driver}: plugin \"{driver}\" not found");
        cancellation.ThrowIfCancellationRequested();
        var record = new VolumeRecord { Name = name, Created = DateTimeOffset.UtcNow, Labels = labels, Options = options is { Count: > 0 } ? options : null };
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(record, VolumeJson.Default.VolumeRecord);
        Task written;
        lock (gate)
        {
            if (volumes.TryGetValue(name, out var existing)) return (existing, false);
            Directory.CreateDirectory(MountPointOf(name));
            written = database.WriteAsync(w => w.Execute("INSERT OR REPLACE INTO volumes (name, record) VALUES ($1, $2)", name, json));
            volumes[name] = record;
        }
        try
        {
            await written.ConfigureAwait(false);
        }
        catch
        {
            volumes.TryRemove(new KeyValuePair<string, VolumeRecord>(name, record));   // its directory goes at the next start
            throw;
        }
        events.Publish("volume", "create", name, [new("driver", "local")]);
        return (record, true);
    }

    /// <summary>The host path that stands for a volume: its own directory, or the one that a bind option names.</summary>
    /// <exception cref="EngineException">404; 500 when what is to be bound is gone.</exception>
    public string SourceOf(string name)
    {
        var options = Find(name).Options;
        if (options is not { Count: > 0 } || !IsBind(options)) return MountPointOf(name);
        string device = options["device"];
        return Directory.Exists(device) ? device : throw EngineException.System($"error while mounting volume '{MountPointOf(name)}': failed to mount local volume: mount {device}:{MountPointOf(name)}, flags: 0x1000: no such file or directory");
    }

    /// <summary>The file system that a volume's options describe; null for one that is a directory.</summary>
    internal VolumeFileSystem? FileSystemOf(string name)
    {
        var options = Find(name).Options;
        if (options is not { Count: > 0 } || IsBind(options)) return null;
        return new VolumeFileSystem(options.GetValueOrDefault("type", ""), options.GetValueOrDefault("device", ""), options.GetValueOrDefault("o", ""), MountPointOf(name));
    }

    private static bool IsBind(SortedDictionary<string, string> options) =>
        options.GetValueOrDefault("type") is "none" or "bind" || options.GetValueOrDefault("o", "").Split(',').Any(o => o is "bind" or "rbind");
}
