namespace Gantry.Daemon.Options;

/// <summary>A flag as the grammar sees it.</summary>
/// <param name="Name">The long name with its dashes, to which every spelling is brought.</param>
/// <param name="IsBoolean">Takes a value only after <c>=</c>.</param>
internal sealed record FlagShape(string Name, bool IsBoolean);

/// <summary>The flag grammar that Docker's users know (reference A5): words after two dashes, groups of letters after one.</summary>
/// <remarks>
/// <c>-daemon</c> is not a word but a group of letters; booleans take a value only after <c>=</c>, so that <c>--debug false</c> leaves an argument over;
/// parsing stops at the first word that is no flag, at a lone <c>-</c>, or after <c>--</c>.
/// </remarks>
internal static class FlagGrammar
{
    /// <summary>Brings a command line into the one form <c>--name=value</c>.</summary>
    /// <param name="find">A flag by its spelling with dashes (<c>-D</c>, <c>--debug</c>), or null.</param>
    /// <param name="flags">The flags, in order.</param>
    /// <returns>What follows the flags.</returns>
    /// <exception cref="OptionsException">An unknown flag, a missing value, a boolean that is neither true nor false.</exception>
    public static IReadOnlyList<string> Normalise(IReadOnlyList<string> arguments, Func<string, FlagShape?> find, out List<KeyValuePair<FlagShape, string>> flags)
    {
        flags = [];
        int next = 0;
        while (next < arguments.Count)
        {
            string word = arguments[next];
            if (word.Length < 2 || word[0] != '-') break;
            next++;
            if (word == "--") break;

            int equals = word.IndexOf('=');
            string name = equals < 0 ? word : word[..equals];
            string? value = equals < 0 ? null : TrimQuotes(word[(equals + 1)..]);
            var group = Resolve(name, find) ?? throw new OptionsException($"flag provided but not defined: {name}", usage: true);
            for (int i = 0; i < group.Count; i++)
            {
                var flag = group[i];
                string? given = i == group.Count - 1 ? value : null;
                if (flag.IsBoolean) given = Boolean(flag, given);
                else if (given is null && next < arguments.Count) given = arguments[next++];
                flags.Add(new(flag, given ?? throw new OptionsException($"flag needs an argument: {flag.Name}", usage: true)));
            }
        }
        return [.. arguments.Skip(next)];
    }

    private static List<FlagShape>? Resolve(string name, Func<string, FlagShape?> find)
    {
        if (find(name) is { } single) return [single];
        if (name.StartsWith("--", StringComparison.Ordinal)) return null;
        var group = new List<FlagShape>();
        foreach (char letter in name.AsSpan(1))
        {
            if (find($"-{letter}") is not { } flag) return null;
            group.Add(flag);
        }
        return group;
    }

    private static string Boolean(FlagShape flag, string? value) => value switch
    {
        null or "1" or "t" or "T" or "TRUE" or "true" or "True" => "true",
        "0" or "f" or "F" or "FALSE" or "false" or "False" => "false",
        _ => throw new OptionsException($"invalid argument \"{value}\" for \"{flag.Name}\" flag: it is neither true nor false", usage: true),
    };

    private static string TrimQuotes(string value) =>
        value.Length >= 2 && value[0] is '"' or '\'' && value[0] == value[^1] ? value[1..^1] : value;
}
