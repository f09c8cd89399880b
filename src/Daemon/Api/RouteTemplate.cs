namespace Gantry.Daemon.Api;

/// <summary>A method and a path with holes: <c>POST /containers/{name*}/start</c>. <c>{name}</c> takes one segment, <c>{name*}</c> one or more.</summary>
/// <remarks>A template that ends in <c>?key</c> is only for requests with that query value: two commands can share a path (<c>POST /images/create?fromImage</c>).</remarks>
internal sealed class RouteTemplate : IComparable<RouteTemplate>
{
    private readonly Segment[] segments;

    private RouteTemplate(string text, string method, Segment[] segments, string? query)
    {
        Text = text;
        Method = method;
        this.segments = segments;
        Query = query;
    }

    private enum SegmentKind
    {
        Literal,
        One,
        Many,
    }

    private readonly record struct Segment(SegmentKind Kind, string Text);

    public string Text { get; }

    public string Method { get; }

    /// <summary>The query value that must be there; null for none.</summary>
    public string? Query { get; }

    /// <summary>The first segment, by which routes are found.</summary>
    public string Head => segments[0].Text;

    /// <exception cref="FormatException">Not <c>METHOD /path</c>, or a hole first.</exception>
    public static RouteTemplate Parse(string text)
    {
        int space = text.IndexOf(' ');
        if (space <= 0 || space + 1 >= text.Length || text[space + 1] != '/') throw new FormatException($"the route '{text}' is not a method and a path");
        string path = text[(space + 1)..];
        int question = path.IndexOf('?');
        string? query = question < 0 ? null : path[(question + 1)..];
        if (question >= 0) path = path[..question];
        var segments = path[1..].Split('/').Select(s =>
            s.StartsWith('{') && s.EndsWith("*}", StringComparison.Ordinal) ? new Segment(SegmentKind.Many, s[1..^2])
            : s.StartsWith('{') && s.EndsWith('}') ? new Segment(SegmentKind.One, s[1..^1])
            : new Segment(SegmentKind.Literal, s)).ToArray();
        if (segments[0].Kind != SegmentKind.Literal) throw new FormatException($"the route '{text}' must start with a fixed word");
        return new RouteTemplate(text, text[..space], segments, query);
    }

    /// <summary>Matches a decoded path; the holes' values come out by name.</summary>
    public bool Matches(ReadOnlySpan<string> path, List<KeyValuePair<string, string>> values)
    {
        int kept = values.Count;
        if (Matches(0, path, values)) return true;
        values.RemoveRange(kept, values.Count - kept);
        return false;
    }

    private bool Matches(int at, ReadOnlySpan<string> path, List<KeyValuePair<string, string>> values)
    {
        if (at == segments.Length) return path.IsEmpty;
        if (path.Length < segments.Length - at) return false;
        var segment = segments[at];
        switch (segment.Kind)
        {
            case SegmentKind.Literal:
                return path[0] == segment.Text && Matches(at + 1, path[1..], values);
            case SegmentKind.One:
                values.Add(new(segment.Text, path[0]));
                return path[0].Length > 0 && Matches(at + 1, path[1..], values);
            default:
                // As many as possible: a regular expression's .* is greedy too.
                for (int taken = path.Length - (segments.Length - at - 1); taken >= 1; taken--)
                {
                    int count = values.Count;
                    values.Add(new(segment.Text, taken == 1 ? path[0] : string.Join('/', path[..taken]!)));
                    if (values[^1].Value.Length > 0 && Matches(at + 1, path[taken..], values)) return true;
                    values.RemoveRange(count, values.Count - count);
                }
                return false;
        }
    }

    /// <summary>More precise ones first: fixed words before holes, single segments before many, a wanted query value before none.</summary>
    public int CompareTo(RouteTemplate? other)
    {
        if (other is null) return -1;
        for (int i = 0; i < Math.Min(segments.Length, other.segments.Length); i++)
        {
            int order = segments[i].Kind.CompareTo(other.segments[i].Kind);
            if (order != 0) return order;
        }
        int length = other.segments.Length.CompareTo(segments.Length);
        return length != 0 ? length : (Query is null).CompareTo(other.Query is null);
    }
}
