using Gantry.PowerShell.Objects;

namespace Gantry.PowerShell.Completion;

/// <summary>What completions know of one engine.</summary>
internal sealed class CompletionCache
{
    public CompletionCache(EngineSession session)
    {
        var client = session.Client;
        Containers = new(cancellation => ReadAsync(client.ListContainersAsync(null, size: false, cancellation), row => (Container[])[Container.From(row, session)]));
        Images = new(cancellation => ReadAsync(client.ListImagesAsync(null, all: false, cancellation), row => ContainerImage.From(row, session)));
        Commands = new(cancellation => ReadAsync(client.ListCommandsAsync(cancellation), row => (EngineCommand[])[new EngineCommand(row, session)]));
        Jobs = new(cancellation => ReadAsync(client.ListJobsAsync(cancellation), row => (EngineJob[])[new EngineJob(row, session)]));
        Networks = new(async cancellation => [.. (await client.ListNetworksAsync(cancellation).ConfigureAwait(false)).Select(n => n.Name)]);
    }

    public CachedList<Container> Containers { get; }

    public CachedList<ContainerImage> Images { get; }

    public CachedList<EngineCommand> Commands { get; }

    public CachedList<EngineJob> Jobs { get; }

    public CachedList<string> Networks { get; }

    private static async Task<IReadOnlyList<TItem>> ReadAsync<TRow, TItem>(IAsyncEnumerable<TRow> rows, Func<TRow, IEnumerable<TItem>> convert)
    {
        var items = new List<TItem>();
        await foreach (var row in rows.ConfigureAwait(false)) items.AddRange(convert(row));
        return items;
    }
}
