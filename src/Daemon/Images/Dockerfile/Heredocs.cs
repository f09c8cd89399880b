using System.Text.RegularExpressions;

namespace Gantry.Daemon.Images.Dockerfile;

/// <summary>Finds the here-documents that an instruction's line announces: <c>RUN &lt;&lt;EOF</c>, <c>COPY &lt;&lt;-"file" /to</c>.</summary>
internal static partial class Heredocs
{
    /// <summary>Instructions in shell form that run or copy, and triggers of such.</summary>
    public static bool MayHave(Instruction instruction, char escape)
    {
        if (!instruction.Original.Contains("<<", StringComparison.Ordinal)) return false;
        if (instruction.Keyword == "ONBUILD" && instruction.Arguments.Length > 0) return MayHave(DockerfileParser.Split(instruction.Line, instruction.Arguments, escape), escape);
        return instruction.Keyword is "ADD" or "COPY" or "RUN" && !instruction.IsJson;
    }

    public static IEnumerable<Heredoc> Find(string line)
    {
        IReadOnlyList<string> words;
        try
        {
            words = ShellWords.Cut(line, keepQuotes: true, keepEscapes: true);
        }
        catch (FormatException)
        {
            return [];
        }
        return words.Select(Read).OfType<Heredoc>();
    }

    /// <summary>The announcement that a word is; null when it is none.</summary>
    public static Heredoc? Read(string word)
    {
        var match = Announcement().Match(word);
        if (!match.Success) return null;
        try
        {
            string rest = match.Groups[3].Value;
            if (ShellWords.Cut(rest, keepQuotes: false, keepEscapes: false) is not [var name] || ShellWords.Cut(rest, keepQuotes: true, keepEscapes: false) is not [var raw]) return null;
            return new Heredoc(name, match.Groups[1].Value, Quotes(name) == Quotes(raw), match.Groups[2].Length > 0);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static int Quotes(string text) => text.Count(c => c is '\'' or '"');

    /// <summary>Without the tabs at the beginnings of lines.</summary>
    public static string StripTabs(string content) => LeadingTabs().Replace(content, "");

    [GeneratedRegex(@"^(\d*)<<(-?)\s*([^<]+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Announcement();

    [GeneratedRegex(@"^\t+", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex LeadingTabs();
}
