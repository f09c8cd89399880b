using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Api;

/// <summary>What a path leads to: a command, an answer that is always the same, or, without either, the running of a command that the path names.</summary>
internal readonly record struct RouteMatch(RouteTemplate Template, Command? Command, FixedAnswer? Answer, IReadOnlyList<KeyValuePair<string, string>> Values);

/// <summary>Finds what serves a request. The table is made of the engine's commands, and made anew when there are more of them.</summary>
internal sealed class Router(Engine.Engine engine)
{
    private const string RunRoute = "POST /engine/commands/{name}";
    private volatile Table table = new(-1, new Dictionary<string, Entry[]>(), new Dictionary<string, Entry[]>());

    private sealed record Entry(RouteTemplate Template, Command? Command, FixedAnswer? Answer);

    private sealed record Table(int CommandCount, Dictionary<string, Entry[]> Commands, Dictionary<string, Entry[]> Answers);

    /// <summary>Commands come first; then what a single host does not have, and what is not built (reference 4.1).</summary>
    public RouteMatch? Find(string method, RequestTarget target)
    {
        var current = table;
        if (current.CommandCount != engine.CommandCount) table = current = Build(engine.CommandCount);
        string[] segments = target.Segments;
        if (segments.Length == 0) return null;
        return Find(current.Commands, method, segments, target) ?? Find(current.Answers, method, segments, target);
    }

    private static RouteMatch? Find(Dictionary<string, Entry[]> entries, string method, string[] segments, RequestTarget target)
    {
        if (!entries.TryGetValue(segments[0], out var candidates)) return null;
        List<KeyValuePair<string, string>>? values = null;
        foreach (var entry in candidates)
        {
            if (entry.Template.Method != method) continue;
            if (!entry.Template.Matches(segments, values ??= [])) continue;
            if (entry.Template.Query is { } wanted && string.IsNullOrEmpty(target.Query.Find(wanted)))
            {
                values.Clear();
                continue;
            }
            return new RouteMatch(entry.Template, entry.Command, entry.Answer, values);
        }
        return null;
    }

    private Table Build(int count)
    {
        var commands = engine.Commands.SelectMany(c => c.Routes.Select(r => new Entry(RouteTemplate.Parse(r), c, null))).Append(new Entry(RouteTemplate.Parse(RunRoute), null, null));
        var answers = FixedAnswers.All.Select(a => new Entry(RouteTemplate.Parse(a.Route), null, a));
        return new Table(count, Index(commands), Index(answers));
    }

    private static Dictionary<string, Entry[]> Index(IEnumerable<Entry> entries) =>
        entries.GroupBy(e => e.Template.Head, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.OrderBy(e => e.Template).ToArray(), StringComparer.Ordinal);
}
