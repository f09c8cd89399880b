using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Gantry.Daemon.Containers;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Events;
using Gantry.Daemon.Execution;
using Gantry.Daemon.Storage;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Volumes;

/// <summary>The <c>local</c> volumes: directories below the data root that outlive the containers which use them.</summary>
public sealed partial class VolumeService(Database database, string dataRoot, IEventPublisher events)
{
    /// <summary>Marks volumes that were made for one container (reference 5.12).</summary>
    public const string AnonymousLabel = "com.docker.volume.anonymous";

    private readonly ConcurrentDictionary<string, VolumeRecord> volumes = new(StringComparer.Ordinal);

    /// <summary>Tells which containers use a volume; set once the containers are there.</summary>
    public Func<string, IReadOnlyList<string>> UsersOf { get; set; } = _ => [];

    private string DirectoryOf(string name) => Path.Combine(dataRoot, "volumes", name);

    private string MountPointOf(string name) => Path.Combine(DirectoryOf(name), "_data");

    /// <summary>Reads the database, and removes what a crash has left of volumes that were never finished or already removed.</summary>
    public async Task LoadAsync()
    {
        var rows = await database.ReadAsync(w => w.Query("SELECT record FROM volumes", r => (byte[])r[0])).ConfigureAwait(false);
        foreach (byte[] row in rows)
        {
            var record = JsonSerializer.Deserialize(row, VolumeJson.Default.VolumeRecord)!;
            volumes[record.Name] = record;
        }
        string root = Path.Combine(dataRoot, "volumes");
        Directory.CreateDirectory(root);
        foreach (string name in Directory.GetDirectories(root).Select(d => Path.GetFileName(d)).Where(n => !volumes.ContainsKey(n))) DeleteFiles(name);
    }

    /// <summary>A volume for a container's mount.</summary>
    internal sealed record Ensured(string Name, string MountPoint, bool Created);

    /// <summary>Finds the volume that a mount names, or makes it; one without a name is anonymous.</summary>
    internal async Task<Ensured> EnsureAsync(ContainerMount mount, CancellationToken cancellation)
    {
        string name = mount.Name ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        if (volumes.ContainsKey(name)) return new Ensured(name, MountPointOf(name), Created: false);
        var labels = mount.Spec?.VolumeOptions?.Labels;
        if (mount.Name is null) labels = new SortedDictionary<string, string>(labels ?? [], StringComparer.Ordinal) { [AnonymousLabel] = "" };
        await CreateAsync(name, mount.Driver, labels, mount.Spec?.VolumeOptions?.DriverConfig?.Options, cancellation).ConfigureAwait(false);
        return new Ensured(name, MountPointOf(name), Created: true);
    }

    private async Task CreateAsync(string name, string driver, SortedDictionary<string, string>? labels, SortedDictionary<string, string>? options, CancellationToken cancellation)
    {
        if (driver is not ("" or "local")) throw EngineException.NotFound($"create {name}: error looking up volume plugin {driver}: plugin \"{driver}\" not found");
        cancellation.ThrowIfCancellationRequested();
        var record = new VolumeRecord { Name = name, Created = DateTimeOffset.UtcNow, Labels = labels, Options = options is { Count: > 0 } ? options : null };
        Directory.CreateDirectory(MountPointOf(name));
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(record, VolumeJson.Default.VolumeRecord);
        await database.WriteAsync(w => w.Execute("INSERT OR IGNORE INTO volumes (name, record) VALUES ($1, $2)", name, json)).ConfigureAwait(false);
        if (volumes.TryAdd(name, record)) events.Publish("volume", "create", name, [new("driver", "local")]);
    }

    /// <summary>Fills an empty volume with what the image has at its place, owners, modes and times included.</summary>
    internal Task FillAsync(Ensured volume, RootFilesystem root, IReadOnlyList<string> layers, string destination, CancellationToken cancellation) =>
        Task.Run(() =>
        {
            if (FileSystemOf(volume.Name) is not null || Directory.EnumerateFileSystemEntries(volume.MountPoint).Any()) return;
            using var mounted = root.Mount(layers);
            VolumeCopy.CopyUp(mounted, destination, volume.MountPoint, cancellation);
        }, cancellation);

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

    /// <summary>By descriptor: names that are no text, and depths that no path reaches, go too.</summary>
    private void DeleteFiles(string name)
    {
        using var root = DirectoryFd.Open(Path.Combine(dataRoot, "volumes"));
        TreeRemoval.Remove(root, name);
    }

    /// <summary>Removes a volume that nobody uses. False when there is none, or when it is used.</summary>
    internal bool TryRemove(string name)
    {
        if (UsersOf(name).Count > 0 || !volumes.TryRemove(name, out _)) return false;
        database.Post(w => w.Execute("DELETE FROM volumes WHERE name = $1", name));
        DeleteFiles(name);
        events.Publish("volume", "destroy", name, [new("driver", "local")]);
        return true;
    }
}
