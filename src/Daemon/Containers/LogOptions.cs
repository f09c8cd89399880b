using System.Globalization;
using System.Text.RegularExpressions;
using Gantry.Daemon.Engine;
using Gantry.Protocol.Containers;
using Gantry.Supervisor.Protocol;

namespace Gantry.Daemon.Containers;

/// <summary>Log drivers and their options (reference 5.15).</summary>
internal static partial class LogOptions
{
    /// <summary>json-file rotates by default here, so that no container fills the disk.</summary>
    private const long DefaultJsonSize = 64 << 20, DefaultLocalSize = 20_000_000;
    private const int DefaultJsonFiles = 4, DefaultLocalFiles = 5;

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag", "mode", "max-buffer-size",
    };

    [GeneratedRegex("^([0-9]+(?:\\.[0-9]+)?) ?([kKmMgGtT]?)[iI]?[bB]?$")]
    private static partial Regex SizeForm();

    /// <exception cref="EngineException">400: an unknown driver, an unknown option or a value that makes no sense.</exception>
    public static void Verify(LogConfig log)
    {
        if (log.Type is not ("" or "json-file" or "local" or "none"))
            throw EngineException.InvalidParameter($"error looking up logging plugin {log.Type}: plugin \"{log.Type}\" not found");
        var options = log.Config ?? [];
        foreach (string key in options.Keys)
        {
            if (log.Type != "none" && !Known.Contains(key)) throw EngineException.InvalidParameter($"unknown log opt '{key}' for {(log.Type.Length == 0 ? "json-file" : log.Type)} log driver");
        }
        if (options.TryGetValue("mode", out string? mode) && mode is not ("" or "blocking" or "non-blocking")) throw EngineException.InvalidParameter($"logger: logging mode not supported: {mode}");
        if (options.TryGetValue("max-buffer-size", out string? buffer) && mode != "non-blocking") throw EngineException.InvalidParameter($"logger: max-buffer-size option is only supported with 'mode=non-blocking', not {buffer}");
        if (options.TryGetValue("tag", out string? tag)) LogTag.Verify(tag);
        Size(options, 0);
        int files = Files(options, 1);
        if (!Compress(options, false)) return;
        if (!options.ContainsKey("max-size") || files < 2) throw EngineException.InvalidParameter("compress cannot be true when max-file is less than 2 or max-size is not set");
    }

    /// <summary>What the supervisor is told; null when nothing is to be kept.</summary>
    public static LogRequest? Request(ContainerRecord container, string path)
    {
        var log = container.HostConfig.LogConfig;
        if (log.Type == "none") return null;
        bool local = log.Type == "local";
        var options = log.Config ?? [];
        return new LogRequest
        {
            Format = local ? "local" : "json-file",
            Path = path,
            MaxSize = Size(options, local ? DefaultLocalSize : DefaultJsonSize),
            MaxFiles = Files(options, options.ContainsKey("max-size") && !local ? 1 : local ? DefaultLocalFiles : DefaultJsonFiles),
            Compress = Compress(options, local),
            Attributes = Attributes(options, container),
        };
    }

    private static long Size(SortedDictionary<string, string> options, long @default)
    {
        if (!options.TryGetValue("max-size", out string? text) || text is "") return @default;
        if (text == "-1") return 0;
        var match = SizeForm().Match(text);
        double number = match.Success ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
        long unit = match.Groups[2].Value.ToLowerInvariant() switch { "k" => 1L << 10, "m" => 1L << 20, "g" => 1L << 30, "t" => 1L << 40, _ => 1 };
        return match.Success && number > 0 ? (long)(number * unit) : throw EngineException.InvalidParameter($"invalid value for max-size: \"{text}\" is not a size in bytes, k, m or g");
    }

    private static int Files(SortedDictionary<string, string> options, int @default)
    {
        if (!options.TryGetValue("max-file", out string? text)) return @default;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int files) && files >= 1 ? files : throw EngineException.InvalidParameter($"max-file must be a positive number, not \"{text}\"");
    }

    private static bool Compress(SortedDictionary<string, string> options, bool @default)
    {
        if (!options.TryGetValue("compress", out string? text)) return @default;
        return bool.TryParse(text, out bool on) ? on : throw EngineException.InvalidParameter($"invalid value for compress: \"{text}\" is neither true nor false");
    }

    private static SortedDictionary<string, string>? Attributes(SortedDictionary<string, string> options, ContainerRecord container)
    {
        var config = container.Config;
        var attributes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var labels = config.Labels ?? [];
        var variables = (config.Env ?? []).Select(e => e.Split('=', 2)).Where(p => p.Length == 2).ToLookup(p => p[0], p => p[1]);
        foreach (string name in List(options, "labels"))
        {
            if (labels.TryGetValue(name, out string? value)) attributes[name] = value;
        }
        foreach (string name in List(options, "env"))
        {
            if (variables.Contains(name)) attributes[name] = variables[name].Last();
        }
        if (options.TryGetValue("labels-regex", out string? labelPattern))
        {
            foreach (var (name, value) in labels.Where(l => Matches(labelPattern, l.Key))) attributes[name] = value;
        }
        if (options.TryGetValue("env-regex", out string? variablePattern))
        {
            foreach (var variable in variables.Where(v => Matches(variablePattern, v.Key))) attributes[variable.Key] = variable.Last();
        }
        if (options.TryGetValue("tag", out string? tag) && tag.Length > 0) attributes["tag"] = LogTag.Expand(tag, container);
        return attributes.Count == 0 ? null : attributes;
    }

    private static bool Matches(string pattern, string text)
    {
        try
        {
            return Regex.IsMatch(text, pattern, RegexOptions.None, TimeSpan.FromSeconds(1));
        }
        catch (ArgumentException e)
        {
            throw EngineException.InvalidParameter($"invalid pattern \"{pattern}\": {e.Message}");
        }
    }

    private static string[] List(SortedDictionary<string, string> options, string key) =>
        options.TryGetValue(key, out string? text) ? text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [];
}
