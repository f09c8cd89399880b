using System.Text.RegularExpressions;
using Gantry.Daemon.Engine;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>The comments at a Dockerfile's top that speak to its parser: <c># escape=`</c>. <c>syntax</c> and <c>check</c> are for BuildKit and have no effect.</summary>
internal sealed partial class ParserDirectives
{
    private readonly HashSet<string> seen = new(StringComparer.Ordinal);
    private bool ended;

    public char Escape { get; private set; } = DockerfileParser.DefaultEscape;

    /// <summary>Looks at one line. The first that is no directive ends them.</summary>
    /// <exception cref="EngineException">400: a directive came twice, or names another escape than a backslash or a backtick.</exception>
    public void Read(string line)
    {
        if (ended) return;
        var match = Directive().Match(line);
        string name = match.Groups[1].Value.ToLowerInvariant(), value = match.Groups[2].Value;
        if (name is not ("escape" or "syntax" or "check"))
        {
            ended = true;
            return;
        }
        if (!seen.Add(name)) throw EngineException.InvalidParameter($"only one {name} parser directive can be used");
        if (name != "escape") return;
        Escape = value is "`" or "\\" ? value[0] : throw EngineException.InvalidParameter($"invalid escape token '{value}' does not match ` or \\");
    }

    [GeneratedRegex(@"^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$", RegexOptions.CultureInvariant)]
    private static partial Regex Directive();
}
