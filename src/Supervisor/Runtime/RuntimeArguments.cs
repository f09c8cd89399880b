using System.Globalization;

namespace Gantry.Supervisor.Runtime;

/// <summary>A command line in the manner of runc: options before and after the verb, <c>--name value</c> or <c>--name=value</c>, then operands. The first operand ends the options.</summary>
internal sealed class RuntimeArguments
{
    private readonly Dictionary<string, List<string>> options = new(StringComparer.Ordinal);

    /// <summary>Options that take no value.</summary>
    private static readonly HashSet<string> Switches = new(StringComparer.Ordinal)
    {
        "debug", "systemd-cgroup", "version", "help", "no-pivot", "no-new-keyring", "keep", "detach", "tty", "all", "force", "quiet", "no-new-privs", "ignore-paused", "pid-namespace", "regex",
    };

    private static readonly Dictionary<char, string> Short = new()
    {
        ['b'] = "bundle", ['d'] = "detach", ['t'] = "tty", ['e'] = "env", ['u'] = "user", ['p'] = "process", ['a'] = "all", ['f'] = "format", ['q'] = "quiet", ['r'] = "resources", ['v'] = "version", ['h'] = "help", ['c'] = "cap", ['g'] = "additional-gids",
    };

    private RuntimeArguments() { }

    public string Verb { get; private set; } = "";

    public IReadOnlyList<string> Operands { get; private set; } = [];

    /// <exception cref="RuntimeException">An option without its value.</exception>
    public static RuntimeArguments Parse(IReadOnlyList<string> words)
    {
        var parsed = new RuntimeArguments();
        int at = parsed.TakeOptions(words, 0);
        if (at == words.Count) return parsed;
        parsed.Verb = words[at];
        at = parsed.TakeOptions(words, at + 1);
        parsed.Operands = [.. words.Skip(at)];
        return parsed;
    }

    private int TakeOptions(IReadOnlyList<string> words, int at)
    {
        while (at < words.Count && words[at].Length > 1 && words[at][0] == '-')
        {
            string word = words[at++];
            if (word == "--") break;
            bool isLong = word.StartsWith("--", StringComparison.Ordinal);
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? word : word[..equals];
            name = isLong ? name[2..] : name.Length == 2 && Short.TryGetValue(name[1], out string? full) ? full : throw new RuntimeException($"flag provided but not defined: {name}");
            // delete -f is force, everywhere else -f is format.
            if (!isLong && name == "format" && Verb == "delete") name = "force";
            if (equals >= 0) Add(name, word[(equals + 1)..]);
            else if (Switches.Contains(name)) Add(name, "true");
            else if (at < words.Count) Add(name, words[at++]);
            else throw new RuntimeException($"flag needs an argument: {word}");
        }
        return at;
    }

    private void Add(string name, string value)
    {
        if (!options.TryGetValue(name, out var values)) options[name] = values = [];
        values.Add(value);
    }

    public bool Has(string name) => options.TryGetValue(name, out var values) && values[^1] is "true" or "1";

    public string? Value(string name) => options.TryGetValue(name, out var values) ? values[^1] : null;

    public IReadOnlyList<string> Values(string name) => options.TryGetValue(name, out var values) ? values : [];

    public int Number(string name)
    {
        if (Value(name) is not { } text) return 0;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new RuntimeException($"invalid value \"{text}\" for flag --{name}: a number is needed");
    }

    /// <exception cref="RuntimeException">There is none.</exception>
    public string Id => Operands.Count > 0 && Operands[0].Length > 0 ? Operands[0] : throw new RuntimeException("container id cannot be empty");

    /// <summary>Refuses options that neither this verb nor every verb has.</summary>
    public void AllowOnly(params ReadOnlySpan<string> names)
    {
        foreach (string given in options.Keys)
        {
            if (given is "root" or "log" or "log-format" or "log-level" or "debug" or "systemd-cgroup" or "rootless" or "cgroup-manager" or "criu" || names.Contains(given)) continue;
            throw new RuntimeException($"flag provided but not defined: --{given}");
        }
    }
}
