using System.Text;

namespace Gantry.Daemon.Api;

/// <summary>A request's target, taken apart: API version, path segments, query.</summary>
internal sealed class RequestTarget
{
    private RequestTarget(string? version, string[] segments, Query query, string path)
    {
        Version = version;
        Segments = segments;
        Query = query;
        Path = path;
    }

    /// <summary>The version in <c>/v1.51/…</c>, without the v; null when the path starts without one.</summary>
    public string? Version { get; }

    /// <summary>The decoded path, cut at its slashes: also at those that were written as <c>%2F</c>, as Go's router does.</summary>
    public string[] Segments { get; }

    public Query Query { get; }

    /// <summary>The decoded path without the version.</summary>
    public string Path { get; }

    /// <param name="raw">As in the request line: <c>/v1.51/containers/a%2Fb/json?size=1</c>.</param>
    public static RequestTarget Parse(string raw)
    {
        if (!raw.StartsWith('/'))
        {
            int scheme = raw.IndexOf("://", StringComparison.Ordinal);   // absolute form, as proxies send it
            int slash = scheme < 0 ? -1 : raw.IndexOf('/', scheme + 3);
            raw = slash < 0 ? "/" : raw[slash..];
        }
        int question = raw.IndexOf('?');
        string path = Decode(question < 0 ? raw : raw[..question]);
        var query = new Query(question < 0 ? "" : raw[(question + 1)..]);
        string? version = VersionOf(path);
        if (version is not null) path = path[(version.Length + 2)..];
        return new RequestTarget(version, path.Length < 2 ? [] : path[1..].Split('/'), query, path);
    }

    /// <summary>Digits and dots after <c>/v</c>, ended by a slash.</summary>
    private static string? VersionOf(string path)
    {
        if (path.Length < 4 || path[1] != 'v' || !char.IsAsciiDigit(path[2])) return null;
        int end = 2;
        while (end < path.Length && (char.IsAsciiDigit(path[end]) || path[end] == '.')) end++;
        return end < path.Length && path[end] == '/' ? path[2..end] : null;
    }

    private static string Decode(string text) => text.Contains('%') ? Uri.UnescapeDataString(text) : text;
}
