using System.Text.Json;
using System.Text.RegularExpressions;
using Gantry.Daemon.Engine;
using Gantry.Daemon.Images.Dockerfile;

namespace Gantry.Daemon.Containers;

/// <summary>The option <c>tag</c> of log drivers: a text with fields of the container in it, <c>{{.Name}}/{{.ID}}</c> (dockerd's "log tag" templates).</summary>
internal static partial class LogTag
{
    private static readonly Dictionary<string, Func<ContainerRecord, string>> Fields = new(StringComparer.Ordinal)
    {
        ["ID"] = c => c.ShortId,
        ["FullID"] = c => c.Id,
        ["Name"] = c => c.Name,
        ["ImageID"] = c => c.ImageId.StartsWith("sha256:", StringComparison.Ordinal) ? c.ImageId[7..19] : c.ImageId,
        ["ImageFullID"] = c => c.ImageId,
        ["ImageName"] = c => c.Config.Image,
        ["Command"] = c => string.Join(' ', c.Args.Prepend(c.Path)),
        ["DaemonName"] = _ => "gantry",
    };

    private static readonly Dictionary<string, Func<string, string>> Functions = new(StringComparer.Ordinal)
    {
        [""] = text => text,
        ["json"] = text => JsonSerializer.Serialize(text, StoredJson.Default.String),
        ["lower"] = text => text.ToLowerInvariant(),
        ["upper"] = text => text.ToUpperInvariant(),
    };

    [GeneratedRegex(@"\{\{-?\s*(.*?)\s*-?\}\}", RegexOptions.Singleline)]
    private static partial Regex Action();

    [GeneratedRegex(@"^(?:([a-z]+)\s+)?\.([A-Za-z]+)$")]
    private static partial Regex Field();

    /// <exception cref="EngineException">400: a field or function that is not there.</exception>
    public static void Verify(string template) => Replace(template, (_, _) => "");

    public static string Expand(string template, ContainerRecord container) => Replace(template, (field, function) => function(field(container)));

    private static string Replace(string template, Func<Func<ContainerRecord, string>, Func<string, string>, string> valueOf) => Action().Replace(template, match =>
    {
        var parts = Field().Match(match.Groups[1].Value);
        if (parts.Success && Fields.TryGetValue(parts.Groups[2].Value, out var field) && Functions.TryGetValue(parts.Groups[1].Value, out var function)) return valueOf(field, function);
        throw EngineException.InvalidParameter($"invalid log tag {GoText.Quote(template)}: {match.Value} is no field of a container; there are .{string.Join(", .", Fields.Keys)}, and the functions json, lower and upper");
    });
}
