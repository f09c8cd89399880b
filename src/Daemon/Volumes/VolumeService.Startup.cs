using System.Text.Json;
using Gantry.Linux.Files;

namespace Gantry.Daemon.Volumes;

// What happens once, before anyone asks.
public sealed partial class VolumeService
{
    /// <summary>Completes when what a crash has left behind has been deleted. Nobody has to wait for it but who ends the engine.</summary>
    internal Task Cleaned { get; private set; } = Task.CompletedTask;

    /// <summary>Reads the database, and begins to delete what a crash has left of volumes that were never finished or already removed.</summary>
    public async Task LoadAsync()
    {
        var rows = await database.ReadAsync(w => w.Query("SELECT record FROM volumes", r => (byte[])r[0])).ConfigureAwait(false);
        foreach (byte[] row in rows)
        {
            var record = JsonSerializer.Deserialize(row, VolumeJson.Default.VolumeRecord)!;
            volumes[record.Name] = record;
        }
        Directory.CreateDirectory(RootDirectory);
        var present = Directory.GetDirectories(RootDirectory).Select(d => Path.GetFileName(d)).ToHashSet(StringComparer.Ordinal);
        foreach (string name in volumes.Keys.Where(n => !present.Contains(n))) await LoadMissingAsync(name, present).ConfigureAwait(false);
        string[] leftovers = [.. present.Where(n => !volumes.ContainsKey(n))];
        if (leftovers.Length == 0) return;
        string[] removed = [.. leftovers.Select(MoveAway).OfType<string>()];
        Cleaned = Task.Run(() =>
        {
            foreach (string directory in removed)
            {
                if (stop.IsCancellationRequested) return;
                DeleteFiles(directory);
            }
        });
    }

    /// <summary>A volume without its directory: it was being removed, or something else has taken the directory away. Only the first is forgotten.</summary>
    private async Task LoadMissingAsync(string name, HashSet<string> present)
    {
        string prefix = RemovedPrefixOf(name);
        if (!present.Any(n => n.StartsWith(prefix, StringComparison.Ordinal)))
        {
            VolumeLog.DirectoryMissing(log, name);
            return;
        }
        volumes.TryRemove(name, out _);
        await database.WriteAsync(w => w.Execute("DELETE FROM volumes WHERE name = $1", name)).ConfigureAwait(false);
    }

    /// <summary>Frees the name of a directory that the database does not list. Null when that cannot be done now.</summary>
    private string? MoveAway(string name)
    {
        if (name.StartsWith(RemovedPrefix, StringComparison.Ordinal)) return name;
        string removed = RemovedNameOf(name);
        using var root = OpenRoot();
        try
        {
            root.Rename(name, root, removed, RenameFlags.NoReplace);
            return removed;
        }
        catch (IOException e)
        {
            VolumeLog.LeftoversRemain(log, DirectoryOf(name), e);
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await Cleaned.ConfigureAwait(false);
        stop.Dispose();
    }
}
