using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>The flags of one instruction: <c>--name=value</c>, or <c>--name</c> for a switch.</summary>
internal sealed class InstructionFlags
{
    private readonly Dictionary<string, string> values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> lists = new(StringComparer.Ordinal);

    /// <summary>Reads the flags of an instruction.</summary>
    /// <param name="texts">Names of flags that want a value.</param>
    /// <param name="switches">Names of flags that are true or false.</param>
    /// <param name="repeated">Names of flags that want a value and may be given again.</param>
    /// <exception cref="EngineException">400, in dockerd's words.</exception>
    public static InstructionFlags Read(Instruction instruction, string[] texts, string[]? switches = null, string[]? repeated = null)
    {
        var flags = new InstructionFlags();
        string[] known = [.. texts, .. switches ?? [], .. repeated ?? []];
        foreach (string flag in instruction.Flags)
        {
            int equals = flag.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? flag[2..] : flag[2..equals];
            string? value = equals < 0 ? null : flag[(equals + 1)..];
            if (!known.Contains(name)) throw EngineException.InvalidParameter($"unknown flag: --{name}{Suggestion.For(name, known, sameCase: true)}");
            if (repeated?.Contains(name) == true)
            {
                if (!flags.lists.TryGetValue(name, out var list)) flags.lists[name] = list = [];
                list.Add(value ?? throw Missing(name));
                continue;
            }
            if (flags.values.ContainsKey(name)) throw EngineException.InvalidParameter($"duplicate flag specified: --{name}");
            flags.values[name] = switches?.Contains(name) == true ? Switch(name, value) : value ?? throw Missing(name);
        }
        return flags;
    }

    /// <summary>Refuses every flag.</summary>
    public static void None(Instruction instruction) => Read(instruction, []);

    public string Text(string name) => values.GetValueOrDefault(name, "");

    /// <summary>Null when the flag was not given.</summary>
    public bool? Switch(string name) => values.TryGetValue(name, out string? value) ? value == "true" : null;

    public IReadOnlyList<string> List(string name) => lists.GetValueOrDefault(name) ?? [];

    private static EngineException Missing(string name) => EngineException.InvalidParameter($"missing a value on flag: --{name}");

    private static string Switch(string name, string? value) => value?.ToLowerInvariant() switch
    {
        null or "true" => "true",
        "false" => "false",
        "" => throw Missing(name),
        _ => throw EngineException.InvalidParameter($"expecting boolean value for flag --{name}, not: {value}"),
    };
}
