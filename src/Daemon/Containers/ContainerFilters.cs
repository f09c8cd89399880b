using System.Globalization;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Json;

namespace Gantry.Daemon.Containers;

/// <summary>Which containers a list shows (reference 4.5).</summary>
internal sealed class ContainerFilters
{
    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "ancestor", "before", "since", "exited", "expose", "publish", "health", "id", "isolation", "is-task", "label", "name", "network", "status", "volume",
    };

    private static readonly HashSet<string> States = new(StringComparer.Ordinal) { "created", "restarting", "running", "removing", "paused", "exited", "dead" };

    private readonly Filters filters;
    private readonly HashSet<int> exitCodes = [];
    private readonly DateTimeOffset? before, since;
    private readonly HashSet<string>? images;
    private readonly List<(int First, int Last, string Protocol)> exposed, published;

    /// <param name="imageIdsOf">Ids of the images that an <c>ancestor</c> value names, with their descendants; empty when there is none.</param>
    public ContainerFilters(string? text, ContainerStore store, Func<string, IEnumerable<string>> imageIdsOf)
    {
        filters = Filters.Parse(text, Known);
        foreach (string status in filters["status"])
        {
            if (!States.Contains(status)) throw EngineException.InvalidParameter($"invalid filter 'status={status}': invalid value for state ({status}): must be one of created, running, paused, restarting, removing, exited, dead");
        }
        foreach (string code in filters["exited"])
        {
            if (!int.TryParse(code, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)) throw EngineException.InvalidParameter($"invalid filter 'exited={code}': it is not a number");
            exitCodes.Add(number);
        }
        foreach (string health in filters["health"])
        {
            if (health is not ("none" or "starting" or "healthy" or "unhealthy")) throw EngineException.InvalidParameter($"invalid filter 'health={health}': invalid value for health ({health}): must be one of none, starting, healthy, unhealthy");
        }
        filters.Boolean("is-task");
        if (filters.Contains("before")) before = filters["before"].Select(r => store.Get(r).Record.Created).Min();
        if (filters.Contains("since")) since = filters["since"].Select(r => store.Get(r).Record.Created).Max();
        if (filters.Contains("ancestor")) images = filters["ancestor"].SelectMany(imageIdsOf).ToHashSet(StringComparer.Ordinal);
        exposed = [.. filters["expose"].Select(Ports)];
        published = [.. filters["publish"].Select(Ports)];
    }

    /// <summary>A wanted status shows containers that do not run, asked for or not.</summary>
    public bool ImpliesAll => filters.Contains("status");

    public bool Matches(Container container)
    {
        var record = container.Record;
        var status = container.Status;
        return filters.MatchesPattern("id", record.Id)
            && MatchesName(record.Name)
            && filters.MatchesExactly("status", status.Name)
            && (exitCodes.Count == 0 || (!status.Running && status.StartedAt is not null && exitCodes.Contains(status.ExitCode)))
            && filters.MatchesExactly("health", status.Health?.Status is { Length: > 0 } health ? health : "none")
            && filters.MatchesLabels("label", record.Config.Labels)
            && (before is null || record.Created < before)
            && (since is null || record.Created > since)
            && (images is null || images.Contains(record.ImageId))
            && filters.Boolean("is-task") is not true
            && filters.MatchesExactly("isolation", "default")
            && MatchesNetwork(container)
            && MatchesVolume(record)
            && (exposed.Count == 0 || (record.Config.ExposedPorts ?? []).Keys.Any(p => Contains(exposed, PortSpec.Parse(p).Port, PortSpec.Parse(p).Protocol)))
            && (published.Count == 0 || IsPublished(record, status));
    }

    /// <summary>A name matches with its leading slash or without.</summary>
    private bool MatchesName(string name) => filters.MatchesPattern("name", "/" + name) || filters.MatchesPattern("name", name);

    private bool MatchesNetwork(Container container)
    {
        if (!filters.Contains("network")) return true;
        var networks = container.Status.Network?.Endpoints ?? container.Record.Networks;
        return filters["network"].Any(wanted => networks.Any(n => n.Key == wanted || n.Value.NetworkID.StartsWith(wanted, StringComparison.Ordinal) && wanted.Length > 0));
    }

    private bool MatchesVolume(ContainerRecord record) =>
        !filters.Contains("volume") || record.Mounts.Exists(m => filters["volume"].Any(wanted => m.Name == wanted || m.Destination == wanted || m.Source == wanted));

    private bool IsPublished(ContainerRecord record, ContainerStatus status)
    {
        var ports = status.Network?.Ports ?? record.HostConfig.PortBindings;
        foreach (var (port, bindings) in ports ?? [])
        {
            string protocol = PortSpec.Parse(port).Protocol;
            foreach (var binding in bindings ?? [])
            {
                if (int.TryParse(binding.HostPort, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && Contains(published, number, protocol)) return true;
            }
        }
        return false;
    }

    private static (int First, int Last, string Protocol) Ports(string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        var (first, last) = PortSpec.ParseRange(slash < 0 ? text : text[..slash]);
        return (first, last, slash < 0 ? "tcp" : text[(slash + 1)..].ToLowerInvariant());
    }

    private static bool Contains(List<(int First, int Last, string Protocol)> ranges, int port, string protocol) =>
        ranges.Exists(r => r.Protocol == protocol && port >= r.First && port <= r.Last);
}

/// <summary>Which containers a prune removes (reference 4.5).</summary>
public sealed class PruneFilter
{
    private static readonly HashSet<string> Known = new(StringComparer.Ordinal) { "label", "label!", "until" };
    private readonly Filters filters;
    private readonly DateTimeOffset? until;

    public PruneFilter(string? text)
    {
        filters = Filters.Parse(text, Known);
        if (filters["until"].Count > 1) throw EngineException.InvalidParameter("more than one until filter specified");
        if (filters["until"].Count == 1) until = PointInTime(filters["until"][0]);
    }

    private static DateTimeOffset PointInTime(string text)
    {
        if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal seconds)) return DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond));
        if (WireTime.Parse(text) is { } time) return time;
        if (GoDuration.TryParse(text, out var ago)) return DateTimeOffset.UtcNow - ago;
        throw EngineException.InvalidParameter($"failed to parse value as time or duration: {Images.Dockerfile.GoText.Quote(text)}");
    }

    internal bool Matches(Container container) =>
        (until is null || container.Record.Created < until)
        && filters.MatchesLabels("label", container.Record.Config.Labels)
        && (!filters.Contains("label!") || !filters["label!"].Any(wanted => HasLabel(container.Record, wanted)));

    private static bool HasLabel(ContainerRecord record, string wanted)
    {
        int equals = wanted.IndexOf('=', StringComparison.Ordinal);
        return (record.Config.Labels ?? []).TryGetValue(equals < 0 ? wanted : wanted[..equals], out string? value) && (equals < 0 || value == wanted[(equals + 1)..]);
    }
}
