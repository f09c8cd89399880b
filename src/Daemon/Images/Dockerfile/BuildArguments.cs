namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>The build arguments of one stage: which the file has declared, with which defaults, and what the request gives (Dockerfile reference, "ARG").</summary>
internal sealed class BuildArguments(IReadOnlyDictionary<string, string?> given)
{
    /// <summary>Known without being declared, and no part of the history unless declared.</summary>
    private static readonly HashSet<string> Predefined = new(StringComparer.Ordinal)
    {
        "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY", "ftp_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy",
    };

    private readonly Dictionary<string, string?> declared = new(StringComparer.Ordinal);
    private Dictionary<string, string?> global = new(StringComparer.Ordinal);
    private HashSet<string> referenced = new(StringComparer.Ordinal);

    /// <summary>The arguments of another stage: it sees the defaults from above the first <c>FROM</c> once it declares them.</summary>
    public BuildArguments NextStage() => new(given) { global = global, referenced = referenced };

    public void Declare(string name, string? value)
    {
        declared[name] = value;
        referenced.Add(name);
    }

    /// <summary>Declares one that stands above the first <c>FROM</c>.</summary>
    public void DeclareGlobal(string name, string? value)
    {
        Declare(name, value);
        global[name] = value;
    }

    /// <summary><c>name=value</c> of those that <c>FROM</c> may use.</summary>
    public List<string> Global => [.. List(global)];

    /// <summary><c>name=value</c> of those that have one and are no variable of the environment, in the order of their names.</summary>
    public List<string> Besides(IReadOnlyList<string>? environment)
    {
        var names = (environment ?? []).Select(e => e.Split('=', 2)[0]).ToHashSet(StringComparer.Ordinal);
        return [.. List(declared).Where(a => !names.Contains(a.Split('=', 2)[0]))];
    }

    /// <summary>Whether an argument's value makes another image: predefined ones only when they are declared.</summary>
    public bool Counts(string name) => declared.ContainsKey(name) || !Predefined.Contains(name);

    /// <summary>What was given and nothing asked for, sorted.</summary>
    public List<string> Unused => [.. given.Keys.Where(k => !referenced.Contains(k) && !Predefined.Contains(k)).Order(StringComparer.Ordinal)];

    private IEnumerable<string> List(Dictionary<string, string?> source) =>
        source.Keys.Concat(Predefined).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .Select(name => (Name: name, Value: Value(name, source))).Where(a => a.Value is not null).Select(a => $"{a.Name}={a.Value}");

    private string? Value(string name, Dictionary<string, string?> source) =>
        given.GetValueOrDefault(name) ?? source.GetValueOrDefault(name) ?? global.GetValueOrDefault(name);
}
