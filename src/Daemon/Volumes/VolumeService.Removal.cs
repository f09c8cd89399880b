using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Gantry.Daemon.Engine;
using Gantry.Linux.Files;
using Gantry.Linux.Kernel;
using Gantry.Protocol.Volumes;

namespace Gantry.Daemon.Volumes;

// A volume's end: its directory gets another name, the database forgets it, and then its files go.
public sealed partial class VolumeService
{
    private const string RemovedPrefix = ".removed-";

    private static readonly HashSet<string> PruneFilters = new(StringComparer.Ordinal) { "label", "label!", "all", "until" };
    private readonly SemaphoreSlim pruning = new(1, 1);

    /// <summary>How the names begin that a volume's directory gets when the volume is removed. The next start recognizes it by that when the database still lists it.</summary>
    private static string RemovedPrefixOf(string name) => $"{RemovedPrefix}{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 16))}-";

    internal static string RemovedNameOf(string name) => RemovedPrefixOf(name) + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>Removes a volume that nobody uses. False when there is none, or when it is used.</summary>
    internal async Task<bool> TryRemoveAsync(string name)
    {
        VolumeRecord? record;
        string removed = RemovedNameOf(name);
        Task written;
        lock (gate)
        {
            if (!volumes.TryGetValue(name, out record) || HoldersOf(name).Count > 0) return false;
            using (var root = OpenRoot())
            {
                var renamed = root.TryRename(name, root, removed, RenameFlags.NoReplace);
                if (!renamed.Succeeded && renamed.Errno != Errno.ENOENT) throw EngineException.System($"remove {name}: its directory cannot be renamed: {renamed.Errno.Describe()}");
            }
            written = database.WriteAsync(w => w.Execute("DELETE FROM volumes WHERE name = $1", name));
            volumes.TryRemove(name, out _);
        }
        try
        {
            await written.ConfigureAwait(false);
        }
        catch
        {
            PutBack(record, removed);
            throw;
        }
        events.Publish("volume", "destroy", name, [new("driver", "local")]);
        await Task.Run(() => DeleteFiles(removed)).ConfigureAwait(false);
        return true;
    }

    /// <summary>The database still lists the volume, unless there is another of that name by now.</summary>
    private void PutBack(VolumeRecord record, string removed)
    {
        lock (gate)
        {
            if (!volumes.TryAdd(record.Name, record)) return;
            using var root = OpenRoot();
            root.TryRename(removed, root, record.Name, RenameFlags.NoReplace);
        }
    }

    /// <summary>By descriptor: names that are no text, and depths that no path reaches, go too. What cannot be deleted is left for the next start.</summary>
    private void DeleteFiles(string removed)
    {
        try
        {
            using var root = OpenRoot();
            TreeRemoval.Remove(root, removed);
        }
        catch (IOException e)
        {
            VolumeLog.LeftoversRemain(log, Path.Combine(RootDirectory, removed), e);
        }
    }

    /// <exception cref="EngineException">404; 409 <c>remove X: volume is in use - [ids]</c>.</exception>
    public async Task RemoveAsync(string name, bool force)
    {
        while (!await TryRemoveAsync(name).ConfigureAwait(false))
        {
            lock (gate)
            {
                if (!volumes.ContainsKey(name) && force) return;
                Find(name);
                if (HoldersOf(name) is { Count: > 0 } holders) throw EngineException.Conflict($"remove {name}: volume is in use - [{string.Join(", ", holders)}]");
            }
        }
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
                if (!await TryPruneAsync(volume.Name).ConfigureAwait(false)) continue;
                response.VolumesDeleted.Add(volume.Name);
                response.SpaceReclaimed += size;
            }
            events.Publish("volume", "prune", "", [new("reclaimed", response.SpaceReclaimed.ToString(CultureInfo.InvariantCulture))]);
            return response;
        }
        finally
        {
            pruning.Release();
        }
    }

    /// <summary>One that cannot be removed does not keep the others.</summary>
    private async Task<bool> TryPruneAsync(string name)
    {
        try
        {
            return await TryRemoveAsync(name).ConfigureAwait(false);
        }
        catch (EngineException e)
        {
            VolumeLog.NotRemoved(log, name, e);
            return false;
        }
    }
}
