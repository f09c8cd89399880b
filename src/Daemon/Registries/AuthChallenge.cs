namespace Gantry.Daemon.Registries;

/// <summary>A <c>WWW-Authenticate</c> header (RFC 9110, 11.6.1): a scheme with parameters.</summary>
internal sealed record AuthChallenge(string Scheme, IReadOnlyDictionary<string, string> Parameters)
{
    public bool IsBasic => Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase);

    public bool IsBearer => Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase);

    /// <summary><c>Bearer realm="https://auth.example/token",service="registry"</c>.</summary>
    public static AuthChallenge Parse(string header)
    {
        header = header.Trim();
        int space = header.IndexOf(' ');
        if (space < 0) return new AuthChallenge(header, new Dictionary<string, string>());
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        int at = space + 1;
        while (at < header.Length)
        {
            int equals = header.IndexOf('=', at);
            if (equals < 0) break;
            string name = header[at..equals].Trim(' ', ',');
            int end;
            if (equals + 1 < header.Length && header[equals + 1] == '"')
            {
                end = header.IndexOf('"', equals + 2);
                if (end < 0) end = header.Length;
                parameters[name] = header[(equals + 2)..end];
                end++;
            }
            else
            {
                end = header.IndexOf(',', equals);
                if (end < 0) end = header.Length;
                parameters[name] = header[(equals + 1)..end].Trim();
            }
            at = end + 1;
        }
        return new AuthChallenge(header[..space], parameters);
    }
}
