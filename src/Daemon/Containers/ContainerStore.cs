using System.Collections.Concurrent;
using System.Text.Json;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Networks;
using Gantry.Daemon.Storage;

namespace Gantry.Daemon.Containers;

/// <summary>All containers: in memory for readers, in the database for the next start. Ids and names are unique in both.</summary>
public sealed class ContainerStore(Database database)
{
    private readonly ConcurrentDictionary<string, Container> byId = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> idByName = new(StringComparer.Ordinal);

    public int Count => byId.Count;

    /// <summary>Every container, newest first.</summary>
    public IReadOnlyList<Container> All => [.. byId.Values.OrderByDescending(c => c.Record.Created).ThenBy(c => c.Id, StringComparer.Ordinal)];

    /// <summary>Reads the database. A container that cannot be read is named in the result and left where it is.</summary>
    public async Task<IReadOnlyList<string>> LoadAsync()
    {
        var unreadable = new List<string>();
        var rows = await database.ReadAsync(w => w.Query("SELECT id, record, state FROM containers", r => (Id: r.GetString(0), Record: (byte[])r[1], Status: (byte[])r[2]))).ConfigureAwait(false);
        foreach (var row in rows)
        {
            try
            {
                var record = JsonSerializer.Deserialize(row.Record, StoredJson.Default.ContainerRecord)!;
                var status = JsonSerializer.Deserialize(row.Status, StoredJson.Default.ContainerStatus)!;
                byId[record.Id] = new Container(record, status);
                idByName[record.Name] = record.Id;
            }
            catch (JsonException)
            {
                unreadable.Add(row.Id);
            }
        }
        return unreadable;
    }

    /// <summary>Finds by full id, then name (a leading slash is optional), then unique id prefix (reference B4).</summary>
    /// <exception cref="EngineException">404 <c>No such container: X</c>; 400 for an empty or ambiguous reference.</exception>
    public Container Get(string reference)
    {
        if (string.IsNullOrEmpty(reference)) throw EngineException.InvalidParameter($"invalid name or ID supplied: \"{reference}\"");
        if (byId.TryGetValue(reference, out var found)) return found;
        string name = reference.StartsWith('/') ? reference[1..] : reference;
        if (FindByName(name) is { } named) return named;
        if (name.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash && FindByName(name[..slash]) is { } parent)
        {
            // A link's name, parent/alias, is another name of the linked container.
            foreach (string link in parent.Record.HostConfig.Links ?? [])
            {
                if (LinkSpec.Parse(link) is var (target, alias) && alias == name[(slash + 1)..]) return Get(target);
            }
        }
        if (IsHexadecimal(reference))
        {
            foreach (var (id, container) in byId)
            {
                if (!id.StartsWith(reference, StringComparison.Ordinal)) continue;
                if (found is not null) throw EngineException.InvalidParameter($"multiple IDs found with provided prefix: {reference}");
                found = container;
            }
        }
        return found ?? throw EngineException.NotFound($"No such container: {reference}");
    }

    private static bool IsHexadecimal(string text) => text.Length <= 64 && text.AsSpan().IndexOfAnyExcept("0123456789abcdef") < 0;

    public Container? FindByName(string name) => idByName.TryGetValue(name, out string? id) ? byId.GetValueOrDefault(id) : null;

    public Container? Find(string id) => byId.GetValueOrDefault(id);

    /// <summary>Takes a name for a container that is being made or renamed.</summary>
    /// <exception cref="EngineException">409: the name is taken.</exception>
    public void Reserve(string name, string id)
    {
        while (!idByName.TryAdd(name, id))
        {
            if (!idByName.TryGetValue(name, out string? owner)) continue;
            throw EngineException.Conflict($"Conflict. The container name \"/{name}\" is already in use by container \"{owner}\". You have to remove (or rename) that container to be able to reuse that name.");
        }
    }

    public bool TryReserve(string name, string id) => idByName.TryAdd(name, id);

    public void Release(string name, string id) => idByName.TryRemove(new KeyValuePair<string, string>(name, id));

    /// <summary>Adds a container whose name is reserved; it is on disk when this completes.</summary>
    /// <param name="write">Runs the change that it is given, together with what else belongs to it.</param>
    public async Task AddAsync(Container container, Func<Action<DatabaseWriter>, Task> write)
    {
        var record = container.Record;
        byte[] recordJson = Serialize(record), statusJson = Serialize(container.Status);
        await write(w => w.Execute("INSERT INTO containers (id, name, image, record, state) VALUES ($1, $2, $3, $4, $5)",
            record.Id, record.Name, record.ImageId, recordJson, statusJson)).ConfigureAwait(false);
        byId[record.Id] = container;
    }

    /// <summary>Replaces the record, on disk first.</summary>
    public async Task SaveAsync(Container container, ContainerRecord record)
    {
        byte[] json = Serialize(record);
        await database.WriteAsync(w => w.Execute("UPDATE containers SET name = $2, record = $3 WHERE id = $1", record.Id, record.Name, json)).ConfigureAwait(false);
        container.Set(record);
    }

    /// <summary>Replaces the status: at once for readers, on disk with the next commit. What a crash in between would lose, the supervisor still knows.</summary>
    /// <param name="exited">A process has ended.</param>
    public void Update(Container container, Func<ContainerStatus, ContainerStatus> change, bool exited = false)
    {
        lock (container.Gate)
        {
            var status = change(container.Status);
            container.Set(status);
            if (exited) container.CountExit();
            byte[] json = Serialize(status);
            string id = container.Id;
            database.Post(w => w.Execute("UPDATE containers SET state = $2 WHERE id = $1", id, json));
        }
    }

    /// <summary>Waits until every change so far is on disk.</summary>
    public Task FlushAsync() => database.WriteAsync(static _ => { });

    /// <summary>Removes the container, on disk first: from then on it is gone, whatever happens to its files.</summary>
    /// <param name="write">As in <see cref="AddAsync"/>.</param>
    public async Task RemoveAsync(Container container, Func<Action<DatabaseWriter>, Task> write)
    {
        string id = container.Id;
        await write(w => w.Execute("DELETE FROM containers WHERE id = $1", id)).ConfigureAwait(false);
        byId.TryRemove(id, out _);
        Release(container.Name, id);
    }

    private static byte[] Serialize(ContainerRecord record) => JsonSerializer.SerializeToUtf8Bytes(record, StoredJson.Default.ContainerRecord);

    private static byte[] Serialize(ContainerStatus status) => JsonSerializer.SerializeToUtf8Bytes(status, StoredJson.Default.ContainerStatus);
}
