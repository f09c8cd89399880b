using Gantry.Daemon.Engine;
using Microsoft.AspNetCore.Http;

namespace Gantry.Daemon.Api;

/// <summary>Arguments as a Docker API request carries them: in the path, the query, headers, and a JSON body.</summary>
internal sealed class HttpArguments(Command command, RouteMatch route, Query query, HttpRequest request, ReadOnlyMemory<byte> body) : CommandArguments
{
    private const int LongestPrinted = 200;

    public override string? Find(string name)
    {
        foreach (var (key, value) in route.Values)
        {
            if (key == name) return value;
        }
        if (query.Find(name) is { } text) return text;
        return IsHeader(name) ? request.Headers[name].FirstOrDefault() : null;
    }

    public override IReadOnlyList<string> FindAll(string name)
    {
        List<string> found = [.. route.Values.Where(v => v.Key == name).Select(v => v.Value), .. query.Pairs.Where(p => p.Key == name).Select(p => p.Value)];
        if (found.Count == 0 && IsHeader(name)) found.AddRange(request.Headers[name].OfType<string>());
        return found;
    }

    public override long? BodyLength => request.ContentLength ?? (request.Headers.TransferEncoding.Count > 0 ? null : 0);

    protected override ReadOnlyMemory<byte> BodyBytes => body;

    public override IEnumerable<KeyValuePair<string, string>> Printable =>
        route.Values.Concat(query.Pairs).Select(p => p.Value.Length <= LongestPrinted ? p : new(p.Key, p.Value[..LongestPrinted] + "…"));

    private bool IsHeader(string name) => command.Parameters.Any(p => p.Location == ParameterLocation.Header && p.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}
